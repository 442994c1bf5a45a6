/**
 * The other side of a connector as cheap as it can be made, in a process of its own: a relay that speaks the old wire
 * (protocol.md) or, on channels named `new-…`, exact bodies, as they are on a WebSocket, and acks in groups, a smee
 * stream, and a target. Prints its
 * URL as one line; ends with its parent.
 *
 *   GET /turn/CHANNEL?seconds=&bytes=&window=   webhooks for so long, at most `window` of them unsettled
 *   GET /turn/CHANNEL?seconds=&bytes=&rate=     so many a second, whatever is settled; with latencies
 *   GET /turn/CHANNEL?…&traced=1                each with a trace of its own
 *   GET /idle/CHANNEL                           answers when a connector is there
 *   /target/CHANNEL?delay=                      answers after so many milliseconds
 *   /collector/NAME/…                           takes spans
 *   GET /collector/NAME                         how many it has taken
 */
import { once } from "node:events";
import process from "node:process";
import { serve, type ServerSocket } from "../../../src/runtime/serve.ts";
import { payloadOf, spaced } from "../tools/payload.ts";

/** Who reads a channel. */
interface Reader {
  send(text: string): void;
}

interface Turn {
  readonly startedAt: number;
  readonly until: number;
  readonly window: number;
  readonly frame: (id: string) => string;
  readonly sentAt: Map<string, number>;
  readonly latencies: number[];
  settled: number;
  readonly over: () => void;
}

interface Channel {
  readonly name: string;
  reader?: Reader;
  readonly arrived: Promise<void>;
  readonly arrive: () => void;
  turn?: Turn;
  /** For a poll: texts that wait for it, and the one that waits for them. */
  readonly waiting: string[];
  answerPoll?: () => void;
}

const channels = new Map<string, Channel>();
/** Spans that came, by the collector's name. */
const spans = new Map<string, number>();
const encoder = new TextEncoder();
let made = 0;

function channelOf(name: string): Channel {
  const known = channels.get(name);
  if (known) return known;
  const { promise, resolve } = Promise.withResolvers<void>();
  const channel: Channel = { name, arrived: promise, arrive: resolve, waiting: [] };
  channels.set(name, channel);
  return channel;
}

/** Where the trace goes in a frame. */
const traceMark = "00-TRACE-00f067aa0ba902b7-01";

/** Eight hexadecimal digits that are other for each number, and anywhere. */
function spread(n: number): string {
  return (Math.imul(n, 2_654_435_761) >>> 0).toString(16).padStart(8, "0");
}

/** Random, as a relay makes them: what keeps them in order has work with that. */
function messageId(n: number): string {
  return `msg_${spread(n)}${n.toString(16).padStart(8, "0")}`;
}

/** Spread evenly, as a sampler wants them. */
function traceparent(n: number): string {
  return `00-4bf92f3577b34da6a3ce929d${spread(n)}-00f067aa0ba902b7-01`;
}

function framesOf(channel: string, bytes: number, traced: boolean): (id: string) => string {
  const payload = payloadOf(bytes);
  const headers = {
    "host": "hooks.example.org",
    "user-agent": "GitHub-Hookshot/1",
    "content-type": "application/json",
    "content-length": String(payload.length),
    "x-github-event": "push",
    "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    ...(traced && { traceparent: traceMark }),
  };
  const receivedAt = new Date().toISOString();
  const about = `"webhook_id":"hook","timestamp":"${receivedAt}",`;
  const exact = `${about}"method":"POST","path":"","delivery_count":1,"raw_headers":` +
    JSON.stringify(Object.entries(headers));
  const rest = isBinary(channel)
    ? `${exact}}\n${payload}`
    : channel.startsWith("new-")
    ? `${exact},"body":${JSON.stringify(payload)},"body_encoding":"utf8"}`
    : `${about}"headers":${JSON.stringify(headers)},"payload":${payload}}`;
  if (channel.startsWith("smee-")) {
    const { host: _, ...kept } = headers;
    const data = `${JSON.stringify({ ...kept, timestamp: Date.now() }).slice(0, -1)},"query":{},`;
    return (id) => `id: ${id}\ndata: ${data}"x-id":"${id}","body":${payload}}\n\n`;
  }
  const asSse = channel.includes("sse-");
  const tail = asSse && !channel.startsWith("new-") ? spaced(rest) : rest;
  const [before, after] = asSse ? ["event: webhook\ndata: ", "\n\n"] : ["", ""];
  const frame = (id: string) =>
    `${before}{"type":"webhook","message_id":"${id}","sequence":${made},${tail}${after}`;
  return traced ? (id) => frame(id).replace(traceMark, traceparent(made)) : frame;
}

