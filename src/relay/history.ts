import type { FailedDelivery } from "./store.ts";

/** Deliveries of a message that are known: with the longest reasons they are less than a NATS server takes. */
const most = 100;

/** A history with one delivery more; the oldest go. */
export function historyWith(
  history: readonly FailedDelivery[] | undefined,
  failed: FailedDelivery,
): readonly FailedDelivery[] {
  return [...history ?? [], failed].slice(-most);
}
