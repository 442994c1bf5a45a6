import { authority } from "../config/host.ts";
import type { ServeOptions } from "./serve.ts";

/** The address cannot be had; the message names it. */
export class CannotListenError extends Error {
  override readonly name = "CannotListenError";

  constructor({ hostname, port }: ServeOptions, cause: unknown) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    super(`cannot listen on ${hostname}:${port}: ${detail}`, { cause });
  }
}

export function urlOf({ tls }: ServeOptions, hostname: string, port: number): string {
  return `${tls ? "https" : "http"}://${authority(hostname, port)}`;
}
