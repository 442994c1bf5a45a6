/**
 * The relay of the old Python pair as ../shared/protocol.md describes it, its faults included: what a
 * connector has to live with that replaces the old one. Section numbers below are of that document.
 */
import http from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { type Clock, systemClock } from "../../src/async/clock.ts";
import { asciiJson } from "../../src/protocol/ascii_json.ts";
import type { TestContext } from "./test.ts";

export interface OldRelay {
  readonly url: string;
  /** Takes a webhook as its ingress would; the channel exists from the first one on. Gives the message id. */
  publish(body: string, headers?: Record<string, string>): string;
  /** Message ids in the order their acks and nacks were accepted. */
  readonly acked: readonly string[];
  readonly deadLetters: readonly string[];
  /** Stream requests accepted so far. */
  readonly streams: readonly OldConnection[];
  /** Every JSON text a WebSocket client sent. */
  readonly said: readonly string[];
  /** Resolves when the condition holds; it is looked at after everything that happens here. */
  until(condition: () => boolean): Promise<void>;
  /** Cuts every TCP connection. */
  cut(): void;
}

export interface OldConnection {
  readonly id: string;
  readonly kind: "ws" | "sse" | "poll";
  readonly inFlight: Map<string, Message>;
  /** Sends one message; false when the socket is gone. */
  send(message: Message): boolean;
  /** Sends any text as one frame or chunk. */
  raw(text: string): void;
  /** Registered, but never given a message again (4.2). */
  deaf: boolean;
  /** Its socket is closed and the relay has not noticed (4.4). */
  ghost: boolean;
}

interface Message {
  readonly message_id: string;
  readonly sequence: number;
  readonly webhook_id: string;
  readonly timestamp: string;
  readonly headers: Record<string, string>;
  readonly payload: unknown;
}

export interface OldRelayOptions {
  readonly clock?: Clock;
  /** False = no webhook has come yet, so that the channel does not exist (section 1). */
  readonly isKnown?: boolean;
  readonly heartbeatMs?: number;
  /** So many acks by POST are answered 500 (5.1) before one is taken. */
  readonly failAcks?: number;
}

const token = "s3cret";
const channel = "dev";
const window = 100;
const maxConnections = 10;
/** A closed WebSocket is noticed after this (4.4). */
const ghostMs = 30_000;
const sendRetryMs = 500;
const sendTries = 10;

