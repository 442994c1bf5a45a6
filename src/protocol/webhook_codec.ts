/** The `webhook` frame in its forms: the exact bytes, as text or as they are, and the old relay's parsed payload. */
import { z } from "zod";
import { bodyMembers, fromBase64, jsonOf } from "./body_text.ts";
import type { Envelope } from "./envelope.ts";
import type { RelayFrame } from "./frames.ts";
import { isObject, problemOf } from "./json_object.ts";
import { lenientText } from "./lenient_text.ts";
import { webhookMethod } from "./method.ts";
import { webhookIdForm } from "./webhook_id.ts";
import { maxHeaderChars, maxHeaders, maxMessageIdLength, maxPathLength } from "./limits.ts";
import type { Member } from "./json_bytes.ts";
import { compactJson } from "./compact_json.ts";
import { stringBytes } from "./json_escapes.ts";
import { concat, ownBytes } from "./own_bytes.ts";
import { asciiJson } from "./ascii_json.ts";

const encoder = new TextEncoder();

/** Ids go on in headers, to the target and back to the relay. */
const messageId = z.string().max(maxMessageIdLength).regex(/^[\x21-\x7e]+$/, "not an id");
const webhookId = z.string().regex(webhookIdForm, "not an id");
type Header = readonly [name: string, value: string];

const webhookSchema = z.object({
  message_id: messageId,
  webhook_id: webhookId,
  sequence: z.number().int().catch(0),
  timestamp: z.string().max(64).catch(""),
  delivery_count: z.number().int().positive().optional(),
  // exact-body.
  method: z.string().regex(webhookMethod).optional(),
  path: z.string().max(maxPathLength).optional(),
  body_encoding: z.enum(["utf8", "base64"]).optional(),
});

/** The members that hold a body: in the exact form, and in the old one. */
export const bodyNames = ["body", "payload"] as const;
export type Bodies = Readonly<{ [Name in typeof bodyNames[number]]?: Member | undefined }>;

/** Decodes a frame whose JSON is `value`, apart from its body, which may have come as it is; never throws. */
export function decodeWebhook(
  value: Record<string, unknown>,
  bodies: Bodies,
  plain?: Uint8Array<ArrayBuffer>,
): RelayFrame {
  const malformed = (problem: string): RelayFrame => {
    const id = messageId.safeParse(value.message_id);
    return { type: "malformed", problem, ...(id.success && { messageId: id.data }) };
  };
  const parsed = webhookSchema.safeParse(value);
  if (!parsed.success) return malformed(problemOf(parsed.error));
  const { data } = parsed;
  const exact = plain !== undefined || bodies.body !== undefined;
  const headers = headersOf(value, exact);
  if (typeof headers === "string") return malformed(headers);
  const body = bodyOf(plain, bodies, data.body_encoding, headers);
  if (body === undefined) return malformed("body: no text, or not base64");
  return {
    type: "webhook",
    envelope: {
      id: data.message_id,
      webhookId: data.webhook_id,
      sequence: data.sequence,
      receivedAt: data.timestamp,
      method: data.method ?? "POST",
      path: data.path ?? "",
      headers: exact ? headers : payloadHeaders(headers, body.contentType),
      body: body.bytes,
      ...(data.delivery_count !== undefined && { deliveryCount: data.delivery_count }),
    },
  };
}

/**
 * The headers in order, or what is wrong with them: `headers`, the old relay's, have a text by each name, `raw_headers`,
 * of the exact form, are pairs. No schema: they are most of a frame, and one would look at each of them several times.
 */
function headersOf(value: Record<string, unknown>, exact: boolean): readonly Header[] | string {
  const { raw_headers: raw, headers: byName } = value;
  const pairs = raw === undefined ? undefined : checked("raw_headers", raw);
  if (typeof pairs === "string") return pairs;
  const named = byName === undefined
    ? []
    : checked("headers", isObject(byName) ? Object.entries(byName) : undefined);
  return typeof named === "string" || !exact ? named : pairs ?? named;
}

/** The headers, or what is wrong with them. */
function checked(name: string, headers: unknown): readonly Header[] | string {
  if (!Array.isArray(headers) || !headers.every(isHeader)) {
    return `${name}: not a text for each name`;
  }
  const chars = headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (headers.length <= maxHeaders && chars <= maxHeaderChars) return headers;
  return `${name}: more than ${maxHeaders} headers or ${maxHeaderChars} characters in them`;
}

