import { giveUp } from "./given_up.ts";
import { CannotListenError, urlOf } from "./listening.ts";
import type { Listener } from "./renewable.ts";
import type { ServeOptions, ServerSocket, SocketHandlers } from "./serve.ts";
import { wantsWebSocket } from "./wants_web_socket.ts";

export function listenOnDeno(options: ServeOptions): Promise<Listener> {
  const cut = new AbortController();
  let underWay = 0;
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({
      hostname: options.hostname,
      port: options.port,
      ...(options.tls && { cert: options.tls.cert, key: options.tls.key }),
      signal: cut.signal,
      onListen: () => {},
    }, (request, info) => {
      underWay++;
      info.completed.catch(() => {}).finally(() => underWay--);
      return options.handler(request, {
        remoteAddress: info.remoteAddr.hostname,
        upgrade: (handlers) => upgradeOnDeno(request, handlers),
      });
    });
  } catch (error) {
    return Promise.reject(new CannotListenError(options, error));
  }
  let ended: Promise<void> | undefined;
  const retire = () => ended ??= server.shutdown();
  // It rejects when a connection cannot be taken: too many files are open.
  const failed = new Promise<void>((resolve) => server.finished.catch(() => resolve()));
  return Promise.resolve({
    url: urlOf(options, server.addr.hostname, server.addr.port),
    port: server.addr.port,
    failed,
    retire,
    async stop(graceMs) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const givenUp = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          if (underWay > 0) return cut.abort();
          // A body that was half read: Deno 2.9.6 waits for the rest for ever, and an abort would be an error that
          // nobody can catch.
          server.unref();
          giveUp();
          resolve();
        }, graceMs);
      });
      await Promise.race([retire(), givenUp]);
      clearTimeout(timer);
    },
  });
}

function upgradeOnDeno(request: Request, handlers: SocketHandlers): Response | undefined {
  if (!wantsWebSocket(request)) return undefined;
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 60 });
  socket.binaryType = "arraybuffer";
  const wrapped: ServerSocket = {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send(data) {
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
    },
    close(code, reason) {
      if (socket.readyState <= WebSocket.OPEN) socket.close(code, reason);
    },
  };
  socket.onopen = () => handlers.open(wrapped);
  socket.onmessage = ({ data }) =>
    handlers.message(wrapped, typeof data === "string" ? data : new Uint8Array(data));
  // An error is always followed by a close event; without a handler Deno would report it as uncaught.
  socket.onerror = (event) => event.preventDefault();
  socket.onclose = ({ code }) => handlers.close(code);
  return response;
}
