/**
 * Frames as JSON text, both directions, shared by connector and relay. Decoding never throws: what the
 * other side should not have sent becomes a `malformed` or `unknown` frame.
 */
import { z } from "zod";
import { asciiJson, compactJson, elementTexts, memberText } from "./json_text.ts";
import type { Envelope } from "./envelope.ts";
import {
  allCapabilities,
  type Capability,
  type ConnectorFrame,
  type RelayFrame,
  type Settlement,
} from "./frames.ts";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenientDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

// ── what the relay says ─────────────────────────────────────────────────────────────────────────

const webhookSchema = z.object({
  message_id: z.string().min(1).max(256),
  webhook_id: z.string().min(1).max(512),
  sequence: z.number().int().catch(0),
  timestamp: z.string().catch(""),
  delivery_count: z.number().int().positive().optional(),
  // The old relay's form.
  headers: z.record(z.string(), z.string()).optional(),
  // exact-body.
  method: z.string().regex(/^[A-Za-z]{1,32}$/).optional(),
  path: z.string().optional(),
  raw_headers: z.array(z.tuple([z.string(), z.string()])).optional(),
  body: z.string().optional(),
  body_encoding: z.enum(["utf8", "base64"]).optional(),
});

const connectedSchema = z.object({
  connection_id: z.string().min(1).max(512),
  channel: z.string().catch(""),
  capabilities: z.array(z.string()).catch([]),
  max_message_bytes: z.number().int().positive().optional().catch(undefined),
  waiting_messages: z.number().int().nonnegative().optional().catch(undefined),
  oldest_age_seconds: z.number().nonnegative().optional().catch(undefined),
});

const settledSchema = z.object({ message_ids: z.array(z.string()) });
const errorSchema = z.object({ error: z.string().catch("unknown error") });

/** Decodes one JSON text from the relay; `impliedType` is the SSE event name where the text has no `type`. */
export function decodeRelayFrame(text: string, impliedType?: string): RelayFrame {
  const value = parseObject(text);
  if (typeof value === "string") return { type: "malformed", problem: value };
  const type = typeof value.type === "string" ? value.type : impliedType;
  switch (type) {
    case "connected":
      return decodeConnected(value);
    case "webhook":
      return decodeWebhook(value, text);
    case "heartbeat":
      return { type };
    case "goodbye":
      return { type };
    case "settled": {
      const settled = settledSchema.safeParse(value);
      return settled.success
        ? { type, messageIds: settled.data.message_ids }
        : { type: "malformed", problem: problemOf(settled.error) };
    }
    case "error":
      return { type, error: errorSchema.parse(value).error };
    default:
      return { type: "unknown", name: type ?? "(none)" };
  }
}

/** Decodes the body of a long-poll response: a `connected` frame, then its messages. */
export function decodePollResponse(text: string): RelayFrame[] {
  const value = parseObject(text);
  if (typeof value === "string") return [{ type: "malformed", problem: value }];
  const messages = memberText(text, "messages");
  return [
    decodeConnected(value),
    ...(messages?.startsWith("[") ? elementTexts(messages) : []).map((message) =>
      decodeRelayFrame(message, "webhook")
    ),
  ];
}

function decodeConnected(value: Record<string, unknown>): RelayFrame {
  const connected = connectedSchema.safeParse(value);
  if (!connected.success) return { type: "malformed", problem: problemOf(connected.error) };
  const { connection_id, channel, capabilities, max_message_bytes } = connected.data;
  const { waiting_messages, oldest_age_seconds } = connected.data;
  return {
    type: "connected",
    connectionId: connection_id,
    channel,
    capabilities: knownCapabilities(capabilities),
    ...(max_message_bytes !== undefined && { maxMessageBytes: max_message_bytes }),
    ...(waiting_messages !== undefined &&
      { waiting: { messages: waiting_messages, oldestAgeMs: (oldest_age_seconds ?? 0) * 1000 } }),
  };
}

function decodeWebhook(value: Record<string, unknown>, text: string): RelayFrame {
  const parsed = webhookSchema.safeParse(value);
  const exact = parsed.success && parsed.data.body !== undefined;
  const body = parsed.success
    ? exact ? exactBody(parsed.data) : payloadBody(value, text, parsed.data.headers)
    : undefined;
  if (!parsed.success || body === undefined) {
    const problem = parsed.success ? "body: not base64" : problemOf(parsed.error);
    const messageId = value.message_id;
    return {
      type: "malformed",
      problem,
      ...(typeof messageId === "string" && messageId !== "" && { messageId }),
    };
  }
  const data = parsed.data;
  return {
    type: "webhook",
    envelope: {
      id: data.message_id,
      webhookId: data.webhook_id,
      sequence: data.sequence,
      receivedAt: data.timestamp,
      method: data.method ?? "POST",
      path: data.path ?? "",
      headers: exact
        ? data.raw_headers ?? Object.entries(data.headers ?? {})
        : payloadHeaders(data.headers ?? {}, body.contentType),
      body: body.bytes,
      ...(data.delivery_count !== undefined && { deliveryCount: data.delivery_count }),
    },
  };
}

