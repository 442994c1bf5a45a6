/** What a new configuration means for a connector that runs. */
import type { Settings } from "./config/settings.ts";

/**
 * The next settings, with what is of the whole process as it was at its start (`processKeys`): other values of these
 * count at the next start.
 */
export function withProcess(next: Settings, atStart: Settings): Settings {
  const { log, output, statusListen, statusToken, redact, inspect } = atStart;
  return { ...next, log, output, statusListen, statusToken, redact, inspect };
}

/** What is made once for the life of a connector: another one of these needs another connector. */
export function lasting({ source, delivery, ...settings }: Settings): string {
  const { url, channel, connectorId } = source;
  const { maxConcurrentRequests: _, ...lastingDelivery } = delivery;
  const { journal, deadLetters } = settings;
  return JSON.stringify([url, channel, connectorId, lastingDelivery, journal, deadLetters]);
}

/** How the relay is reached, the token aside: another one of these needs another connection. */
export function linking({ source, exitOnAuthFailure }: Settings): string {
  return JSON.stringify([{ ...source, token: undefined }, exitOnAuthFailure]);
}
