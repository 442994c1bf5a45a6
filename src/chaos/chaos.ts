import { seededRandom } from "../async/seeded_random.ts";

/** Which faults a connector makes in itself, so that its guarantees can be tried. Probabilities are 0 to 1. */
export interface Chaos {
  /** Of each settlement: it never gets to the relay. */
  readonly dropAcks: number;
  /** Of each frame from the relay: the connection breaks in its place. */
  readonly killConnection: number;
  /** Of each attempt: it fails as if the target had answered 500. */
  readonly target5xx: number;
  /** Before each attempt, milliseconds. */
  readonly delayMs: number;
  /** The same seed brings the same sequence of each fault. */
  readonly seed: number;
}

/** Whether the next one is hit. Each fault has a sequence of its own, so that none depends on the timing of others. */
export interface Faults {
  dropsAck(): boolean;
  killsConnection(): boolean;
  failsTarget(): boolean;
  readonly delayMs: number;
}

export function faultsOf(chaos: Chaos): Faults {
  const dice = (probability: number, offset: number) => {
    const random = seededRandom(chaos.seed + offset);
    return () => random() < probability;
  };
  return {
    dropsAck: dice(chaos.dropAcks, 0),
    killsConnection: dice(chaos.killConnection, 1),
    failsTarget: dice(chaos.target5xx, 2),
    delayMs: chaos.delayMs,
  };
}
