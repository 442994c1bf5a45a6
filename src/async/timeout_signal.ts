import type { Clock } from "./clock.ts";

/**
 * A signal that is aborted with `reason` after `ms` milliseconds, or with the parent's reason when the parent
 * is. `clear` ends the waiting; it must be called when the work is done, or the timer stays.
 */
export function timeoutSignal(
  ms: number,
  reason: () => unknown,
  parent: AbortSignal,
  clock: Clock,
): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const cancel = clock.after(ms, () => controller.abort(reason()));
  const onParent = () => controller.abort(parent.reason);
  if (parent.aborted) onParent();
  else parent.addEventListener("abort", onParent, { once: true });
  return {
    signal: controller.signal,
    clear() {
      cancel();
      parent.removeEventListener("abort", onParent);
    },
  };
}
