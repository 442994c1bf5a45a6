/**
 * What the relay says, as JSON text. Decoding never throws: what it should not have said becomes a `malformed`
 * or `unknown` frame.
 */
import { z } from "zod";
import { knownCapabilities, parseCapabilities } from "./capabilities.ts";
import type { RelayFrame } from "./frames.ts";
import { parseObject, problemOf, quoted } from "./json_object.ts";
import { maxChannelNameLength, maxPollMessages } from "./limits.ts";
import { elementsOf, splitObject } from "./json_bytes.ts";
import { lenientText } from "./lenient_text.ts";
import { bodyNames, decodeWebhook } from "./webhook_codec.ts";
import { wireHeaders } from "./wire.ts";

/** How long a relay may wait for an ack: shorter would be a storm of extensions, longer is no lease. */
const minAckTimeoutSeconds = 0.1;
const maxAckTimeoutSeconds = 86_400;

const connectedSchema = z.object({
  // It goes back in a header.
  connection_id: z.string().regex(/^[\x21-\x7e]{1,512}$/, "not an id"),
  channel: z.string().max(maxChannelNameLength).catch(""),
  capabilities: z.array(z.string()).catch([]),
  max_message_bytes: z.number().int().positive().optional().catch(undefined),
  ack_timeout_seconds: z.number().positive()
    .transform((seconds) => Math.min(maxAckTimeoutSeconds, Math.max(minAckTimeoutSeconds, seconds)))
    .optional().catch(undefined),
  waiting_messages: z.number().int().nonnegative().optional().catch(undefined),
  oldest_age_seconds: z.number().nonnegative().optional().catch(undefined),
});

type Connected = Extract<RelayFrame, { type: "connected" }>;
type Malformed = Extract<RelayFrame, { type: "malformed" }>;

const settledSchema = z.object({ message_ids: z.array(z.string()) });
const errorSchema = z.object({ error: z.string().catch("unknown error") });

/**
 * Decodes one JSON text from the relay; `impliedType` is the SSE event name where the text has no `type`. A body is
 * passed on unparsed; in the envelope it may be a view on `bytes`, which are the decoder's to write over.
 */
export function decodeRelayFrame(bytes: Uint8Array<ArrayBuffer>, impliedType?: string): RelayFrame {
  const { members, rest } = splitObject(bytes, bodyNames, { compact: true });
  const value = parseObject(rest);
  if (typeof value === "string") return { type: "malformed", problem: value };
  const type = typeof value.type === "string" ? value.type : impliedType;
  switch (type) {
    case "connected":
      return decodeConnected(value);
    case "webhook":
      return decodeWebhook(value, members);
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
      return { type, error: quoted(errorSchema.parse(value).error) };
    default:
      return { type: "unknown", name: quoted(type ?? "(none)") };
  }
}

/** Decodes a binary message of the relay: a webhook, of which a line is JSON and the rest the body, a view on `bytes`. */
export function decodeBinaryFrame(bytes: Uint8Array<ArrayBuffer>): RelayFrame {
  const end = bytes.indexOf(lineFeed);
  const value = parseObject(lenientText(bytes.subarray(0, Math.max(end, 0))));
  if (typeof value === "string") {
    return { type: "malformed", problem: `a binary message: ${value}` };
  }
  return value.type === "webhook"
    ? decodeWebhook(value, {}, bytes.subarray(end + 1))
    : { type: "malformed", problem: "a binary message: no webhook" };
}

const lineFeed = 0x0a;

/** Decodes the body of a long-poll response: a `connected` frame, then its messages. */
export function decodePollResponse(bytes: Uint8Array<ArrayBuffer>): RelayFrame[] {
  const { members, rest } = splitObject(bytes, ["messages"]);
  const value = parseObject(rest);
  if (typeof value === "string") return [{ type: "malformed", problem: value }];
  const list = members["messages"]?.bytes;
  const messages = list ? elementsOf(list, maxPollMessages + 1) : [];
  const frames = messages.slice(0, maxPollMessages)
    .map((message) => decodeRelayFrame(message, "webhook"));
  // What is beyond comes again: nobody settles it.
  if (messages.length > maxPollMessages) {
    frames.push({ type: "malformed", problem: `more than ${maxPollMessages} messages` });
  }
  return [decodeConnected(value), ...frames];
}

/**
 * Decodes the headers of a poll that brought nothing: they say what the body would. An old relay does not name the
 * connection: its id is "".
 */
export function decodeEmptyPoll(headers: Pick<Headers, "get">, channel: string): Connected {
  const capabilities = parseCapabilities(headers.get(wireHeaders.relayCapabilities));
  const told = decodeConnected({
    connection_id: headers.get(wireHeaders.connectionId),
    channel,
    capabilities,
    ack_timeout_seconds: Number(headers.get(wireHeaders.ackTimeoutSeconds)),
  });
  return told.type === "connected"
    ? told
    : { type: "connected", connectionId: "", channel, capabilities };
}

function decodeConnected(value: Record<string, unknown>): Connected | Malformed {
  const connected = connectedSchema.safeParse(value);
  if (!connected.success) return { type: "malformed", problem: problemOf(connected.error) };
  const { connection_id, channel, capabilities, max_message_bytes } = connected.data;
  const { ack_timeout_seconds, waiting_messages, oldest_age_seconds } = connected.data;
  return {
    type: "connected",
    connectionId: connection_id,
    channel,
    capabilities: knownCapabilities(capabilities),
    ...(max_message_bytes !== undefined && { maxMessageBytes: max_message_bytes }),
    ...(ack_timeout_seconds !== undefined && { ackTimeoutMs: ack_timeout_seconds * 1000 }),
    ...(waiting_messages !== undefined &&
      {
        waiting: {
          messages: waiting_messages,
          oldestAgeMs: Math.round((oldest_age_seconds ?? 0) * 1000),
        },
      }),
  };
}

/** Encodes every frame but `webhook` (see webhook_codec.ts) and those a relay never says. */
export function encodeRelayFrame(
  frame: Extract<RelayFrame, { type: "connected" | "heartbeat" | "settled" | "goodbye" }>,
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
        ack_timeout_seconds: frame.ackTimeoutMs && frame.ackTimeoutMs / 1000,
        waiting_messages: frame.waiting?.messages,
        oldest_age_seconds: frame.waiting && frame.waiting.oldestAgeMs / 1000,
      });
    case "heartbeat":
      return JSON.stringify({ type: frame.type, timestamp, server_time: timestamp });
    case "settled":
      return JSON.stringify({ type: frame.type, message_ids: frame.messageIds });
    case "goodbye":
      return JSON.stringify({ type: frame.type });
  }
}
