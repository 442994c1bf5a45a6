import type { FailedDelivery } from "./store.ts";

/** Deliveries of a message that are known: with the longest reasons they are less than a NATS server takes. */
const most = 100;

/** A history with one delivery more; the oldest go. One that does not count takes the place of its like. */
export function historyWith(
  history: readonly FailedDelivery[] = [],
  failed: FailedDelivery,
  counts = true,
): readonly FailedDelivery[] {
  const last = history.at(-1);
  const isLike = last?.reason === failed.reason && last.connectorId === failed.connectorId;
  return [...!counts && isLike ? history.slice(0, -1) : history, failed].slice(-most);
}

/** Why a message that nobody settled in its time is a dead letter. */
export function reasonOfExpiry(history: readonly FailedDelivery[] = []): string {
  const last = history.at(-1);
  return ["expired before it was delivered", ...last ? [last.reason] : []].join(": ");
}
