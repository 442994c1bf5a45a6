/** Whether webhooks can arrive now: a pure function of what is known. */

/** What `/readyz` says about one part. */
export interface Part {
  readonly name: string;
  readonly ready: boolean;
  /** Why not, or what it is connected to, for people. */
  readonly detail: string;
}

export interface Readiness {
  /**
   * Connected to a relay that hears us, not paused, not stopping, the journal can be written, and at least one target answers or has not
   * been tried yet, or for a while. A target that fails beside others that answer is told, and changes nothing.
   */
  readonly ready: boolean;
  readonly parts: readonly Part[];
}

export interface TargetPicture {
  readonly tried: boolean;
  readonly failuresInARow: number;
  readonly lastFailure: string;
  readonly breaker: "closed" | "open" | "half_open";
  /** No message is with it. */
  readonly isIdle: boolean;
  /** Milliseconds since the last failure. */
  readonly sinceFailureMs: number;
}

export interface Picture {
  /** The transport; undefined = not connected. */
  readonly connectedOver: string | undefined;
  /** Why it is not connected; undefined before the first try has ended. */
  readonly whyNone: string | undefined;
  /** For how long the relay has not confirmed what became of a message, milliseconds. */
  readonly unconfirmedMs: number;
  readonly journalProblem: string | undefined;
  /** Milliseconds since the epoch, Infinity = until somebody says so; undefined = it is not paused. */
  readonly pausedUntil: number | undefined;
  readonly draining: boolean;
  readonly targets: ReadonlyMap<string, TargetPicture>;
}

/** Several attempts to tell the relay what became of a message came to nothing by then, milliseconds. */
const unconfirmedAfterMs = 60_000;
/** Failures in a row after which a target counts as not ready. */
const failingAfter = 3;
/**
 * After so long without a message nobody knows how it is, milliseconds: more than what went back to the relay usually
 * waits there.
 */
const forgottenAfterMs = 120_000;

export function readinessOf(picture: Picture): Readiness {
  const ours = [connection(picture), intake(picture), journal(picture)];
  const targets = [...picture.targets].map(([name, target]) => targetPart(name, target));
  const isReady = ({ ready }: Part) => ready;
  return {
    ready: ours.every(isReady) && (targets.length === 0 || targets.some(isReady)),
    parts: [...ours, ...targets],
  };
}

function connection({ connectedOver, whyNone, unconfirmedMs }: Picture): Part {
  const name = "connection";
  if (connectedOver === undefined) {
    return { name, ready: false, detail: whyNone ?? "not connected yet" };
  }
  const connected = `connected over ${connectedOver}`;
  if (unconfirmedMs < unconfirmedAfterMs) return { name, ready: true, detail: connected };
  // What is delivered comes again, as with a token that only the settlements have found to be wrong.
  const since = `${Math.floor(unconfirmedMs / 1_000)} s`;
  const detail = `${connected}; for ${since} the relay has not confirmed what became of a message`;
  return { name, ready: false, detail };
}

function intake({ draining, pausedUntil }: Picture): Part {
  const name = "intake";
  if (draining) return { name, ready: false, detail: "it is stopping" };
  if (pausedUntil === undefined) return { name, ready: true, detail: "open" };
  const until = pausedUntil === Infinity ? "" : ` until ${new Date(pausedUntil).toISOString()}`;
  return { name, ready: false, detail: `paused${until}` };
}

function journal({ journalProblem }: Picture): Part {
  return {
    name: "journal",
    ready: journalProblem === undefined,
    detail: journalProblem ?? "can be written",
  };
}

function targetPart(target: string, picture: TargetPicture): Part {
  const { tried, failuresInARow, lastFailure, breaker, isIdle, sinceFailureMs } = picture;
  const name = `target ${target}`;
  if (!tried) return { name, ready: true, detail: "not tried yet" };
  if (failuresInARow < failingAfter && breaker === "closed") {
    return { name, ready: true, detail: "answers" };
  }
  const open = breaker === "closed" ? "" : `, its breaker is ${breaker.replace("_", " ")}`;
  const detail = `${failuresInARow} failures in a row${open}: ${lastFailure}`;
  const isForgotten = isIdle && breaker !== "open" && sinceFailureMs >= forgottenAfterMs;
  return { name, ready: isForgotten, detail: `${isForgotten ? "not tried since: " : ""}${detail}` };
}