function isBinary(channel: string): boolean {
  return channel.startsWith("new-websocket");
}

function fill(channel: Channel): void {
  const { turn } = channel;
  if (!turn) return;
  while (turn.sentAt.size < turn.window && performance.now() < turn.until) send(channel, turn);
  if (turn.sentAt.size === 0 && performance.now() >= turn.until) turn.over();
}

function send(channel: Channel, turn: Turn): void {
  const id = messageId(++made);
  turn.sentAt.set(id, performance.now());
  channel.reader?.send(turn.frame(id));
}

function settle(channel: Channel, ids: readonly string[]): void {
  const { turn } = channel;
  for (const id of ids) if (turn?.sentAt.delete(id)) turn.settled++;
  fill(channel);
}

async function takeTurn(channel: Channel, query: URLSearchParams): Promise<Response> {
  await channel.arrived;
  const number = (name: string, other: number) => Number(query.get(name) ?? other);
  const seconds = number("seconds", 1);
  const rate = number("rate", 0);
  const { promise, resolve } = Promise.withResolvers<void>();
  const startedAt = performance.now();
  const turn: Turn = {
    startedAt,
    until: startedAt + seconds * 1000,
    window: rate > 0 ? 0 : number("window", 200),
    frame: framesOf(channel.name, number("bytes", 1500), query.has("traced")),
    sentAt: new Map(),
    latencies: [],
    settled: 0,
    over: resolve,
  };
  channel.turn = turn;
  if (rate > 0) await atRate(channel, turn, rate);
  else fill(channel);
  await promise;
  delete channel.turn;
  const { settled, latencies } = turn;
  const took = (performance.now() - startedAt) / 1000;
  return Response.json({ settled, seconds: took, latencies: rate > 0 ? latencies : [] });
}

/** Sends at a rate, in steps of some milliseconds. */
async function atRate(channel: Channel, turn: Turn, rate: number): Promise<void> {
  for (let sent = 0;;) {
    const now = performance.now();
    if (now >= turn.until) break;
    for (const due = (now - turn.startedAt) / 1000 * rate; sent < due; sent++) send(channel, turn);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  fill(channel);
}

async function target(channel: Channel, request: Request, query: URLSearchParams) {
  await request.arrayBuffer();
  const delay = Number(query.get("delay") ?? 0);
  if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
  const id = request.headers.get("x-webhook-message-id") ?? request.headers.get("x-id") ?? "";
  const sentAt = channel.turn?.sentAt.get(id);
  if (sentAt !== undefined) channel.turn?.latencies.push(performance.now() - sentAt - delay);
  // Of a smee stream nothing more is heard.
  if (channel.name.startsWith("smee-")) settle(channel, [request.headers.get("x-id") ?? ""]);
  return new Response("{}");
}

async function collector(name: string, request: Request): Promise<Response> {
  const known = spans.get(name) ?? 0;
  if (request.method === "GET") return Response.json(known);
  const text = await request.text();
  spans.set(name, known + text.split('"spanId"').length - 1);
  return Response.json({});
}

function capabilitiesOf({ name }: Channel): string[] | undefined {
  if (!name.startsWith("new-")) return undefined;
  return ["exact-body", ...isBinary(name) ? ["binary-body"] : [], "ack-batch"];
}

function capabilityHeader(channel: Channel): Record<string, string> {
  const names = capabilitiesOf(channel);
  return names ? { "x-relay-capabilities": names.join(", ") } : {};
}

function connected(channel: Channel): string {
  return JSON.stringify({
    type: "connected",
    connection_id: "wsc_1",
    channel: channel.name,
    capabilities: capabilitiesOf(channel),
  });
}

function stream(channel: Channel): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const write = (text: string) => controller.enqueue(encoder.encode(text));
      write(
        channel.name.startsWith("smee-")
          ? "event: ready\ndata: {}\n\n"
          : `event: connected\ndata: ${connected(channel)}\n\n`,
      );
      channel.reader = { send: write };
      channel.arrive();
    },
  });
  const headers = { "content-type": "text/event-stream", ...capabilityHeader(channel) };
  return new Response(body, { headers });
}

