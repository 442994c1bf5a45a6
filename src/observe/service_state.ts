import { onAbort } from "../async/abort.ts";
import type { Clock } from "../async/clock.ts";
import type { ServiceManager } from "../runtime/service_manager.ts";
import type { ConnectorEvent, Observe } from "./events.ts";
import { keepAlive } from "./keep_alive.ts";

export interface ServiceState {
  /** A line for each change of what it is connected to, over all connections. */
  readonly observe: Observe;
  /** The process runs from now on, and has to end once `ending` is aborted: systemd kills what does not by then. */
  runs(ending: AbortSignal): void;
  close(): Promise<void>;
}

/** Tells the service manager what `systemctl status` is to show and, where it wants to hear it, that the process lives. */
export function foldServiceState(manager: ServiceManager, clock: Clock): ServiceState {
  /** By the name of the connection. */
  const states = new Map<string, string>();
  let last = "";
  let stopWatchdog = () => {};

  return {
    observe(event: ConnectorEvent & { readonly connection?: string }) {
      const { connection = "" } = event;
      const state = stateAfter(event);
      if (state !== undefined) states.set(connection, state);
      else if (event.type === "connector.stopped") states.delete(connection);
      else return;
      const all = ofAll(states);
      if (all === last) return;
      last = all;
      if (all !== "") manager.tell(`STATUS=${all}`);
    },
    runs(ending) {
      manager.tell("READY=1");
      stopWatchdog = keepAlive(manager, clock);
      onAbort(ending, () => manager.tell("STOPPING=1"));
    },
    async close() {
      stopWatchdog();
      await manager.close();
    },
  };
}

/** What is connected is counted, what is not has its name. */
function ofAll(states: ReadonlyMap<string, string>): string {
  const one = states.get("");
  if (one !== undefined || states.size === 0) return one ?? "";
  const others = [...states].filter(([, state]) => !state.startsWith(connected));
  const count = `${states.size - others.length} of ${states.size} ${connected}`;
  return [count, ...others.map(([name, state]) => `${name}: ${state}`)].join("; ");
}

const connected = "connected";

/** One line; undefined when the event changes nothing. */
function stateAfter(event: ConnectorEvent): string | undefined {
  switch (event.type) {
    case "connector.started":
      return `connecting to ${event.source}`;
    case "stream.connected":
      return `${connected} over ${event.transport}`;
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
