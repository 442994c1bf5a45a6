/** Those that wait for one signal, in order. */
interface Waiting {
  readonly calls: Set<() => void>;
  readonly listener: () => void;
}

/** One listener calls all that wait: they may be hundreds, and a runtime looks through its list to take one away. */
const waiting = new WeakMap<AbortSignal, Waiting>();

/** Calls `callback` when the signal is aborted, at once if it already is; the result undoes it. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const { calls, listener } = waiting.get(signal) ?? listen(signal);
  const call = () => callback();
  calls.add(call);
  return () => {
    // The last one takes the listener along: on Deno it would keep the timer of AbortSignal.timeout going.
    if (!calls.delete(call) || calls.size > 0) return;
    signal.removeEventListener("abort", listener);
    waiting.delete(signal);
  };
}

function listen(signal: AbortSignal): Waiting {
  const calls = new Set<() => void>();
  const listener = () => {
    for (const call of calls) {
      calls.delete(call);
      call();
    }
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
