/**
 * The events of smee.io and what is made like it (gosmee): one JSON object whose members are the request's headers,
 * with `body` (parsed) or `bodyB` (the bytes, base64), `query` and `timestamp` among them. There is no written
 * standard; docs/SMEE.md says what is relied on.
 */
import { createHash, randomUUID } from "node:crypto";
import { fromBase64, jsonOf } from "./body_text.ts";
import type { Envelope } from "./envelope.ts";
import type { RelayFrame } from "./frames.ts";
import { parseObject } from "./json_object.ts";
import { splitObject } from "./json_bytes.ts";

const encoder = new TextEncoder();

/** Members that are no headers. A header of such a name is lost: the protocol has no place for it. */
const notHeaders = new Set(["body", "bodyB", "query", "timestamp"]);
/** Senders' names for one delivery: two events with the same are the same one. */
const deliveryIds = new Set([
  "idempotency-key",
  "webhook-id",
  "x-github-delivery",
  "x-gitea-delivery",
  "x-gitlab-event-uuid",
  "x-shopify-webhook-id",
]);

/** More than servers take in a URL, and than their parsers look into one: names are repeated at each value. */
const maxQueryLength = 64 * 1024;
const maxQueryDepth = 32;

/** What Go's servers take; others take less. */
const maxHeadersLength = 1024 * 1024;

export interface SmeeReading {
  /** The webhook id of the envelopes. */
  readonly webhookId: string;
  readonly sequence: number;
  /** Where the event does not say when it was received, milliseconds since the epoch. */
  readonly now: number;
}

/** The data of one event; undefined for a greeting. Never throws. */
export function decodeSmeeEvent(data: string, reading: SmeeReading): RelayFrame | undefined {
  if (isGreeting(data)) return undefined;
  const event = parseObject(data);
  if (typeof event === "string") return { type: "malformed", problem: event };
  const isExact = typeof event["bodyB"] === "string";
  const body = isExact ? fromBase64(String(event["bodyB"])) : parsedBody(event, data);
  if (!body) {
    const problem = isExact ? "bodyB: not base64" : "it has neither body nor bodyB";
    return { type: "malformed", problem };
  }
  const path = queryOf(event["query"]);
  if (path === undefined) return { type: "malformed", problem: "query: too long or too deep" };
  const receivedAt = timeOf(event["timestamp"]);
  const headers = headersOf(event);
  if (lengthOf(headers) > maxHeadersLength) {
    return { type: "malformed", problem: "the headers are too long" };
  }
  return {
    type: "webhook",
    envelope: {
      id: identityOf(data, receivedAt !== undefined || headers.some(([name]) => isId(name))),
      webhookId: reading.webhookId,
      sequence: reading.sequence,
      receivedAt: new Date(receivedAt ?? reading.now).toISOString(),
      method: "POST",
      path,
      headers: isExact ? headers : describedAnew(headers, event["body"]),
      body,
    },
  };
}

/** smee.io says `{}` in events of other names, gosmee `ready` or `{"message":"connected"}` in nameless ones. */
function isGreeting(data: string): boolean {
  return data === "" || data === "{}" || data === "ready" ||
    /^\{"message":"(connected|ready)"\}$/.test(data);
}

/**
 * The same event read twice (over two connections, or resumed) has the same id; the sender's own redelivery is
 * another event, with another timestamp. What cannot be told from another one is never taken for a copy.
 */
function identityOf(data: string, isOne: boolean): string {
  const digest = createHash("sha256").update(isOne ? data : randomUUID()).digest("hex");
  return `smee_${digest.slice(0, 32)}`;
}

function isId(name: string): boolean {
  return deliveryIds.has(name.toLowerCase());
}

/** Milliseconds since the epoch as a number (smee.io) or as text (gosmee). */
function timeOf(timestamp: unknown): number | undefined {
  const ms = typeof timestamp === "string" ? Number(timestamp || NaN) : timestamp;
  // Beyond it there is no date (ECMA-262, section "Time Values").
  return typeof ms === "number" && Math.abs(ms) <= 8.64e15 ? ms : undefined;
}

