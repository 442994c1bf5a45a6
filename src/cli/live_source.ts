import { systemClock } from "../async/clock.ts";
import type { Settings } from "../config/settings.ts";
import { JournalUnavailable } from "../flow.ts";
import type { LiveActions, LivePicture, LiveSource } from "../output/live/live_picture.ts";
import type { Control } from "../status/control.ts";
import { readStatus } from "../status/status_text.ts";
import { controlOf } from "./connector_control.ts";
import type { Watch, Watched } from "./watch_connector.ts";

/** Rates are those of so many seconds. */
const rateSeconds = 5;

/** What the live view of a connector shows. */
export function liveSource(titles: () => readonly string[], watch: Watch): LiveSource {
  const { exchanges, status } = watch;
  return {
    exchanges: (messageId) => exchanges ? exchanges.of(messageId) : "off",
    picture(): LivePicture {
      const { connection, totals, journal, in_hand, paused, draining } = readStatus(
        status(),
      );
      const { recent } = watch;
      const isConnected = connection.state === "connected";
      const delivered = recent.series().delivered.slice(-1 - rateSeconds, -1);
      return {
        titles: titles(),
        transport: isConnected ? connection.transport : undefined,
        sinceMs: 1_000 * (isConnected ? connection.up_seconds : connection.down_seconds),
        trouble: isConnected ? undefined : connection.reason ?? undefined,
        isPaused: paused,
        isDraining: draining,
        inFlight: in_hand.messages,
        perSecond: delivered.reduce((sum, one) => sum + one, 0) / rateSeconds,
        delivered: totals.delivered,
        failed: totals.rejected + totals.exhausted,
        deadLetters: journal.dead_letters.messages,
        now: systemClock.now(),
        messages: recent.messages(),
      };
    },
  };
}

/** What its keys do. */
export function liveActions(watched: Watched, stop: () => void): LiveActions {
  const control = controlOf(watched);
  return {
    pause: () => control.pause(),
    resume: () => control.resume(),
    stop,
    async replay(messageId) {
      try {
        return replayText(messageId, await control.replay(messageId));
      } catch (error) {
        if (!(error instanceof JournalUnavailable)) throw error;
        return `${messageId} may be delivered, but ${error.message}`;
      }
    },
  };
}

function replayText(messageId: string, results: Awaited<ReturnType<Control["replay"]>>): string {
  if (results === "under_way") return `${messageId} is being replayed already`;
  if (!results) {
    return `${messageId} cannot be replayed: not at its end, or not kept (--inspect keeps the last ones)`;
  }
  const texts = results.map(({ target, outcome }) =>
    `${target}: ${outcome.kind === "delivered" ? "delivered" : outcome.reason.message}`
  );
  return `${messageId} replayed -> ${texts.join("; ")}`;
}

/** For the channel of a relay. */
export function titleOf({ source: { channel, url } }: Settings): string {
  return `${channel} at ${url.host}`;
}
