import type { Envelope } from "../protocol/envelope.ts";
import { maxFrameBytes, utf8BytesPerUnit } from "../protocol/limits.ts";
import { encodeWebhook } from "../protocol/webhook_codec.ts";
import type { Channel } from "./channel.ts";
import type { Hello } from "./relay_env.ts";

/** What stands around a webhook in a frame, an event or an answer, bytes. */
const around = 4_096;

/**
 * A webhook that was handed to a connection, as it is written; undefined when it is more than a connector reads: then it
 * is put away, or it would end one connection after the other.
 */
export function webhookFrame(
  envelope: Envelope,
  channel: Channel,
  { connectionId, connectorId, capabilities }: Hello,
  ascii = false,
): string | undefined {
  const exactBody = capabilities.includes("exact-body");
  const text = encodeWebhook(envelope, { exactBody, ascii: ascii && !exactBody });
  const most = maxFrameBytes - around;
  if (text.length * utf8BytesPerUnit <= most || Buffer.byteLength(text) <= most) return text;
  const reason = `it does not fit into a frame of ${maxFrameBytes} bytes`;
  const nack = { verdict: "nack", retry: false, reason } as const;
  void channel.settle({ messageId: envelope.id, connectionId, ...nack }, connectorId);
  return undefined;
}
