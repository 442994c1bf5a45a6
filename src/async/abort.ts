import { Chain, type Linked } from "./chain.ts";

/**
 * Says once that something is to end, as an `AbortSignal` does; to make one costs a tenth of what an `AbortController`
 * costs, so that a message can have its own.
 */
export class Cancellation {
  #aborted = false;
  #reason: unknown;
  #calls: (() => void)[] = [];

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    for (let call = this.#calls.shift(); call; call = this.#calls.shift()) call();
  }

  /** For `onAbort`, of one that is not aborted. */
  listen(call: () => void): () => void {
    this.#calls.push(call);
    return () => {
      const at = this.#calls.indexOf(call);
      if (at !== -1) this.#calls.splice(at, 1);
    };
  }
}

/** What says when to end. Its reason is what is thrown then. */
export type Cancel = AbortSignal | Cancellation;

interface Call extends Linked {
  readonly callback: () => void;
}

/** Those that wait for one signal, in order. */
interface Waiting {
  readonly calls: Chain<Call>;
  readonly listener: () => void;
}

/** One listener calls all that wait: they may be hundreds, and a runtime looks through its list to take one away. */
const waiting = new WeakMap<AbortSignal, Waiting>();

/** Calls `callback` when the signal is aborted, at once if it already is; the result undoes it. */
export function onAbort(signal: Cancel, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => {};
  }
  if (signal instanceof Cancellation) return signal.listen(callback);
  const call: Call = { callback, older: undefined, newer: undefined };
  const { calls, listener } = waiting.get(signal) ?? listen(signal);
  calls.add(call);
  return () => {
    // The last one takes the listener along: on Deno it would keep the timer of AbortSignal.timeout going.
    if (!calls.remove(call) || calls.size > 0) return;
    signal.removeEventListener("abort", listener);
    waiting.delete(signal);
  };
}

function listen(signal: AbortSignal): Waiting {
  const calls = new Chain<Call>();
  const listener = () => {
    for (let call = calls.shift(); call; call = calls.shift()) call.callback();
  };
  signal.addEventListener("abort", listener, { once: true });
  const made = { calls, listener };
  waiting.set(signal, made);
  return made;
}

/** `promise`, or a rejection with the signal's reason as soon as it is aborted. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {});
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const undo = onAbort(signal, () => reject(signal.reason));
    promise.then(resolve, reject).finally(undo);
  });
}
