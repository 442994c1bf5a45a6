import { CannotListenError, urlOf } from "./listening.ts";
import type { Listener } from "./renewable.ts";
import type { ServeOptions, ServerSocket, SocketHandlers } from "./serve.ts";
import { runtimeGlobals } from "./runtime.ts";
import { wantsWebSocket } from "./wants_web_socket.ts";

const headTimeoutSeconds = 30;

interface BunSocket {
  readonly data: { handlers: SocketHandlers; wrapped?: ServerSocket };
  send(data: string | Uint8Array<ArrayBuffer>): number;
  close(code: number, reason: string): void;
  getBufferedAmount(): number;
}

interface BunServer {
  readonly hostname: string;
  readonly port: number;
  requestIP(request: Request): { address: string } | null;
  timeout(request: Request, seconds: number): void;
  upgrade(request: Request, options: { data: BunSocket["data"] }): boolean;
  stop(closeActiveConnections: boolean): Promise<void>;
}

export function listenOnBun(options: ServeOptions): Promise<Listener> {
  const bun = runtimeGlobals.Bun as unknown as { serve(options: unknown): BunServer };
  let server: BunServer;
  try {
    server = bun.serve({
      hostname: options.hostname,
      port: options.port,
      development: false, // else an error is a page with our source
      reusePort: false, // what the line above has as true: two relays on one port
      ...(options.tls && { tls: { cert: options.tls.cert, key: options.tls.key } }),
      // For a head that does not end and a connection that asks nothing; Deno has no such limit.
      idleTimeout: headTimeoutSeconds,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request: Request, self: BunServer) => {
        // A stream or a poll may be silent; what it may take is the handler's to say.
        self.timeout(request, 0);
        return options.handler(request, {
          remoteAddress: self.requestIP(request)?.address ?? "",
          upgrade: (handlers) =>
            wantsWebSocket(request) && self.upgrade(request, { data: { handlers } })
              ? new Response(null, { status: 101 })
              : undefined,
        });
      },
      websocket: {
        maxPayloadLength: options.maxFrameBytes,
        // Bun drops what would be more; the relay hands out no more long before.
        backpressureLimit: 4 * options.maxFrameBytes,
        closeOnBackpressureLimit: false,
        idleTimeout: 60,
        sendPings: true,
        open(socket: BunSocket) {
          socket.data.handlers.open(wrapBunSocket(socket));
        },
        message(socket: BunSocket, data: string | Uint8Array) {
          socket.data.handlers.message(wrapBunSocket(socket), data);
        },
        close(socket: BunSocket, code: number) {
          socket.data.handlers.close(code);
        },
      },
    });
  } catch (error) {
    return Promise.reject(new CannotListenError(options, error));
  }
  let ended: Promise<void> | undefined;
  const retire = () => ended ??= server.stop(false);
  return Promise.resolve({
    url: urlOf(options, server.hostname, server.port),
    port: server.port,
    failed: new Promise(() => {}), // Bun takes connections again by itself
    retire,
    async stop(graceMs) {
      const timer = setTimeout(() => void server.stop(true), graceMs);
      await retire();
      clearTimeout(timer);
    },
  });
}

function wrapBunSocket(socket: BunSocket): ServerSocket {
  return socket.data.wrapped ??= {
    get bufferedAmount() {
      return socket.getBufferedAmount();
    },
    send: (data) => void socket.send(data),
    close: (code, reason) => socket.close(code, reason),
  };
}
