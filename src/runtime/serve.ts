/**
 * HTTP serving, the same on Deno and Bun: the runtime's own server behind one small interface. The only
 * place that knows how each of them upgrades a request to a WebSocket.
 */
import { authority } from "../config/host.ts";
import { giveUp } from "./given_up.ts";
import { readableRequests } from "./readable_requests.ts";
import { type Listener, renewable } from "./renewable.ts";
import { isDeno, runtimeGlobals } from "./runtime.ts";
import { wantsWebSocket } from "./wants_web_socket.ts";

/** What a handler is told of a request beyond the request itself; Hono passes it on as `c.env`. */
export interface RequestContext {
  /** The peer's address without port, or "" where there is none. */
  readonly remoteAddress: string;
  /**
   * Turns the request into a WebSocket; the response must be returned from the handler. Undefined when
   * the request does not ask for one.
   */
  upgrade(handlers: SocketHandlers): Response | undefined;
}

/** Called for one server-side WebSocket. None may throw. */
export interface SocketHandlers {
  open(socket: ServerSocket): void;
  /** A text frame arrives as a string, a binary one as bytes. */
  message(socket: ServerSocket, data: string | Uint8Array): void;
  /** Called once, however the socket ended. */
  close(code: number): void;
}

export interface ServerSocket {
  /** Bytes accepted by `send` and not yet taken by the network. */
  readonly bufferedAmount: number;
  /** A text, or bytes as a binary message. Never throws; what cannot be sent is lost, and `close` follows. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code: number, reason: string): void;
}

export type Handler = (request: Request, context: RequestContext) => Response | Promise<Response>;

export interface ServerTls {
  readonly cert: string;
  readonly key: string;
}

export interface ServeOptions {
  readonly hostname: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly handler: Handler;
  /** PEM texts; undefined = plain HTTP. */
  readonly tls?: ServerTls | undefined;
  /** The largest WebSocket message accepted, bytes. */
  readonly maxFrameBytes: number;
}

export interface Server {
  /** "http://HOST:PORT" or "https://…", an IPv6 host in brackets. */
  readonly url: string;
  /**
   * New connections get another certificate. Those that are open go on; for some milliseconds none is taken, since
   * neither runtime changes the certificate of an open port. Rejects with a `CannotListenError`; when the runtime does
   * not take the pair the one before is served on.
   */
  renew(tls: ServerTls): Promise<void>;
  /** Stops listening, waits for open requests up to `graceMs`, then cuts what is left. */
  stop(graceMs: number): Promise<void>;
}

/** Starts listening. Rejects with a `CannotListenError`. */
export function serve(options: ServeOptions): Promise<Server> {
  const handler = readableRequests(options.handler);
  return renewable(isDeno ? listenOnDeno : listenOnBun, { ...options, handler });
}

/** The address cannot be had; the message names it. */
export class CannotListenError extends Error {
  override readonly name = "CannotListenError";

  constructor({ hostname, port }: ServeOptions, cause: unknown) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    super(`cannot listen on ${hostname}:${port}: ${detail}`, { cause });
  }
}

function urlOf({ tls }: ServeOptions, hostname: string, port: number): string {
  return `${tls ? "https" : "http"}://${authority(hostname, port)}`;
}

// ── Deno ────────────────────────────────────────────────────────────────────────────────────────

function listenOnDeno(options: ServeOptions): Promise<Listener> {
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
  return Promise.resolve({
    url: urlOf(options, server.addr.hostname, server.addr.port),
    port: server.addr.port,
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

// ── Bun ─────────────────────────────────────────────────────────────────────────────────────────

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

function listenOnBun(options: ServeOptions): Promise<Listener> {
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
