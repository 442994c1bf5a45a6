/** What a new configuration means for a connector that runs. */
import type { Settings } from "./config/settings.ts";

/** What is made once for the life of a connector: another one of these needs another connector. */
export function lasting({ source, delivery, ...settings }: Settings): string {
  const { url, channel, connectorId } = source;
  const { maxConcurrentRequests: _, ...lastingDelivery } = delivery;
  const { journal, deadLetters, log: { payload }, redact, inspect } = settings;
  return JSON.stringify([
    ...[url, channel, connectorId],
    ...[lastingDelivery, journal, deadLetters, payload, redact, inspect],
  ]);
}

/** How the relay is reached, the token aside: another one of these needs another connection. */
export function linking({ source, exitOnAuthFailure }: Settings): string {
  return JSON.stringify([{ ...source, token: undefined }, exitOnAuthFailure]);
}
