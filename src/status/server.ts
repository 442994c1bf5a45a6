import type { Hono } from "hono";
import { isLoopback } from "../config/host.ts";
import type { ListenAddress } from "../config/settings.ts";
import { serve } from "../runtime/serve.ts";
import { statusApp, type StatusSource } from "./app.ts";
import type { Pages } from "./pages.tsx";

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
  { control, pages }: { readonly control?: Hono; readonly pages?: Pages } = {},
): Promise<StatusServer> {
  const app = statusApp(source, {
    onLoopback: isLoopback(address.hostname),
    control,
    pages: pages?.routes,
  });
  const server = await serve({
    ...address,
    maxFrameBytes: 0,
    handler: (request, context) => app.fetch(request, context),
  });
  return {
    url: server.url,
    close() {
      pages?.close();
      return server.stop(stopGraceMs);
    },
  };
}