interface Body {
  bytes: Uint8Array<ArrayBuffer>;
  /** Set when the bytes are not those the sender sent, so that its own header no longer describes them. */
  contentType?: string;
}

function exactBody(data: z.infer<typeof webhookSchema>): Body | undefined {
  const text = data.body ?? "";
  if (data.body_encoding !== "base64") return { bytes: encoder.encode(text) };
  try {
    return { bytes: Uint8Array.from(atob(text), (char) => char.charCodeAt(0)) };
  } catch {
    return undefined;
  }
}

/**
 * The old relay sends what it parsed, not what it received. A text that was not JSON arrives as a string
 * and is passed on as it is; everything else is JSON again, with the numbers as the relay wrote them.
 */
function payloadBody(
  value: Record<string, unknown>,
  text: string,
  headers: Record<string, string> = {},
): Body {
  const sent = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-type")?.[1];
  if (typeof value.payload === "string" && sent !== undefined && !/[/+]json\b/i.test(sent)) {
    return { bytes: encoder.encode(value.payload), contentType: sent };
  }
  const payload = memberText(text, "payload") ?? "null";
  return { bytes: encoder.encode(compactJson(payload)), contentType: "application/json" };
}

/** The old relay masks what looks secret; a masked value must not reach the target as if it were real. */
const masked = "***REDACTED***";
const describesOldBody = new Set(["content-type", "content-encoding", "content-length"]);

function payloadHeaders(
  headers: Record<string, string>,
  contentType: string | undefined,
): [string, string][] {
  const kept = Object.entries(headers).filter(([name, value]) =>
    value !== masked && !describesOldBody.has(name.toLowerCase())
  );
  return contentType === undefined ? kept : [...kept, ["content-type", contentType]];
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
  let body: string;
  let encoding: "utf8" | "base64" = "utf8";
  try {
    body = strictDecoder.decode(envelope.body);
  } catch {
    body = base64(envelope.body);
    encoding = "base64";
  }
  return JSON.stringify({
    ...commonMembers(envelope),
    method: envelope.method,
    path: envelope.path,
    raw_headers: envelope.headers,
    body,
    body_encoding: encoding,
    delivery_count: envelope.deliveryCount,
  });
}

function encodePayload(envelope: Envelope): string {
  const members = JSON.stringify({ ...commonMembers(envelope), headers: oneValueEach(envelope) });
  return `${members.slice(0, -1)},"payload":${payloadText(lenientDecoder.decode(envelope.body))}}`;
}

