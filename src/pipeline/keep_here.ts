import type { Envelope, Outcome } from "../flow.ts";
import { type Finish, putAway } from "./finish.ts";

/** What becomes of a message that is to go back to the source, and for which there is no dead letter yet. */
export type GiveBack = (
  envelope: Envelope,
  outcome: Outcome,
  abort: AbortSignal,
) => Promise<Outcome>;

/** For a source that takes nothing back: what would go there becomes a dead letter here, for all its targets. */
export function keepHere(finish: Finish): GiveBack {
  return async (envelope, outcome, abort) => {
    if (outcome.kind === "delivered" || outcome.kind === "rejected") return outcome;
    return await finish(envelope, putAway(envelope, outcome.reason), abort);
  };
}
