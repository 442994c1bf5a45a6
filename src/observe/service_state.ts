import type { Clock } from "../async/clock.ts";
import type { ServiceManager } from "../runtime/service_manager.ts";
import type { ConnectorEvent, Observe } from "./events.ts";
import { keepAlive } from "./keep_alive.ts";

/**
 * Tells the service manager what `systemctl status` is to show: ready as soon as the connector runs, a line for
 * each change of its state, that it stops, and, where it wants to hear it, that it lives.
 */
export function foldServiceState(
  manager: ServiceManager,
  clock: Clock,
): { readonly observe: Observe; close(): Promise<void> } {
  let last = "";
  let stopWatchdog = () => {};

  return {
    observe(event) {
      if (event.type === "connector.started") {
        manager.tell("READY=1", `STATUS=connecting to ${event.source}`);
        stopWatchdog();
        stopWatchdog = keepAlive(manager, clock);
      }
      if (event.type === "connector.draining") manager.tell("STOPPING=1");
      const state = stateAfter(event);
      if (state === undefined || state === last) return;
      last = state;
      manager.tell(`STATUS=${state}`);
    },
    async close() {
      stopWatchdog();
      await manager.close();
    },
  };
}

/** One line; undefined when the event changes nothing. */
function stateAfter(event: ConnectorEvent): string | undefined {
  switch (event.type) {
    case "stream.connected":
      return `connected over ${event.transport}`;
    case "stream.disconnected":
      return `not connected: ${event.reason}`;
    case "stream.failed":
      return `not connected: ${event.message}`;
    case "connector.paused":
      return "paused";
    case "connector.resumed":
      return "resumed";
    case "connector.draining":
      return `stopping, ${event.inHand} messages in hand`;
    default:
      return undefined;
  }
}
