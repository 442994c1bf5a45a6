/**
 * HTTP serving, the same on Deno and Bun: the runtime's own server behind one small interface. How each of
 * them upgrades a request to a WebSocket is known in serve_on_deno.ts and serve_on_bun.ts alone.
 */
import { readableRequests } from "./readable_requests.ts";
import { renewable } from "./renewable.ts";
import { isDeno } from "./runtime.ts";
import { listenOnBun } from "./serve_on_bun.ts";
import { listenOnDeno } from "./serve_on_deno.ts";

export { CannotListenError } from "./listening.ts";

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
   * New connections get another certificate. Those that are open go on, but for the WebSockets on Deno 2.9.6, which are
   * closed (1001); for some milliseconds none is taken, since neither runtime changes the certificate of an open port. Rejects with a `CannotListenError`; when the runtime does
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
