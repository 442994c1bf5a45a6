import type { Clock } from "../async/clock.ts";
import { delay } from "../async/delay.ts";
import type { Sink } from "../flow.ts";
import type { Faults } from "./chaos.ts";

/**
 * `sink` behind a slow way to a target that fails. A failed attempt does not get to the target at all: one
 * that did its work and then answered 500 would make duplicates that are nobody's fault but its own.
 */
export function chaoticSink(sink: Sink, faults: Faults, clock: Clock): Sink {
  return {
    async send(envelope, attempt, abort) {
      if (faults.delayMs > 0) await delay(faults.delayMs, { signal: abort, clock });
      if (!faults.failsTarget()) return await sink.send(envelope, attempt, abort);
      const message = "chaos: 500, without asking the target";
      return { kind: "transient", reason: { code: "status", status: 500, message } };
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}
