import process from "node:process";
import type { Lifetime } from "../flow.ts";
import { exitCode } from "./exit_code.ts";
import { oneSignal } from "./one_signal.ts";

export interface SignalLifetime {
  readonly life: Lifetime;
  drain(): void;
  /** What a signal does: the first time it drains, then it stops now, then it exits. */
  interrupt(): void;
  /** Drains and aborts. */
  stopNow(): void;
  dispose(): void;
}

/** SIGINT or SIGTERM drains, a second one stops now (what is in hand is given back), a third one exits. */
export function lifetimeFromSignals(): SignalLifetime {
  const drain = new AbortController();
  const abort = new AbortController();
  const stopNow = () => {
    abort.abort();
    drain.abort();
  };
  const interrupt = () => {
    if (abort.signal.aborted) process.exit(exitCode.unsettled);
    if (drain.signal.aborted) abort.abort();
    else drain.abort();
  };
  const signalled = oneSignal(interrupt);
  process.on("SIGINT", signalled).on("SIGTERM", signalled);
  return {
    life: { drain: drain.signal, abort: abort.signal },
    drain: () => drain.abort(),
    interrupt,
    stopNow,
    dispose: () => void process.off("SIGINT", signalled).off("SIGTERM", signalled),
  };
}
