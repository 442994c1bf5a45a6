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

/** Of a connection. */
interface State {
  /** What it is connected to, or why it is not. */
  readonly link: string;
  readonly isConnected: boolean;
  readonly isPaused: boolean;
  /** It finishes what it has in hand, and ends. */
  readonly stopping: string | undefined;
}

const before: State = {
  ...{ link: "not connected", isConnected: false, isPaused: false, stopping: undefined },
};

/** Tells the service manager what `systemctl status` is to show and, where it wants to hear it, that the process lives. */
export function foldServiceState(manager: ServiceManager, clock: Clock): ServiceState {
  /** By the name of the connection. */
  const states = new Map<string, State>();
  let last = "";
  let stopWatchdog = () => {};

  return {
    observe(event: ConnectorEvent & { readonly connection?: string }) {
      const news = newsOf(event);
      if (!news) return;
      const { connection = "" } = event;
      const state = states.get(connection) ?? before;
      // One that makes room for another does not say that it stops: its pause goes on.
      if (event.type === "connector.stopped" && state.stopping) states.delete(connection);
      else states.set(connection, { ...state, ...news });
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

/** What is connected is counted, and what there is to say of the others has their name. */
function ofAll(states: ReadonlyMap<string, State>): string {
  const one = states.get("");
  if (one) return one.stopping ?? joined(one.link, one.isPaused && "paused");
  if (states.size === 0) return "";
  const all = [...states];
  const count = all.filter(([, { isConnected, stopping }]) => isConnected && !stopping).length;
  const news = all.map(([name, { link, isConnected, isPaused, stopping }]) => {
    const text = stopping ?? joined(!isConnected && link, isPaused && "paused");
    return text && `${name}: ${text}`;
  });
  return [`${count} of ${all.length} connected`, ...news].filter(Boolean).join("; ");
}

function joined(...parts: readonly (string | false)[]): string {
  return parts.filter(Boolean).join(", ");
}

/** Undefined when the event changes nothing. */
function newsOf(event: ConnectorEvent): Partial<State> | undefined {
  switch (event.type) {
    case "connector.started":
      return { link: `connecting to ${event.source}`, stopping: undefined };
    case "stream.connected":
      return { link: `connected over ${event.transport}`, isConnected: true };
    case "stream.disconnected":
      return notConnected(event.by === "connector" ? undefined : event.reason);
    case "stream.failed":
      return notConnected(event.message);
    case "connector.paused":
      return { isPaused: true };
    case "connector.resumed":
      return { isPaused: false };
    case "connector.draining":
      return { stopping: `stopping, ${event.inHand} messages in hand` };
    case "connector.stopped":
      return notConnected();
    default:
      return undefined;
  }
}

function notConnected(why?: string): Partial<State> {
  return {
    link: why === undefined ? "not connected" : `not connected: ${why}`,
    isConnected: false,
  };
}
