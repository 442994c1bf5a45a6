/** Traces of both ends in one process. */
import process from "node:process";
import { type Clock, systemClock } from "../async/clock.ts";
import type { Looks } from "../observe/gather.ts";
import { foldSpans } from "../observe/spans.ts";
import { startTracing } from "../observe/tracing.ts";
import type { Sample } from "../protocol/trace_context.ts";
import type { ObserveRelay } from "../relay/relay_events.ts";
import { foldRelaySpans } from "../relay/relay_spans.ts";
import { version } from "./version.ts";

export interface DevTracing {
  /** Which traces are recorded, by either end; undefined = none. */
  readonly sample: Sample | undefined;
  readonly ofRelay: ObserveRelay;
  readonly ofConnector: Looks;
  /** Sends what is left. */
  close(): Promise<void>;
}

/** As the standard variables ask for them. `warn` is told what cannot be done. Rejects with a `TracingError`. */
export async function startDevTracing(
  clock: Clock,
  warn: (text: string) => void,
): Promise<DevTracing> {
  const start = (service: string) =>
    startTracing({
      ...{ service, version, env: process.env, clock: systemClock },
      onFailed: (message, spans) => warn(`traces: ${message} (${spans} spans are lost)`),
    });
  const relay = await start("hookferry-relay");
  const connector = await start("hookferry-connector");
  for (const problem of relay?.problems ?? []) warn(`traces: ${problem}`);
  const spans = connector && foldSpans(connector.record, clock);
  return {
    sample: connector?.sample,
    ofRelay: relay ? foldRelaySpans(relay.record, systemClock) : () => {},
    ofConnector: spans ? [spans.observe] : [],
    async close() {
      spans?.close();
      await Promise.all([relay?.close(), connector?.close()]);
    },
  };
}
