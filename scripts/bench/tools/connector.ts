/** A hookferry of one runtime against the stub: all its features on, as `hookferry connect` has them. */
import { join } from "node:path";
import { onCore, subjectCore } from "./cores.ts";
import { ourCommand, type Runtime } from "./runtimes.ts";
import { Subject } from "./subject.ts";

export interface ConnectorStart {
  readonly runtime: Runtime;
  /** The stub's URL. */
  readonly relay: string;
  readonly channel: string;
  /** websocket, sse or long_poll. */
  readonly transport: string;
  readonly concurrency: number;
  /** The target takes so long, milliseconds. */
  readonly delay?: number;
  /** Where its journal goes. */
  readonly folder: string;
}

/** The variables that both hookferry and the old connector read. */
export function connectorEnv(start: ConnectorStart): Record<string, string> {
  const { relay, channel, transport, concurrency, delay = 0, folder } = start;
  return {
    CONNECTOR_CLOUD_URL: relay,
    CONNECTOR_CHANNEL: channel,
    // The stub knows by it whose acks they are.
    CONNECTOR_ID: channel,
    CONNECTOR_TOKEN: "s3cret",
    CONNECTOR_PROTOCOL: transport,
    CONNECTOR_TARGET_URL: `${relay}/target/${channel}?delay=${delay}`,
    CONNECTOR_MAX_CONCURRENT_REQUESTS: String(concurrency),
    CONNECTOR_JOURNAL: `sqlite:${join(folder, channel)}`,
    CONNECTOR_STATUS_LISTEN: "127.0.0.1:0",
  };
}

/** On a core of its own. */
export function startConnector(start: ConnectorStart): Subject {
  return new Subject(onCore(subjectCore, connectCommand(start.runtime)), connectorEnv(start));
}

export function connectCommand(runtime: Runtime): readonly string[] {
  return [...ourCommand(runtime), "connect"];
}

/** The floor of peers/floor.ts in the same runtime; the built file is held against Bun's. */
export function floorArguments(
  { relay, channel, transport, concurrency, delay = 0 }: ConnectorStart,
  mode: "parse" | "raw",
): string[] {
  const target = `${relay}/target/${channel}?delay=${delay}`;
  return [relay, channel, target, transport, String(concurrency), mode];
}
