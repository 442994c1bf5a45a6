/**
 * The HTTP client, on the sockets of `node:net` and `node:tls` for both runtimes: it keeps header order, case and
 * repeats, takes TLS settings, proxy and Unix socket per server, checks addresses as it connects, and never sends a
 * request twice. See docs/decisions/0006.
 */
import { type Cancel, Cancellation, onAbort } from "../async/abort.ts";
import { Chain, type Linked } from "../async/chain.ts";
import { type Clock, systemClock } from "../async/clock.ts";
import { createDial } from "./dial.ts";
import { headerLine, type HeaderLines } from "./header_lines.ts";
import { HttpConnection, type HttpResponse } from "./http_connection.ts";
import { ProxyFailure } from "./network_failure.ts";
import { proxyAuthorization } from "./proxy_tunnel.ts";
import type { Reach } from "./reach.ts";

export type { HttpResponse } from "./http_connection.ts";

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  /** Path and query as they go on the wire; `url` may not have kept their spelling. */
  readonly path: string;
  /** In place of the URL's in the header `Host`. */
  readonly host?: string | undefined;
  /** `Host`, `Content-Length` and `Connection` are the client's to add. */
  readonly headers: readonly (readonly [string, string])[];
  /** More of them, made ready before. */
  readonly shared?: readonly HeaderLines[];
  readonly body: Uint8Array;
}

export interface HttpClient {
  /** Rejects with the network's error, or with the signal's reason when it is aborted. */
  request(request: HttpRequest, signal: Cancel): Promise<HttpResponse>;
  /** Connections opened so far. */
  readonly connections: number;
  /** Closes the connections that wait for a request: there is reason to think that they are dead. */
  dropIdle(): void;
  close(): void;
}

interface Waiter extends Linked {
  readonly go: () => void;
}

const encoder = new TextEncoder();
/**
 * A server may close after each answer without having said so. Where a request was lost with a connection that had answered
 * before, one is not used again before it has been open for so long since its answer, milliseconds.
 */
const provenAfterMs = 50;
/** A smaller body goes out in one piece with its head. */
const onePieceBytes = 16 * 1024;

