/** A relay that sends frames nobody should: each is survived, counted, and nothing wrong reaches a target. */
import assert from "node:assert/strict";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import {
  greeting,
  startHostileRelay,
  transportNames,
  webhookText,
} from "../support/hostile_relay.ts";
import { settings, startConnector, startTarget } from "../support/rig.ts";
import { test } from "../support/test.ts";

interface Hostile {
  readonly name: string;
  readonly frames: readonly string[];
  /** Message ids that do reach the target, beside the good one. */
  readonly delivered?: readonly string[];
  /** Message ids that are put away at the relay. */
  readonly nacked?: readonly string[];
  /** Frames, or parts of them, that are counted as not understood. */
  readonly ignored: number;
  /** A poll that gets them is not answered by a relay. */
  readonly isNoAnswer?: boolean;
  /** Greetings behind the first: counted too, but for a poll, whose answers have one each. */
  readonly greetings?: number;
}

const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

const hostile: readonly Hostile[] = [
  {
    name: "no object: text, number, null, array",
    frames: ['"x"', "7", "null", "[]"],
    ignored: 4,
  },
  {
    name: "no JSON",
    frames: ["{", "\u0000"],
    ignored: 2,
    isNoAnswer: true,
  },
  {
    name: "kinds that nobody knows, the names of JavaScript's own among them",
    frames: ["__proto__", "constructor", "toString", "Webhook", "x".repeat(1_000_000)]
      .map((type) => JSON.stringify({ type })),
    ignored: 5,
  },
  {
    name: "a kind that is no text",
    frames: ['{"type":7}', '{"type":{"type":"webhook"}}', '{"type":null}'],
    ignored: 3,
  },
  {
    name: "members of a wrong type",
    frames: [
      webhookText("a", { webhook_id: { id: "hook" } }),
      webhookText("b", { raw_headers: [["a", "b", "c"]] }),
      webhookText("c", { body: 7 }),
      webhookText("d", { body_encoding: "base64", body: "*" }),
      webhookText("e", { raw_headers: { a: "b" } }),
      webhookText("f", { delivery_count: -1 }),
      webhookText("g", { body_encoding: "utf-16" }),
    ],
    nacked: ["a", "b", "c", "d", "e", "f", "g"],
    ignored: 7,
  },
  {
    name: "ids that are no ids",
    frames: [
      webhookText("", {}),
      webhookText("x", { message_id: 7 }),
      webhookText("x", { message_id: ["x"] }),
      webhookText("x".repeat(100_000)),
      webhookText("a\r\nX-Injected: 1"),
      webhookText("a\0b"),
      webhookText("€"),
    ],
    ignored: 7,
  },
  {
    name: "webhook ids that would be lines of a header",
    frames: [
      webhookText("a", { webhook_id: "x\r\nX-Injected: 1" }),
      webhookText("b", { webhook_id: "x\0" }),
    ],
    nacked: ["a", "b"],
    ignored: 2,
  },
  {
    name: "methods that are none, or that open a tunnel",
    frames: [
      webhookText("a", { method: "GET / HTTP/1.1\r\nX-Injected: 1\r\n\r\n" }),
      webhookText("b", { method: "" }),
      webhookText("c", { method: "CONNECT" }),
      webhookText("d", { method: "connect" }),
      webhookText("e", { method: "TRACE" }),
    ],
    nacked: ["a", "b", "c", "d", "e"],
    ignored: 5,
  },
  {
    name: "paths that lead elsewhere",
    frames: [
      "/../admin",
      "/%2e%2e/admin",
      "//evil.example/",
      "/a\r\nX-Injected: 1",
      "x",
      "/a b",
      "/é",
    ]
      .map((path, i) => webhookText(`p${i}`, { path })),
    delivered: ["p2"],
    nacked: ["p0", "p1", "p3", "p4", "p5", "p6"],
    ignored: 0,
  },
  {
    name: "numbers that are absurd",
    frames: [
      webhookText("a", { sequence: -1 }),
      webhookText("b", { sequence: 1e308 }),
      webhookText("c", { sequence: "7" }),
      webhookText("d", { sequence: 1.5, timestamp: "+275760-09-13T00:00:00Z" }),
      webhookText("e", { sequence: 9_007_199_254_740_993, timestamp: "x".repeat(100_000) }),
      webhookText("f", { timestamp: "-271821-04-20T00:00:00Z" }),
    ],
    delivered: ["a", "b", "c", "d", "e", "f"],
    ignored: 0,
  },
  {
    name: "a hundred thousand headers, and one of ten million characters",
    frames: [
      webhookText("a", { raw_headers: Array.from({ length: 100_000 }, (_, i) => [`h${i}`, "v"]) }),
      webhookText("b", { raw_headers: [["h", "v".repeat(10_000_000)]] }),
    ],
    nacked: ["a", "b"],
    ignored: 2,
  },
  {
    name: "a payload of a hundred thousand brackets",
    frames: [`{"type":"webhook","message_id":"","x":${deep(100_000)}}`],
    ignored: 1,
  },
  {
    name: "settled, for what nobody waits for",
    frames: [
      JSON.stringify({ type: "settled", message_ids: Array.from({ length: 100_000 }, String) }),
      '{"type":"settled"}',
      '{"type":"settled","message_ids":"x"}',
      '{"type":"settled","message_ids":[1]}',
    ],
    ignored: 4,
  },
  {
    name: "greetings, a thousand of them, and some that are none",
    frames: [
      ...Array.from({ length: 1_000 }, () => greeting),
      '{"type":"connected"}',
      '{"type":"connected","connection_id":""}',
      '{"type":"connected","connection_id":"a\\r\\nX-Injected: 1"}',
      '{"type":"connected","connection_id":"€"}',
    ],
    ignored: 4,
    greetings: 1_000,
  },
  {
    name: "an ack timeout of no time, and of all",
    frames: [1e-300, 1e300].map((seconds) =>
      `${greeting.slice(0, -1)},"capabilities":["extend"],"ack_timeout_seconds":${seconds}}`
    ),
    ignored: 0,
    greetings: 2,
  },
  {
    name: "a goodbye that nobody asked for, and heartbeats by the thousand",
    frames: [...Array.from({ length: 5_000 }, () => '{"type":"heartbeat"}'), '{"type":"goodbye"}'],
    ignored: 0,
  },
  {
    name: "headers that would be others",
    frames: [
      webhookText("a", {
        raw_headers: [
          ["a\r\nX-Injected", "1"],
          ["b", "1\r\nX-Injected: 1"],
          ["c", "1\nX-Injected: 1"],
          ["d", "\0"],
          ["", "x"],
          ["e f", "x"],
          ["Transfer-Encoding", "chunked"],
          ["Content-Length", "0"],
          ["Host", "evil.example"],
          ["Connection", "close, x-kept"],
          ["x-kept", "no"],
          ["Expect", "100-continue"],
          ["Upgrade", "h2c"],
          ["X-Webhook-Attempt", "99"],
          ["__proto__", "x"],
        ],
      }),
    ],
    delivered: ["a"],
    ignored: 1,
  },
];

