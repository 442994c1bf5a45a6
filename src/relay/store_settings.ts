import type { ChannelSettings } from "./channel_settings.ts";
import { laneRule } from "./lane.ts";
import type { StoreSettings } from "./store.ts";

/** A queue's default: by number alone they could be ten times as much. */
const maxDeadLetterBytes = 1024 * 1024 * 1024;
const maxDeadLetters = 1_000;

/** What a channel asks of its store. */
export function storeSettings(
  { maxMessages, maxQueueBytes, ackTimeoutMs, ttlMs, ordering }: ChannelSettings,
): StoreSettings {
  return {
    maxMessages,
    maxBytes: maxQueueBytes,
    maxDeadLetters,
    maxDeadLetterBytes,
    ackTimeoutMs,
    ttlMs,
    lanes: laneRule(ordering),
  };
}