function isHeader(value: unknown): value is Header {
  return Array.isArray(value) && value.length === 2 &&
    typeof value[0] === "string" && typeof value[1] === "string";
}

function bodyOf(
  plain: Uint8Array<ArrayBuffer> | undefined,
  { body, payload }: Bodies,
  encoding: string | undefined,
  headers: readonly Header[],
): Body | undefined {
  if (plain) return { bytes: ownBytes(plain) };
  return body ? exactBody(body, encoding) : payloadBody(payload, headers);
}

interface Body {
  bytes: Uint8Array<ArrayBuffer>;
  /** Set when the bytes are not those the sender sent, so that its own header no longer describes them. */
  contentType?: string;
}

function exactBody(body: Member, encoding: string | undefined): Body | undefined {
  const bytes = stringBytes(body.bytes, body.isLoose);
  if (!bytes || encoding !== "base64") return bytes && { bytes: ownBytes(bytes) };
  const decoded = fromBase64(lenientText(bytes));
  return decoded && { bytes: decoded };
}

/**
 * The old relay sends what it parsed, not what it received. A text that was not JSON arrives as a string
 * and is passed on as it is; everything else is JSON again, with the numbers as the relay wrote them.
 */
function payloadBody(
  payload: Member = nullPayload,
  headers: readonly Header[],
): Body {
  const sent = headers.find(([name]) => name.toLowerCase() === "content-type")?.[1];
  const text = sent !== undefined && !/[/+]json\b/i.test(sent)
    ? stringBytes(payload.bytes, payload.isLoose)
    : undefined;
  if (text) return { bytes: ownBytes(text), contentType: sent ?? "" };
  const bytes = ownBytes(payload.isLoose ? compactJson(payload.bytes).bytes : payload.bytes);
  return { bytes, contentType: "application/json" };
}

const nullPayload: Member = { bytes: encoder.encode("null"), isLoose: false };

/** The old relay masks what looks secret; a masked value must not reach the target as if it were real. */
const masked = "***REDACTED***";
const describesOldBody = new Set(["content-type", "content-encoding", "content-length"]);

function payloadHeaders(
  headers: readonly Header[],
  contentType: string | undefined,
): Header[] {
  const kept = headers.filter(([name, value]) =>
    value !== masked && !describesOldBody.has(name.toLowerCase())
  );
  if (contentType !== undefined) kept.push(["content-type", contentType]);
  return kept;
}

export interface EnvelopeStyle {
  /** Send the exact bytes; otherwise the old form with `payload`. */
  readonly exactBody: boolean;
  /** Escape everything beyond ASCII, as SSE clients of the old kind need. */
  readonly ascii: boolean;
}

/** One `webhook` object as JSON text on one line. */
export function encodeWebhook(envelope: Envelope, style: EnvelopeStyle): string {
  const text = style.exactBody ? encodeExact(envelope) : encodePayload(envelope);
  return style.ascii ? asciiJson(text) : text;
}

function encodeExact(envelope: Envelope): string {
  return JSON.stringify({ ...exactMembers(envelope), ...bodyMembers(envelope.body) });
}

/** One `webhook` as a binary message: a line of JSON, and behind it the body as it is. */
export function encodeBinaryWebhook(envelope: Envelope): Uint8Array<ArrayBuffer> {
  const line = encoder.encode(`${JSON.stringify(exactMembers(envelope))}\n`);
  return concat([line, envelope.body]);
}

function exactMembers(envelope: Envelope) {
  return {
    ...commonMembers(envelope),
    method: envelope.method,
    path: envelope.path,
    raw_headers: envelope.headers,
    delivery_count: envelope.deliveryCount,
  };
}

function encodePayload(envelope: Envelope): string {
  const members = JSON.stringify({ ...commonMembers(envelope), headers: oneValueEach(envelope) });
  return `${members.slice(0, -1)},"payload":${jsonOf(envelope.body)}}`;
}

function commonMembers(envelope: Envelope) {
  return {
    type: "webhook",
    message_id: envelope.id,
    sequence: envelope.sequence,
    webhook_id: envelope.webhookId,
    timestamp: envelope.receivedAt,
  };
}

function oneValueEach(envelope: Envelope): Record<string, string> {
  return Object.fromEntries(envelope.headers.map(([name, value]) => [name.toLowerCase(), value]));
}
