import type { Clock } from "../async/clock.ts";
import type { ServiceManager } from "../runtime/service_manager.ts";

/** Tells the manager that we live, three times as often as it wants to hear it: one may fail. Returns what ends that. */
export function keepAlive(manager: ServiceManager, clock: Clock): () => void {
  const { watchdogMs } = manager;
  let stop = () => {};
  function live(): void {
    if (watchdogMs === undefined) return;
    manager.tell("WATCHDOG=1");
    stop = clock.after(watchdogMs / 3, live);
  }
  live();
  return () => stop();
}