export async function startOldRelay(
  t: TestContext,
  { clock = systemClock, isKnown = true, heartbeatMs = 30_000, failAcks = 0 }: OldRelayOptions = {},
): Promise<OldRelay> {
  let known = isKnown;
  let sequence = 0;
  let ids = 0;
  let acksFailed = 0;
  const queue: Message[] = [];
  const connections = new Map<string, OldConnection>();
  const streams: OldConnection[] = [];
  const acked: string[] = [];
  const deadLetters: string[] = [];
  const said: string[] = [];
  const sockets = new Set<Socket>();
  const timers = new Set<() => void>();
  let isOver = false;
  let waiting: { condition: () => boolean; resolve: () => void }[] = [];

  const happened = () => {
    const met = waiting.filter(({ condition }) => condition());
    waiting = waiting.filter((one) => !met.includes(one));
    for (const { resolve } of met) resolve();
  };
  const later = (ms: number, callback: () => void) => {
    // A connection may be found closed after all else has ended.
    if (isOver) return () => {};
    const cancel = clock.after(ms, () => {
      timers.delete(cancel);
      callback();
    });
    timers.add(cancel);
    return cancel;
  };
  const now = () => new Date(clock.now()).toISOString().replace("Z", "000+00:00");

  /** To the first usable connection, never shared out (section 7). */
  function dispatch(): void {
    while (queue.length > 0) {
      const to = [...connections.values()].find(({ deaf, inFlight }) =>
        !deaf && inFlight.size < window
      );
      const message = queue[0];
      if (!to || !message) return;
      queue.shift();
      if (to.send(message)) to.inFlight.set(message.message_id, message);
      else retrySend(message, 1);
    }
  }

  /** Ten tries at a socket that is gone, then the dead letters (4.4). */
  function retrySend(message: Message, tried: number): void {
    later(sendRetryMs, () => {
      const live = [...connections.values()].find(({ ghost, deaf }) => !ghost && !deaf);
      if (live?.send(message)) {
        live.inFlight.set(message.message_id, message);
      } else if (tried >= sendTries) {
        deadLetters.push(message.message_id);
        happened();
      } else {
        retrySend(message, tried + 1);
      }
    });
  }

  function register(connection: OldConnection): void {
    connections.set(connection.id, connection);
    streams.push(connection);
    happened();
  }

  /** What was in flight is queued again, at once and in front (RabbitMQ). */
  function unregister(connection: OldConnection): void {
    if (!connections.delete(connection.id)) return;
    queue.unshift(...connection.inFlight.values());
    connection.inFlight.clear();
    dispatch();
    happened();
  }

  function settle(connection: OldConnection, id: string, isAck: boolean, retry: boolean): boolean {
    const message = connection.inFlight.get(id);
    if (!message) return false;
    connection.inFlight.delete(id);
    if (isAck) acked.push(id);
    else if (retry) queue.unshift(message); // at once, no delay and no limit (section 7)
    else deadLetters.push(id);
    dispatch();
    happened();
    return true;
  }

  const isAuthorized = (request: http.IncomingMessage) => {
    const given = (request.headers.authorization ?? "").replace("Bearer ", "").trim();
    return known && given === token;
  };

  const server = http.createServer({ keepAliveTimeout: 5_000 }, (request, response) => {
    const url = new URL(request.url ?? "/", "http://relay");
    // Head and body arrive apart (section 2).
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.flushHeaders();
      setImmediate(() => response.end(body === undefined ? undefined : JSON.stringify(body)));
    };
    if (!isAuthorized(request)) return answer(401, { detail: "Invalid channel token" });
    if (url.pathname === `/connect/stream/${channel}/sse`) return sse(request, response);
    if (url.pathname === `/connect/stream/${channel}/poll`) return poll(url, response, answer);
    if (url.pathname === "/connect/ack" && request.method === "POST") {
      const found = connections.get(String(request.headers["x-connection-id"]));
      const id = url.searchParams.get("message_id") ?? "";
      if (!found) return answer(404, { detail: "Connection not found" });
      if (acksFailed < failAcks) {
        acksFailed++;
        return answer(500, { detail: "Failed to process acknowledgment" });
      }
      const isAck = (url.searchParams.get("status") ?? "ack") === "ack";
      const retry = url.searchParams.get("retry") !== "false";
      return settle(found, id, isAck, retry)
        ? answer(200, { status: "ok", message_id: id })
        : answer(404, { detail: "Message not in flight" });
    }
    answer(404, { detail: "Not Found" });
  });

  function sse(request: http.IncomingMessage, response: http.ServerResponse): void {
    const head = {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache",
    };
    response.writeHead(200, head);
    const event = (name: string, data: unknown) =>
      response.write(`event: ${name}\ndata: ${spacedAscii(data)}\n\n`);
    if (connections.size >= maxConnections) {
      event("error", { error: "max_connections_reached" });
      return void response.end();
    }
    const connection: OldConnection = {
      id: `sse_${++ids}_${Math.floor(clock.now() / 1000)}`,
      kind: "sse",
      inFlight: new Map(),
      deaf: false,
      ghost: false,
      send: (message) =>
        !response.destroyed && event("webhook", { type: "webhook", ...message }) !== undefined,
      raw: (text) => void response.write(text),
    };
    event("connected", { connection_id: connection.id, channel });
    register(connection);
    const beat = () => {
      event("heartbeat", { timestamp: now() });
      cancel = later(heartbeatMs, beat);
    };
    let cancel = later(heartbeatMs, beat);
    request.on("close", () => {
      cancel();
      unregister(connection);
    });
    dispatch();
  }

  /** One message a response; the connection is gone before it is written, so that no ack fits (section 6). */
  function poll(
    url: URL,
    response: http.ServerResponse,
    answer: (status: number, body: unknown) => void,
  ): void {
    const connection: OldConnection = {
      id: `poll_default_${Math.floor(clock.now() / 1000)}_${++ids}`,
      kind: "poll",
      inFlight: new Map(),
      deaf: false,
      ghost: false,
      send(message) {
        connection.deaf = true;
        cancel();
        connections.delete(connection.id);
        const body = {
          messages: [{ type: "webhook", ...message }],
          connection_id: connection.id,
          channel,
          timestamp: now(),
        };
        if (response.destroyed) return false;
        answer(200, body);
        // Requeued at removal: it comes back with the next poll, for ever (RabbitMQ).
        setImmediate(() => {
          connection.inFlight.clear();
          queue.push(message);
          dispatch();
        });
        return true;
      },
      raw: () => {},
    };
    const seconds = Number(url.searchParams.get("timeout") ?? 30);
    const cancel = later(seconds * 1000, () => {
      connections.delete(connection.id);
      response.writeHead(204).end();
    });
    response.on("close", () => {
      cancel();
      connections.delete(connection.id);
    });
    register(connection);
    dispatch();
  }

  const wss = new WebSocketServer({ noServer: true, maxPayload: 16 << 20 });
  server.on("upgrade", (request, socket, head) => {
    const isStream = request.url?.split("?")[0] === `/connect/stream/${channel}`;
    if (!isStream || !isAuthorized(request)) {
      // Refused before it is accepted, whatever the code says (2.1).
      return void socket.end(
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      );
    }
    wss.handleUpgrade(request, socket, head, (peer) => webSocket(peer));
  });

  function webSocket(peer: WebSocket): void {
    if (connections.size >= maxConnections) {
      return peer.close(4003, "Max connections reached");
    }
    const connection: OldConnection = {
      id: `wsc_${++ids}_${Math.floor(clock.now() / 1000)}`,
      kind: "ws",
      inFlight: new Map(),
      deaf: false,
      ghost: false,
      send(message) {
        if (connection.ghost) return false;
        peer.send(JSON.stringify({ type: "webhook", ...message }));
        return true;
      },
      raw: (text) => peer.send(text),
    };
    let heardAt = clock.now();
    let isReading = true;
    // Delivery begins before the greeting is sent (section 4).
    register(connection);
    dispatch();
    connection.raw(JSON.stringify({
      type: "connected",
      connection_id: connection.id,
      channel,
      timestamp: now(),
    }));
    const beat = () => {
      // Evicted: the socket stays open and heartbeats go on, but nothing ever comes again (4.2).
      if (clock.now() - heardAt >= 3 * heartbeatMs) connection.deaf = true;
      connection.raw(JSON.stringify({ type: "heartbeat", timestamp: now(), server_time: now() }));
      cancel = later(heartbeatMs, beat);
    };
    let cancel = later(heartbeatMs, beat);
    peer.on("message", (data, isBinary) => {
      if (!isReading) return;
      said.push(data.toString());
      const frame = isBinary ? undefined : jsonObject(data.toString());
      // One bad frame, and it never reads again while it goes on sending (4.1).
      if (!frame) isReading = false;
      else if (frame["type"] === "heartbeat") heardAt = clock.now();
      else if (frame["type"] === "ack") {
        settle(connection, String(frame["message_id"]), true, false);
      } else if (frame["type"] === "nack") {
        settle(connection, String(frame["message_id"]), false, frame["retry"] !== false);
      }
      happened();
    });
    peer.on("error", () => {});
    peer.on("close", () => {
      cancel();
      connection.ghost = true;
      later(ghostMs, () => unregister(connection));
      happened();
    });
  }

  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => sockets.forEach((socket) => socket.destroy());
  t.defer(async () => {
    isOver = true;
    for (const cancel of timers) cancel();
    cut();
    await new Promise((resolve) => server.close(resolve));
  });

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    acked,
    deadLetters,
    streams,
    said,
    cut,
    until: (condition) =>
      condition()
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ condition, resolve })),
    publish(body, headers = { "content-type": "application/json" }) {
      known = true;
      const message: Message = {
        message_id: `msg_${(0x1000 + ++sequence).toString(16).padStart(16, "0")}`,
        sequence,
        webhook_id: "hook",
        timestamp: now(),
        headers: { host: "relay.example", ...headers, "content-length": String(body.length) },
        payload: parsed(body),
      };
      queue.push(message);
      dispatch();
      return message.message_id;
    },
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  const value = parsed(text);
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
}

/** As Python's json.dumps writes it: spaces behind commas and colons, nothing beyond ASCII. */
function spacedAscii(value: unknown): string {
  const spaced = JSON.stringify(value).replace(
    /("(?:[^"\\]|\\.)*")|[,:]/g,
    (mark: string, string: string | undefined) => string ?? `${mark} `,
  );
  return asciiJson(spaced);
}
