/** The dead letters of a channel, as the admin API shows them. */
import { isoTime } from "../async/iso_time.ts";
import { jsonOf } from "../protocol/body_text.ts";
import type { Channel } from "./channel.ts";
import type { DeadLetter } from "./store.ts";

/** The bodies of one list, bytes: all of them are in memory at once. */
const maxListedBytes = 16 * 1024 * 1024;

/** As JSON text, the newest first; it says so where letters are left out because the others are large. */
export async function deadLetterList(channel: Channel, limit: number): Promise<string> {
  const { name } = channel.settings;
  let bytes = 0;
  let isFirst = true;
  let truncated: true | undefined;
  const letters = await channel.deadLetters(limit, (more) => {
    bytes += more;
    if (!isFirst && bytes > maxListedBytes) truncated = true;
    isFirst = false;
    return !truncated;
  });
  const list = { channel: name, count: letters.length, truncated };
  return withMember(list, "messages", `[${letters.map((one) => letterText(one, name)).join(",")}]`);
}

function letterText({ message, reason, at, history }: DeadLetter, channel: string): string {
  const { envelope } = message;
  const letter = {
    message_id: envelope.id,
    channel,
    webhook_id: envelope.webhookId,
    timestamp: envelope.receivedAt,
    expires_at: isoTime(message.expiresAt),
    metadata: { method: envelope.method, path: envelope.path },
    headers: Object.fromEntries(envelope.headers),
    sequence: envelope.sequence,
    delivery_count: message.deliveries,
    state: "dead_lettered",
    reason,
    dead_lettered_at: isoTime(at),
    history: history.map(({ at, connectorId, reason }) => ({
      at: isoTime(at),
      connector_id: connectorId,
      reason,
    })),
  };
  return withMember(letter, "payload", jsonOf(envelope.body));
}

/** The object as JSON text, with one member more that is JSON text already. */
function withMember(value: object, name: string, text: string): string {
  return `${JSON.stringify(value).slice(0, -1)},"${name}":${text}}`;
}