function payloadText(body: string): string {
  try {
    JSON.parse(body);
    return compactJson(body);
  } catch {
    return JSON.stringify(body);
  }
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

/** Encodes every frame but `webhook` (see `encodeWebhook`) and those a relay never says. */
export function encodeRelayFrame(
  frame: Extract<RelayFrame, { type: "connected" | "heartbeat" | "settled" | "goodbye" | "error" }>,
  timestamp: string,
): string {
  switch (frame.type) {
    case "connected":
      return JSON.stringify({
        type: frame.type,
        connection_id: frame.connectionId,
        channel: frame.channel,
        timestamp,
        capabilities: frame.capabilities,
        max_message_bytes: frame.maxMessageBytes,
        waiting_messages: frame.waiting?.messages,
        oldest_age_seconds: frame.waiting && frame.waiting.oldestAgeMs / 1000,
      });
    case "heartbeat":
      return JSON.stringify({ type: frame.type, timestamp, server_time: timestamp });
    case "settled":
      return JSON.stringify({ type: frame.type, message_ids: frame.messageIds });
    case "goodbye":
      return JSON.stringify({ type: frame.type });
    case "error":
      return JSON.stringify({ type: frame.type, error: frame.error });
  }
}

// ── what the connector says ─────────────────────────────────────────────────────────────────────

const ackSchema = z.object({
  message_id: z.string().optional(),
  message_ids: z.array(z.string()).max(10_000).optional(),
});
const nackSchema = z.object({
  message_id: z.string(),
  retry: z.boolean().catch(true),
  delay_seconds: z.number().nonnegative().optional().catch(undefined),
  reason: z.string().max(1024).optional().catch(undefined),
});
const batchSchema = z.object({
  acks: z.array(z.string()).max(10_000).default([]),
  nacks: z.array(nackSchema).max(10_000).default([]),
});

/** The texts of one connector frame over a socket, in order. */
export function encodeConnectorFrame(
  frame: ConnectorFrame,
  capabilities: readonly Capability[],
  timestamp: string,
): string[] {
  switch (frame.type) {
    case "heartbeat":
      return [JSON.stringify({ type: frame.type, timestamp })];
    case "drain":
      return capabilities.includes("drain") ? [JSON.stringify({ type: frame.type })] : [];
    case "settle": {
      const nacks = frame.settlements.filter((settlement) => settlement.verdict === "nack")
        .map((settlement) => JSON.stringify({ type: "nack", ...nackMembers(settlement) }));
      const acks = frame.settlements.filter((settlement) => settlement.verdict === "ack")
        .map((settlement) => settlement.messageId);
      if (capabilities.includes("ack-batch") && acks.length > 1) {
        return [JSON.stringify({ type: "ack", message_ids: acks }), ...nacks];
      }
      return [...acks.map((id) => JSON.stringify({ type: "ack", message_id: id })), ...nacks];
    }
  }
}

/** The body of `POST /connect/acks`. */
export function encodeAckBatch(settlements: readonly Settlement[]): string {
  return JSON.stringify({
    acks: settlements.filter(({ verdict }) => verdict === "ack").map(({ messageId }) => messageId),
    nacks: settlements.filter((settlement) => settlement.verdict === "nack").map(nackMembers),
  });
}

/** What a connector said, as the relay reads it. `connectionId` of the settlements is the one given. */
export type DecodedConnectorFrame =
  | ConnectorFrame
  | { readonly type: "unknown"; readonly name: string }
  | { readonly type: "malformed"; readonly problem: string };

export function decodeConnectorFrame(text: string, connectionId: string): DecodedConnectorFrame {
  const value = parseObject(text);
  if (typeof value === "string") return { type: "malformed", problem: value };
  switch (value.type) {
    case "heartbeat":
    case "drain":
      return { type: value.type };
    case "ack": {
      const ack = ackSchema.safeParse(value);
      if (!ack.success) return { type: "malformed", problem: problemOf(ack.error) };
      const { message_id, message_ids = [] } = ack.data;
      const ids = message_id === undefined ? message_ids : [message_id, ...message_ids];
      return { type: "settle", settlements: ids.map((id) => ackOf(id, connectionId)) };
    }
    case "nack": {
      const nack = nackSchema.safeParse(value);
      return nack.success
        ? { type: "settle", settlements: [nackOf(nack.data, connectionId)] }
        : { type: "malformed", problem: problemOf(nack.error) };
    }
    default:
      return { type: "unknown", name: typeof value.type === "string" ? value.type : "(none)" };
  }
}

/** Reads the body of `POST /connect/acks`; a string says what is wrong with it. */
export function decodeAckBatch(text: string, connectionId: string): readonly Settlement[] | string {
  const value = parseObject(text);
  if (typeof value === "string") return value;
  const batch = batchSchema.safeParse(value);
  if (!batch.success) return problemOf(batch.error);
  return [
    ...batch.data.acks.map((id) => ackOf(id, connectionId)),
    ...batch.data.nacks.map((nack) => nackOf(nack, connectionId)),
  ];
}

function ackOf(messageId: string, connectionId: string): Settlement {
  return { messageId, connectionId, verdict: "ack" };
}

function nackOf(nack: z.infer<typeof nackSchema>, connectionId: string): Settlement {
  return {
    messageId: nack.message_id,
    connectionId,
    verdict: "nack",
    retry: nack.retry,
    ...(nack.delay_seconds !== undefined && { delayMs: nack.delay_seconds * 1000 }),
    ...(nack.reason !== undefined && { reason: nack.reason }),
  };
}

function nackMembers(settlement: Extract<Settlement, { verdict: "nack" }>) {
  return {
    message_id: settlement.messageId,
    retry: settlement.retry,
    delay_seconds: settlement.delayMs === undefined ? undefined : settlement.delayMs / 1000,
    reason: settlement.reason,
  };
}

// ── capabilities ────────────────────────────────────────────────────────────────────────────────

/** The known ones among `names`, in our order. */
export function knownCapabilities(names: readonly string[]): Capability[] {
  return allCapabilities.filter((capability) => names.includes(capability));
}

/** Reads `X-Connector-Capabilities` or `X-Relay-Capabilities`. */
export function parseCapabilities(header: string | null): Capability[] {
  return knownCapabilities((header ?? "").split(",").map((name) => name.trim()));
}

// ── small things ────────────────────────────────────────────────────────────────────────────────

/** The object, or what is wrong with the text. */
function parseObject(text: string): Record<string, unknown> | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "not JSON";
  }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : "not a JSON object";
}

function problemOf(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.join(".") || "frame"}: ${issue.message}` : "not a frame";
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(binary);
}
