/**
 * A WebSocket client as an async iterable of messages. It stands on `ws` and not on the runtimes' own
 * `WebSocket`, because a connector needs three things those cannot do: stop reading (back-pressure), really
 * cut a peer that does not answer, and tell why a handshake was refused. See docs/decisions/0002.
 */
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
// By its path: for the name "ws" Bun puts a shim of its own in place, which shows whole messages only and so
// cannot tell a slow peer from a dead one.
// @ts-types="@types/ws"
import { WebSocket } from "../../node_modules/ws/wrapper.mjs";
import { isForbiddenAddress } from "../protocol/forbidden_address.ts";
import { plainBytes } from "./plain_bytes.ts";
import { tunnelled } from "./proxy_tunnel.ts";
import { guardedLookup, type Reach } from "./reach.ts";
import { nodeTlsOptions } from "./tls.ts";

/** The server answered the handshake with something else than 101. */
export class HandshakeRefused extends Error {
  override readonly name = "HandshakeRefused";
  readonly status: number;
  readonly headers: Headers;
  /** The beginning of the response body. */
  readonly body: string;

  constructor(status: number, headers: Headers, body: string) {
    super(`the server answered ${status}`);
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** Text messages arrive as their bytes, which are valid UTF-8. */
export interface ClientSocket extends AsyncIterable<Message> {
  /** How it ended; set before the iteration ends. */
  readonly closed:
    | { readonly code: number; readonly reason: string; readonly error?: unknown }
    | undefined;
  /** Resolves when the texts were handed to the network, in one piece; rejects when the socket is closed. */
  send(texts: readonly string[]): Promise<void>;
  /** The closing handshake: everything sent before has been read by the peer when this resolves, or `graceMs` passed. */
  close(code: number, graceMs: number): Promise<void>;
}

export interface OpenOptions extends Pick<Reach, "tls" | "proxy" | "refuses"> {
  readonly headers: Record<string, string>;
  readonly maxFrameBytes: number;
  /** Aborting cuts the TCP connection, at any time. */
  readonly signal: AbortSignal;
  /** Called for any bytes received (on Bun: for any frame, pings included). */
  readonly heard: () => void;
}

export interface Message {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isBinary: boolean;
}

/** Messages held here, and their bytes, before the socket is paused. */
const highWater = 16;
const highWaterBytes = 1024 * 1024;
/** A peer that does not read its pongs gets no more of them. */
const maxUnreadBytes = 64 * 1024;
const maxRefusalBytes = 1024;

/**
 * Rejects with `HandshakeRefused`, with the network's error, or with the signal's reason. Connects to no address where a
 * relay cannot be; one behind a proxy the proxy must refuse.
 */
export function openWebSocket(url: URL, options: OpenOptions): Promise<ClientSocket> {
  const { signal, heard, refuses = isForbiddenAddress } = options;
  if (signal.aborted) return Promise.reject(signal.reason);
  const { agent, endTunnel } = agentFor(url, options);
  const socket = new WebSocket(url, {
    headers: options.headers,
    maxPayload: options.maxFrameBytes,
    perMessageDeflate: false,
    followRedirects: false,
    autoPong: false,
    ...nodeTlsOptions(options.tls),
    ...(agent ? { agent } : { lookup: guardedLookup(refuses) }),
  });
  const abort = () => {
    endTunnel();
    socket.terminate();
  };
  signal.addEventListener("abort", abort, { once: true });
  let bytes: IncomingMessage["socket"] | undefined;
  const incoming = receive(socket, heard, () => bytes);
  return new Promise((resolve, reject) => {
    socket.once("upgrade", (response: IncomingMessage) => {
      bytes = response.socket;
    });
    socket.once("open", () => {
      // Not sooner: a listener before that of `ws` would take the first frames away from it.
      bytes?.on("data", heard);
      resolve(incoming);
    });
    socket.once("unexpected-response", (_request: unknown, response: IncomingMessage) => {
      refusal(response).then((refused) => {
        reject(refused);
        socket.terminate();
      });
    });
    socket.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    socket.once("close", () => {
      signal.removeEventListener("abort", abort);
      reject(signal.aborted ? signal.reason : new Error("connection closed"));
    });
  });
}

/** Undefined where the socket is opened directly. */
function agentFor(
  url: URL,
  { tls, proxy }: OpenOptions,
): { readonly agent?: http.Agent; endTunnel(): void } {
  if (!proxy) return { endTunnel() {} };
  const agent = url.protocol === "wss:" ? new https.Agent(nodeTlsOptions(tls)) : new http.Agent();
  return { agent, endTunnel: tunnelled(agent, proxy, tls.ca) };
}

function receive(
  socket: WebSocket,
  heard: () => void,
  beneath: () => IncomingMessage["socket"] | undefined,
): ClientSocket {
  const frames: Message[] = [];
  let bytes = 0;
  let closed: ClientSocket["closed"];
  let failure: unknown;
  let wake = () => {};

  socket.on("message", (data, isBinary) => {
    heard();
    const frame = { bytes: plainBytes(data as Buffer), isBinary };
    frames.push(frame);
    bytes += frame.bytes.byteLength;
    if (frames.length >= highWater || bytes >= highWaterBytes) socket.pause();
    wake();
  });
  socket.on("ping", (data) => {
    heard();
    if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount <= maxUnreadBytes) {
      socket.pong(data);
    }
  });
  socket.on("pong", heard);
  socket.on("error", (error) => {
    failure = error;
  });
  socket.on("close", (code, reason) => {
    closed = { code, reason: reason.toString(), ...(failure !== undefined && { error: failure }) };
    wake();
  });

  return {
    get closed() {
      return closed;
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const frame = frames.shift();
        if (frame !== undefined) {
          bytes -= frame.bytes.byteLength;
          if (frames.length === 0 && socket.isPaused) socket.resume();
          yield frame;
        } else if (closed) {
          return;
        } else {
          await new Promise<void>((resolve) => wake = resolve);
        }
      }
    },
    send: (texts) =>
      new Promise((resolve, reject) => {
        if (socket.readyState !== WebSocket.OPEN) return reject(new Error("connection closed"));
        const last = texts.length - 1;
        if (last < 0) return resolve();
        const bytes = beneath();
        bytes?.cork();
        // They go out in order: what holds for the last one holds for all.
        texts.forEach((text, i) =>
          i < last
            ? socket.send(text)
            : socket.send(text, (error) => error ? reject(error) : resolve())
        );
        bytes?.uncork();
      }),
    close: (code, graceMs) =>
      new Promise((resolve) => {
        if (closed) return resolve();
        const timer = setTimeout(() => socket.terminate(), graceMs);
        socket.once("close", () => {
          clearTimeout(timer);
          resolve();
        });
        socket.resume();
        socket.close(code);
      }),
  };
}

async function refusal(response: IncomingMessage): Promise<HandshakeRefused> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) {
    headers.set(name, Array.isArray(value) ? value.join(", ") : value ?? "");
  }
  let body = "";
  try {
    response.setEncoding("utf8");
    for await (const chunk of response) {
      body += chunk;
      if (body.length >= maxRefusalBytes) break;
    }
  } catch {
    // The status is what matters; a body that breaks off is as good as none.
  }
  return new HandshakeRefused(response.statusCode ?? 0, headers, body.slice(0, maxRefusalBytes));
}
