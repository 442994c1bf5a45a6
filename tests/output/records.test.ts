import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { foldRecords } from "../../src/output/fold_records.ts";
import { recordAt, recordJson, recordSchema, type Told } from "../../src/output/record.ts";
import { recordText } from "../../src/output/record_text.ts";
import { test } from "../support/test.ts";

const about = { messageId: "msg_1", webhookId: "hook", traceId: "t" };
const reason = { code: "status", message: "the target answered 503", status: 503 } as const;
const received: ConnectorEvent = {
  type: "delivery.received",
  ...about,
  ...{ method: "PUT", path: "/a", bytes: 12, lagMs: 3 },
};
const events: readonly ConnectorEvent[] = [
  { type: "status.listening", url: "http://127.0.0.1:1" },
  {
    type: "stream.failed",
    ...{ transport: "sse", failureClass: "network", message: "refused" },
    retryInMs: 1_500.4,
  },
  {
    type: "stream.connected",
    ...{ transport: "sse", connectionId: "c", capabilities: [], downMs: 4 },
  },
  received,
  { type: "delivery.retrying", ...about, target: "default", attempt: 1, reason, delayMs: 480.6 },
  {
    type: "delivery.succeeded",
    ...about,
    ...{ target: "default", attempts: 2, status: 200, durationMs: 500, lagMs: 3 },
  },
  {
    type: "delivery.failed",
    ...about,
    ...{ outcome: "exhausted", target: "other", attempts: 4, reason },
  },
  { type: "delivery.failed", ...about, outcome: "rejected", attempts: 0, reason },
  { type: "delivery.deferred", ...about, target: "other", reason, delayMs: 5 },
  { type: "settlement.confirmed", messageId: "msg_1", verdict: "nack", retry: true },
  { type: "connector.paused" },
  { type: "connector.resumed" },
  { type: "stream.disconnected", transport: "sse", reason: "stopped", by: "connector", upMs: 9 },
];
const fromDev: readonly Told[] = [
  { type: "post_to", url: "http://127.0.0.1:2/webhook/dev" },
  { type: "request", method: "POST", url: "/", bytes: 3, signature: "valid", body: "abc" },
  { type: "sample", event: "github.push", answer: "202" },
];

function tellAll(): Told[] {
  const told: Told[] = [];
  const observe = foldRecords((one) => told.push(one));
  events.forEach(observe);
  return [...told, ...fromDev];
}

test("every kind of record is told, and each is as the schema says", () => {
  const records = tellAll().map((told) => recordSchema.parse(recordAt(1_000, told)));
  assert.deepEqual(tellAll().map((told) => JSON.parse(recordJson(1_000, told))), records);
  const kinds = recordSchema.options.map(({ shape }) => shape.type.value);
  assert.deepEqual([...new Set(records.map(({ type }) => type))].sort(), [...kinds].sort());
  assert.deepEqual(records[4], {
    ...{ v: 1, time: "1970-01-01T00:00:01.000Z", type: "message", outcome: "delivered" },
    ...{ message_id: "msg_1", webhook_id: "hook", method: "PUT", path: "/a", trace_id: "t" },
    ...{ target: "default", status: 200, attempts: 2, duration_ms: 500, lag_ms: 3, bytes: 12 },
    reason: null,
  });
  const waits = records.map((record) => "retry_in_ms" in record && record.retry_in_ms);
  assert.deepEqual(waits.filter((ms) => typeof ms === "number"), [1_500, 481]);
});

test("docs/output.schema.json is the schema of the records", () => {
  const path = join(import.meta.dirname ?? ".", "..", "..", "docs", "output.schema.json");
  const published = JSON.parse(readFileSync(path, "utf8"));
  assert.deepEqual(published.oneOf, z.toJSONSchema(recordSchema).oneOf);
});

test("a message whose coming is not known any more has null where that is not known", () => {
  const told: Told[] = [];
  const observe = foldRecords((one) => told.push(one));
  observe(received);
  const settled = { type: "settlement.confirmed", messageId: "msg_1", retry: false } as const;
  observe({ ...settled, verdict: "ack" });
  observe({ ...settled, verdict: "ack" });
  const [first, second] = told.map((one) => "path" in one && one);
  assert.deepEqual([first && first.path, second && second.path], ["/a", null]);
});

test("as text a record says what, to what, and how, on a line", () => {
  assert.deepEqual(tellAll().map((told) => recordText(recordAt(0, told))), [
    "status     http://127.0.0.1:1",
    "waiting    refused; next try in 1.5 s",
    "connected  over sse",
    "retry      PUT hook/a -> default: the target answered 503; again in 0.5 s, msg_1",
    "delivered  PUT hook/a -> default: 200 in 500 ms, msg_1",
    "exhausted  PUT hook/a -> other: the target answered 503, msg_1",
    "rejected   PUT hook/a: the target answered 503, msg_1",
    "deferred   PUT hook/a -> other: the target answered 503, msg_1",
    "nacked     msg_1",
    "paused     the intake",
    "resumed    the intake",
    "closed     sse: stopped",
    "post to    http://127.0.0.1:2/webhook/dev",
    "target     POST / (3 bytes, signature valid)\n           abc",
    "sample     a signed github.push: 202",
  ]);
});

test("what a sender writes cannot give orders to the terminal", () => {
  const body = "\x1b]0;owned\x07 \u202egnp.exe\r\nacked";
  const text = recordText(
    recordAt(0, {
      type: "request",
      ...{ method: "POST", url: "/\x1b[2J", bytes: 3, signature: null, body },
    }),
  );
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(text.replace("\n", ""), /[\x00-\x1f\x7f\u202e]/);
  assert.equal(text.split("\n").length, 2);
});

test("of several connections each record says whose it is, and so does each line for people", () => {
  const told: Told[] = [];
  const observe = foldRecords((one) => told.push(one));
  for (const event of events) {
    observe(event.type === "status.listening" ? event : { ...event, connection: "east" });
  }
  const records = told.map((one) => recordSchema.parse(recordAt(1_000, one)));
  assert.deepEqual(told.map((one) => JSON.parse(recordJson(1_000, one))), records);
  assert.deepEqual(
    records.map((record) => "connection" in record && record.connection),
    records.map(({ type }) => type !== "status" && "east"),
  );
  assert.deepEqual(records.slice(0, 4).map(recordText), [
    "status     http://127.0.0.1:1",
    "waiting    east: refused; next try in 1.5 s",
    "connected  east: over sse",
    "retry      east: PUT hook/a -> default: the target answered 503; again in 0.5 s, msg_1",
  ]);
});
