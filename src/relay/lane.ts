import type { Envelope } from "../protocol/envelope.ts";
import { keyOf, type Ordering } from "../protocol/ordering.ts";
import { hashOf } from "./tokens.ts";

/** A key is the sender's; of a longer one its hash is the lane, which stands with each message. */
const maxKeyChars = 256;

/**
 * How the messages of a channel share its readers. Each message is in a lane, and the lanes take turns. In an
 * exclusive one no more than one message is leased or waits for a retry: the next is not offered before.
 */
export interface LaneRule {
  /** Two of the same name have the same lanes. */
  readonly name: string;
  readonly exclusive: boolean;
  laneOf(message: Pick<Envelope, "id" | "webhookId" | "headers" | "body">): string;
}

/** Without an order each webhook id is a lane: one that floods the channel does not hold up the others. */
export function laneRule(ordering: Ordering): LaneRule {
  const name = JSON.stringify(ordering);
  switch (ordering.kind) {
    case "none":
      return { name, exclusive: false, laneOf: ({ webhookId }) => webhookId };
    case "channel":
      return { name, exclusive: true, laneOf: () => "" };
    case "key":
      return {
        name,
        exclusive: true,
        laneOf(message) {
          const key = keyOf(ordering, message);
          if (key === undefined) return `id:${message.id}`;
          return key.length <= maxKeyChars ? `key:${key}` : `hash:${hashOf(key)}`;
        },
      };
  }
}