/** A text as it is; anything else is JSON as it stands in the event, numbers in their spelling. */
function parsedBody(
  event: Record<string, unknown>,
  data: string,
): Uint8Array<ArrayBuffer> | undefined {
  const { body } = event;
  if (body === undefined) return undefined;
  return typeof body === "string"
    ? encoder.encode(body)
    : splitObject(encoder.encode(data), ["body"]).members["body"]?.bytes;
}

type HeaderList = readonly (readonly [name: string, value: string])[];

function headersOf(event: Record<string, unknown>): HeaderList {
  return Object.entries(event).flatMap(([name, value]): [string, string][] => {
    if (notHeaders.has(name)) return [];
    if (typeof value === "string") return [[name, value]];
    if (!Array.isArray(value)) return [];
    return value.flatMap((one) => typeof one === "string" ? [[name, one]] : []);
  });
}

function lengthOf(headers: HeaderList): number {
  return headers.reduce((length, [name, value]) => length + name.length + value.length, 0);
}

/** Without what described bytes that are no more: the server has unpacked and parsed them. */
function describedAnew(headers: HeaderList, body: unknown): HeaderList {
  const isJson = typeof body !== "string";
  const kept = headers.filter(([name, value]) => {
    const lower = name.toLowerCase();
    if (lower === "content-encoding") return false;
    return lower !== "content-type" || !isJson || /[/+]json\b/i.test(value);
  });
  const hasType = kept.some(([name]) => name.toLowerCase() === "content-type");
  return hasType || !isJson ? kept : [...kept, ["content-type", "application/json"]];
}

/**
 * The parsed query as a query again: order and spelling are the server's, what is nested is written as `a[b]=1`.
 * Undefined for what no query can have been.
 */
function queryOf(query: unknown): string | undefined {
  if (!isNested(query)) return "";
  const pairs: [name: string, value: string][] = [];
  let room = maxQueryLength;
  /** False when it is too much. */
  const add = (name: string, value: unknown, depth: number): boolean => {
    if (isNested(value)) {
      return depth < maxQueryDepth && Object.entries(value).every(([key, inner]) => {
        const isRepeated = Array.isArray(value) && !isNested(inner);
        return add(isRepeated ? name : `${name}[${key}]`, inner, depth + 1);
      });
    }
    const text = String(value);
    pairs.push([name, text]);
    return (room -= name.length + text.length) >= 0;
  };
  if (!Object.entries(query).every(([name, value]) => add(name, value, 0))) return undefined;
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Which body an event has: `parsed` for clients of smee.io, `bytes` for those of gosmee. */
export type SmeeForm = "parsed" | "bytes";

/**
 * The data of an event, on one line. Method and path are lost, repeated headers joined; with `parsed` so are the
 * white space of JSON, and bytes that are not UTF-8.
 */
export function encodeSmeeEvent(envelope: Envelope, form: SmeeForm): string {
  const { path, headers, receivedAt, body } = envelope;
  const at = Date.parse(receivedAt);
  const members = JSON.stringify({
    ...Object.fromEntries([...grouped(headers)].map(([name, values]) => [name, values.join(", ")])),
    query: Object.fromEntries(
      [...grouped(new URLSearchParams(path.split("?").slice(1).join("?")))]
        .map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
    ),
    timestamp: form === "bytes" ? String(at) : at,
  });
  const last = form === "bytes" ? `"bodyB":"${body.toBase64()}"` : `"body":${jsonOf(body)}`;
  return `${members.slice(0, -1)},${last}}`;
}

function grouped(pairs: Iterable<readonly [string, string]>): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const of = values.get(name);
    if (of) of.push(value);
    else values.set(name, [value]);
  }
  return values;
}
