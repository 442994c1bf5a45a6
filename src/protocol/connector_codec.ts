/**
 * What the connector says, as JSON text. Decoding never throws: what it should not have said becomes a
 * `malformed` or `unknown` frame.
 */
import { z } from "zod";
import type { Capability, ConnectorFrame, Extension, Settlement } from "./frames.ts";
import { parseObject, problemOf, quoted } from "./json_object.ts";
import { maxBatchIds, maxMessageIdLength } from "./limits.ts";

/** No message waits for longer, whatever a connector asks. */
const maxDelaySeconds = 30 * 86_400;

const messageId = z.string().max(maxMessageIdLength);
const ackSchema = z.object({
  message_id: messageId.optional(),
  message_ids: z.array(messageId).max(maxBatchIds).optional(),
});
const nackSchema = z.object({
  message_id: messageId,
  retry: z.boolean().catch(true),
  delay_seconds: z.number().nonnegative().optional().catch(undefined),
  reason: z.string().max(1024).optional().catch(undefined),
  attempted: z.boolean().optional().catch(undefined),
});
const batchSchema = z.object({
  acks: z.array(messageId).max(maxBatchIds).default([]),
  nacks: z.array(nackSchema).max(maxBatchIds).default([]),
});
const extendSchema = z.object({
  message_ids: z.array(messageId).max(maxBatchIds),
  all: z.boolean().catch(false),
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
    case "extend":
      if (!capabilities.includes("extend")) return [];
      return extensionsOf(frame).map((members) => JSON.stringify({ type: frame.type, ...members }));
    case "settle": {
      const nacks = frame.settlements.filter((settlement) => settlement.verdict === "nack")
        .map((settlement) => {
          const { attempted, ...members } = nackMembers(settlement);
          const told = capabilities.includes("extend") ? { ...members, attempted } : members;
          return JSON.stringify({ type: "nack", ...told });
        });
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

/** The bodies of `POST /connect/extend`: as many as it takes. */
export function encodeExtensions(extension: Extension): string[] {
  return extensionsOf(extension).map((members) => JSON.stringify(members));
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
      return { type: value.type };
    case "drain":
      return { type: value.type, connectionId };
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
    case "extend": {
      const extension = decodeExtension(value, connectionId);
      return typeof extension === "string" ? { type: "malformed", problem: extension } : extension;
    }
    default:
      return {
        type: "unknown",
        name: typeof value.type === "string" ? quoted(value.type) : "(none)",
      };
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

/** Reads the body of `POST /connect/extend`, text or parsed; a string says what is wrong with it. */
export function decodeExtension(
  body: string | Record<string, unknown>,
  connectionId: string,
): Extension | string {
  const value = typeof body === "string" ? parseObject(body) : body;
  if (typeof value === "string") return value;
  const extension = extendSchema.safeParse(value);
  if (!extension.success) return problemOf(extension.error);
  const { message_ids: messageIds, all: isAll } = extension.data;
  return { type: "extend", messageIds, connectionId, ...(isAll && { isAll }) };
}

/** As many as it takes; that these are all can be said of one alone. */
function extensionsOf({ messageIds, isAll = false }: Extension) {
  if (isAll && messageIds.length <= maxBatchIds) return [{ message_ids: messageIds, all: true }];
  const extensions = [];
  for (let at = 0; at < messageIds.length; at += maxBatchIds) {
    extensions.push({ message_ids: messageIds.slice(at, at + maxBatchIds) });
  }
  return extensions;
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
    ...(nack.delay_seconds !== undefined &&
      { delayMs: Math.min(nack.delay_seconds, maxDelaySeconds) * 1000 }),
    ...(nack.reason !== undefined && { reason: nack.reason }),
    ...(nack.attempted === false && { attempted: false }),
  };
}

function nackMembers(settlement: Extract<Settlement, { verdict: "nack" }>) {
  return {
    message_id: settlement.messageId,
    retry: settlement.retry,
    delay_seconds: settlement.delayMs === undefined ? undefined : settlement.delayMs / 1000,
    reason: settlement.reason,
    attempted: settlement.attempted === false ? false : undefined,
  };
}
