import type { ChannelSettings } from "./channel_settings.ts";
import { laneRule } from "./lane.ts";
import type { StoreSettings } from "./store.ts";

const maxDeadLetters = 1_000;

/** What a channel asks of its store. */
export function storeSettings(
  { maxMessages, maxQueueBytes, ackTimeoutMs, ttlMs, ordering }: ChannelSettings,
): StoreSettings {
  return {
    maxMessages,
    maxBytes: maxQueueBytes,
    maxDeadLetters,
    ackTimeoutMs,
    ttlMs,
    lanes: laneRule(ordering),
  };
}
