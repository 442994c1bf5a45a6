import type { Clock } from "../async/clock.ts";
import type { ServerTls } from "../runtime/serve.ts";

/** Between looks at the files: not watched, since what replaces them may replace the folder. */
const lookEveryMs = 10_000;

export interface Renewal {
  /** Does not wait for the next look. */
  look(): void;
  stop(): void;
}

/**
 * Looks whether certificate and key have changed, and hands over the pair when it has. What cannot be read, or is no
 * pair, is told once and tried again: a renewal may be half written.
 */
export function onRenewedTls(
  { first, read, renew, failed, clock }: {
    readonly first: ServerTls;
    /** Throws when they are no pair. */
    readonly read: () => ServerTls;
    readonly renew: (tls: ServerTls) => Promise<void>;
    readonly failed: (why: string) => void;
    readonly clock: Clock;
  },
): Renewal {
  let served = first;
  let told: string | undefined;
  let isLooking = false;
  const look = async () => {
    isLooking = true;
    try {
      const found = read();
      if (found.cert !== served.cert || found.key !== served.key) {
        await renew(found);
        served = found;
      }
      told = undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== told) failed(why);
      told = why;
    }
    isLooking = false;
    if (!isOver) cancel = clock.after(lookEveryMs, () => void look());
  };
  let isOver = false;
  let cancel = clock.after(lookEveryMs, () => void look());
  return {
    look() {
      if (isLooking || isOver) return;
      cancel();
      void look();
    },
    stop() {
      isOver = true;
      cancel();
    },
  };
}