/** No log line, page or metric needs more. */
const maxEventBytes = 4_096;

for (const transport of transportNames) {
  for (const one of hostile) {
    const { name, frames, delivered = [], nacked = [], greetings = 0 } = one;
    const isCut = transport === "long_poll" && one.isNoAnswer === true;
    const ignored = isCut ? 0 : one.ignored;
    test(`[${transport}] ${name}`, async (t) => {
      const relay = await startHostileRelay(t, transport, [
        greeting,
        ...frames,
        webhookText("good"),
      ]);
      const target = await startTarget(t);
      const run = startConnector(t, settings(relay.url, target.url, transport));
      for (const id of ["good", ...delivered, ...nacked]) await relay.hasSettled(id);
      const ids = target.got.map(({ headers }) => headers["x-webhook-message-id"]);
      assert.deepEqual(ids.sort(), ["good", ...delivered].sort());
      for (const id of nacked) assert.equal(relay.settled.get(id), "nack", id);
      for (const { headers, url, method } of target.got) {
        assert.equal(headers["x-injected"], undefined);
        assert.equal(headers["x-kept"], undefined);
        assert.equal(headers.host, target.url.host);
        assert.equal(headers["content-length"], "1");
        assert.equal(headers["x-webhook-attempt"], "1");
        assert.equal(method, "POST");
        assert.match(url, /^\/hooks/);
      }
      assertBounded(run.events);
      assert.equal(count(run.events, "stream.failed"), isCut ? frames.length : 0);
      assert.equal(count(run.events, "stream.connected"), 1);
      const again = transport === "long_poll" ? 0 : greetings;
      assert.equal(count(run.events, "stream.frame_ignored"), ignored + again);
    });
  }
}

function count(events: readonly ConnectorEvent[], type: ConnectorEvent["type"]): number {
  return events.filter((event) => event.type === type).length;
}

function assertBounded(events: readonly ConnectorEvent[]): void {
  for (const event of events) {
    const text = JSON.stringify(event);
    assert.ok(text.length <= maxEventBytes, `an event of ${text.length}: ${text.slice(0, 200)}`);
  }
}