async function poll(channel: Channel): Promise<Response> {
  channel.reader = {
    send(text) {
      channel.waiting.push(text);
      channel.answerPoll?.();
    },
  };
  channel.arrive();
  if (channel.waiting.length === 0) {
    await new Promise<void>((resolve) => {
      channel.answerPoll = resolve;
      setTimeout(resolve, 1_000);
    });
  }
  delete channel.answerPoll;
  const head = connected(channel).slice(0, -1);
  const messages = channel.waiting.splice(0, 100).join(",");
  return new Response(`${head},"messages":[${messages}]}`, {
    headers: { "content-type": "application/json", ...capabilityHeader(channel) },
  });
}

function told(channel: Channel, text: string | Uint8Array): void {
  const said = JSON.parse(String(text)) as Record<string, unknown>;
  if (said.type !== "ack") return;
  settle(channel, said.message_ids as string[] ?? [String(said.message_id)]);
}

async function answer(
  request: Request,
  upgrade: (channel: Channel) => Response | undefined,
): Promise<Response> {
  const url = new URL(request.url);
  const [, what = "", ...names] = url.pathname.split("/");
  if (what === "connect") {
    const [kind, name = "", form] = names;
    if (kind === "stream" && form === "sse") return stream(channelOf(name));
    if (kind === "stream" && form === "poll") return await poll(channelOf(name));
    if (kind === "stream") return upgrade(channelOf(name)) ?? new Response("", { status: 404 });
    // An ack names its connector, which has the channel's name.
    const channel = channelOf(request.headers.get("x-connector-id") ?? "");
    const single = url.searchParams.get("message_id");
    if (single !== null) settle(channel, [single]);
    else settle(channel, (await request.json() as { acks: string[] }).acks);
    return Response.json({ status: "ok" });
  }
  const channel = channelOf(names[0] ?? "");
  switch (what) {
    case "collector":
      return await collector(names[0] ?? "", request);
    case "target":
      return await target(channel, request, url.searchParams);
    case "turn":
      return await takeTurn(channel, url.searchParams);
    case "idle":
      await channel.arrived;
      return new Response("");
    default:
      return stream(channelOf(what));
  }
}

const server = await serve({
  hostname: "127.0.0.1",
  port: 0,
  maxFrameBytes: 64 * 1024 * 1024,
  handler: (request, context) =>
    answer(request, (channel) =>
      context.upgrade({
        open(socket: ServerSocket) {
          channel.reader = isBinary(channel.name)
            ? { send: (text) => socket.send(encoder.encode(text)) }
            : socket;
          socket.send(connected(channel));
          channel.arrive();
        },
        message: (_, text) => told(channel, text),
        close() {},
      })),
});
process.stdout.write(`${server.url}\n`);
await once(process.stdin.resume(), "end");
process.exit();
