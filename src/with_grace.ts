/** How long a connector may take to end. */
import { onAbort } from "./async/abort.ts";
import type { Clock } from "./async/clock.ts";
import type { Lifetime } from "./flow.ts";

/** `life` whose abort also comes when the drain has lasted longer than the grace. */
export function withGrace(
  { drain, abort }: Lifetime,
  graceMs: number,
  clock: Clock,
  onDrain: () => void,
): { readonly life: Lifetime; dispose(): void } {
  const late = new AbortController();
  let cancel = () => {};
  const forget = onAbort(drain, () => {
    onDrain();
    cancel = clock.after(graceMs, () => late.abort());
  });
  return {
    life: { drain, abort: AbortSignal.any([abort, late.signal]) },
    dispose() {
      forget();
      cancel();
    },
  };
}