/** A client with its own connection pool, of at most `maxSockets` at that time. One per server, for its life. */
export function createHttpClient(
  reach: Reach,
  maxSockets: () => number,
  clock: Clock = systemClock,
): HttpClient {
  const { proxy } = reach;
  const dial = createDial(reach);
  const over = new Cancellation();
  /** Connections that wait for a request, by origin, the one used last at the end. */
  const idle = new Map<string, HttpConnection[]>();
  const all = new Set<HttpConnection>();
  /** Requests that wait for a connection. */
  const waiting = new Chain<Waiter>();
  let dialling = 0;
  /** A connection was closed under a request, and none has lasted since. */
  let isDoubtful = false;
  let connections = 0;

  return {
    get connections() {
      return connections;
    },
    async request(given, signal) {
      const { url, method } = given;
      const forwardedBy = url.protocol === "http:" ? proxy : undefined;
      const bytes = bytesOf(given, forwardedBy);
      const connection = takeIdle(url.origin, signal) ?? await take(url, signal);
      const answer = connection.send(method, bytes, signal);
      return await (forwardedBy ? forwarded(forwardedBy, answer, signal) : answer);
    },
    dropIdle() {
      for (const connection of [...idle.values()].flat()) connection.destroy();
    },
    close() {
      over.abort(new Error("connection closed"));
      for (const connection of all) connection.destroy();
    },
  };

  /** A connection that waits, if there is one. Throws the signal's reason. */
  function takeIdle(origin: string, signal: Cancel): HttpConnection | undefined {
    if (signal.aborted) throw signal.reason;
    if (over.aborted) throw over.reason;
    const free = idle.get(origin);
    for (let one = free?.pop(); one; one = free?.pop()) {
      if (one.isUsable) return one;
      one.destroy();
    }
    return undefined;
  }

  async function take(url: URL, signal: Cancel): Promise<HttpConnection> {
    while (all.size + dialling >= maxSockets()) {
      await turn(signal);
      const free = takeIdle(url.origin, signal);
      if (free) return free;
    }
    return await open(url, signal);
  }

  async function open(url: URL, signal: Cancel): Promise<HttpConnection> {
    const { origin } = url;
    const offer = (connection: HttpConnection) => {
      const free = idle.get(origin) ?? [];
      if (free.push(connection) === 1) idle.set(origin, free);
      next();
    };
    let cancelProof = () => {};
    const either = new Cancellation();
    const forgets = [signal, over].map((one) => onAbort(one, () => either.abort(one.reason)));
    dialling++;
    try {
      const socket = await dial(url, either);
      if (over.aborted) {
        socket.destroy();
        throw over.reason;
      }
      connections++;
      const connection = new HttpConnection(socket, {
        onIdle(connection) {
          if (!isDoubtful) return offer(connection);
          cancelProof = clock.after(provenAfterMs, () => {
            isDoubtful = false;
            offer(connection);
          });
        },
        onClosed(connection) {
          cancelProof();
          isDoubtful ||= connection.diedReused;
          all.delete(connection);
          const free = idle.get(origin);
          const at = free?.indexOf(connection) ?? -1;
          if (at !== -1) free?.splice(at, 1);
          next();
        },
      }, clock);
      all.add(connection);
      return connection;
    } catch (error) {
      next();
      throw error;
    } finally {
      for (const forget of forgets) forget();
      dialling--;
    }
  }

  /** Waits until a connection may be had. Rejects with the signal's reason. */
  function turn(signal: Cancel): Promise<void> {
    return new Promise((resolve, reject) => {
      let forgets: (() => void)[] = [];
      const end = () => {
        waiting.remove(waiter);
        for (const forget of forgets) forget();
      };
      const go = () => {
        end();
        resolve();
      };
      const waiter: Waiter = { go, older: undefined, newer: undefined };
      waiting.add(waiter);
      forgets = [signal, over].map((either) =>
        onAbort(either, () => {
          end();
          reject(either.reason);
        })
      );
    });
  }

  function next(): void {
    waiting.oldest?.go();
  }
}

async function forwarded(
  proxy: URL,
  answer: Promise<HttpResponse>,
  signal: Cancel,
): Promise<HttpResponse> {
  try {
    const response = await answer;
    if (response.status !== 407) return response;
    response.body.destroy();
  } catch (error) {
    throw signal.aborted ? error : new ProxyFailure(proxy, error);
  }
  throw new ProxyFailure(proxy, undefined, 407);
}

/** The request as it goes on the wire (RFC 9112 section 3). Throws a TypeError for what is no request. */
function bytesOf(request: HttpRequest, forwardedBy: URL | undefined): Uint8Array[] {
  const { method, url, path, host = request.url.host, headers, shared = [], body } = request;
  const target = forwardedBy ? url.origin + path : path;
  let head = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n`;
  if (/[^\x21-\x7e]/.test(method + target)) {
    throw new TypeError(`cannot request ${JSON.stringify(`${method} ${target}`)}`);
  }
  for (const [name, value] of headers) head += headerLine(name, value);
  for (const { text } of shared) head += text;
  const authorization = forwardedBy && proxyAuthorization(forwardedBy);
  if (authorization !== undefined) head += headerLine("Proxy-Authorization", authorization);
  const isBodyless = body.byteLength === 0 && (method === "GET" || method === "HEAD");
  if (!isBodyless) head += `Content-Length: ${body.byteLength}\r\n`;
  head += "Connection: keep-alive\r\n\r\n";
  if (body.byteLength > onePieceBytes) return [latin1(head, head.length), body];
  const whole = latin1(head, head.length + body.byteLength);
  whole.set(body, head.length);
  return [whole];
}

/** The text at the beginning of so many bytes. Most of it is ASCII, which UTF-8 writes faster on Deno. */
function latin1(text: string, bytes: number): Uint8Array {
  const made = new Uint8Array(bytes);
  const { read, written } = encoder.encodeInto(text, made);
  const isAscii = read === text.length && written === text.length;
  if (!isAscii) Buffer.from(made.buffer).write(text, 0, "latin1");
  return made;
}
