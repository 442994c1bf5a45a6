import type { ListenAddress } from "../config/settings.ts";
import { serve } from "../runtime/serve.ts";
import { statusApp, type StatusSource } from "./app.ts";

export interface StatusServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Requests under way at the end are given this long, milliseconds. */
const stopGraceMs = 500;

/** Listens. Rejects when the address cannot be had. */
export async function startStatusServer(
  address: ListenAddress,
  source: StatusSource,
): Promise<StatusServer> {
  const onLoopback = /^(localhost|127\..*|::1)$/.test(address.hostname);
  const app = statusApp(source, { onLoopback });
  const server = await serve({
    ...address,
    maxFrameBytes: 0,
    handler: (request) => app.fetch(request),
  });
  return {
    url: server.url,
    close: () => server.stop(stopGraceMs),
  };
}
