/** A relay that says what it likes, over each of the three transports. */
import type { TransportName } from "../../src/flow.ts";
import {
  handshakeAnswer,
  httpAnswer,
  type RawRequest,
  type RawServer,
  socketFrame,
  startRawServer,
} from "./raw_peer.ts";
import type { TestContext } from "./test.ts";

export const transportNames = ["websocket", "sse", "long_poll"] as const;

export const greeting = '{"type":"connected","connection_id":"c1","channel":"dev"}';

/** A webhook frame; `members` replace its own. */
export function webhookText(id: string, members: Record<string, unknown> = {}): string {
  return JSON.stringify({
    ...{ type: "webhook", message_id: id, webhook_id: "hook", sequence: 1, timestamp: "" },
    ...{ method: "POST", path: "", raw_headers: [], body: "x", body_encoding: "utf8" },
    ...members,
  });
}

export interface HostileRelay extends RawServer {
  /** Message ids by what the connector said of them, from whichever transport. */
  readonly settled: ReadonlyMap<string, "ack" | "nack">;
  /** Resolves when the message is settled. */
  hasSettled(messageId: string): Promise<void>;
}

/** Every stream is opened, says the frames, and stays open. Of polls the first are answered, the others wait. */
export async function startHostileRelay(
  t: TestContext,
  transport: TransportName,
  frames: readonly string[],
): Promise<HostileRelay> {
  const answers = pollAnswers(frames).values();
  return await startScriptedRelay(t, (request) => {
    switch (transport) {
      case "websocket":
        return request.write(
          Buffer.concat([
            Buffer.from(handshakeAnswer(request)),
            ...frames.map((frame) => socketFrame(frame)),
          ]),
        );
      case "sse":
        return request.write(sseHead + frames.map(sseText).join(""));
      case "long_poll": {
        const { value } = answers.next();
        if (value !== undefined) return request.write(pollAnswer(value));
      }
    }
  });
}

/** `stream` is given every request for a stream; acknowledgements are taken. */
export async function startScriptedRelay(
  t: TestContext,
  stream: (request: RawRequest) => unknown,
): Promise<HostileRelay> {
  const settled = new Map<string, "ack" | "nack">();
  const waiters = new Map<string, () => void>();
  const settle = (id: string, verdict: "ack" | "nack") => {
    settled.set(id, verdict);
    waiters.get(id)?.();
  };
  const server = await startRawServer(t, (request) => {
    if (request.head.startsWith("POST /connect/ack")) {
      const query = new URL(request.head.split(" ", 2)[1] ?? "", "http://relay").searchParams;
      const verdict = query.get("status") === "nack" ? "nack" : "ack";
      void request.write(httpAnswer("200 OK", '{"status":"ok"}'));
      return settle(query.get("message_id") ?? "", verdict);
    }
    if (/^upgrade: websocket/im.test(request.head)) {
      request.socket.on("data", () => {
        for (const { opcode, text } of clientFrames(request.later)) {
          if (opcode === 8) request.socket.destroy();
          if (opcode !== 1) continue;
          const { type, message_id } = JSON.parse(text());
          if (type === "ack" || type === "nack") settle(message_id, type);
        }
      });
    }
    stream(request);
  });
  return {
    ...server,
    settled,
    hasSettled: (id) =>
      settled.has(id) ? Promise.resolve() : new Promise((resolve) => waiters.set(id, resolve)),
  };
}

export const sseHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

export function pollAnswer(body: string): string {
  return httpAnswer("200 OK", body, "Content-Type: application/json\r\n");
}

/** Of one answer no more is read than a thousand messages. */
const messagesPerAnswer = 500;

/** What is no JSON would spoil the other messages of its answer: it is an answer of its own. */
function pollAnswers([hello = "", ...frames]: readonly string[]): string[] {
  const whole = frames.filter(isJson);
  const broken = frames.filter((frame) => !isJson(frame));
  const answers = [...broken];
  for (let at = 0; at < whole.length; at += messagesPerAnswer) {
    const messages = whole.slice(at, at + messagesPerAnswer).join(",");
    answers.push(`${hello.slice(0, -1)},"messages":[${messages}]}`);
  }
  return answers;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export function sseText(frame: string): string {
  const type = /^\{"type":"([a-z]+)"/.exec(frame)?.[1];
  return `${type === undefined ? "" : `event: ${type}\n`}data: ${frame}\n\n`;
}

/** The whole frames in what a client sent; `text` unmasks. */
function* clientFrames(
  bytes: Uint8Array,
): Iterable<{ readonly opcode: number; text(): string }> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 6 <= view.length;) {
    const short = (view[at + 1] ?? 0) & 127;
    const wide = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (at + 6 + wide > view.length) return;
    const length = wide === 0
      ? short
      : view.readUIntBE(at + 2 + Math.max(0, wide - 6), Math.min(wide, 6));
    const mask = view.subarray(at + 2 + wide, at + 6 + wide);
    const payload = view.subarray(at + 6 + wide, at + 6 + wide + length);
    if (payload.length < length) return;
    yield {
      opcode: (view[at] ?? 0) & 15,
      text: () => payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)).toString(),
    };
    at += 6 + wide + length;
  }
}
