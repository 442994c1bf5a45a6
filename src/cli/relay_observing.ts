import process from "node:process";
import { systemClock } from "../async/clock.ts";
import { createLog } from "../observe/log.ts";
import { startTracing, type Tracing } from "../observe/tracing.ts";
import { relayEventLevel } from "../relay/relay_event_level.ts";
import type { ObserveRelay } from "../relay/relay_events.ts";
import { foldRelaySpans } from "../relay/relay_spans.ts";
import { lineWriter } from "../runtime/line_writer.ts";
import { logFormat } from "./log_format.ts";
import type { RelayFlags } from "./relay_flags.ts";
import { version } from "./version.ts";

export interface RelayObserving {
  /** Logs and traces what happens. */
  readonly observe: ObserveRelay;
  /** Whether the next webhook is traced; undefined when none is. */
  readonly sample: Tracing["sample"] | undefined;
  /** Resolves when the last of it is out. */
  close(): Promise<void>;
}

/** What is seen of a relay from outside. That some of it gets lost is told to `tell`. Rejects with a `TracingError`. */
export async function startRelayObserving(
  flags: Pick<RelayFlags, "logLevel" | "logFormat">,
  tell: ObserveRelay,
): Promise<RelayObserving> {
  const lines = lineWriter(
    "stderr",
    systemClock,
    (lost) => log.observe({ type: "relay.log_lines_lost", lines: lost }),
  );
  const log = createLog({
    levelOf: relayEventLevel,
    level: flags.logLevel,
    format: logFormat(flags.logFormat),
    write: lines.write,
    clock: systemClock,
  });
  const tracing = await startTracing({
    service: "hookferry-relay",
    version,
    env: process.env,
    clock: systemClock,
    onFailed: (message, spans) => tell({ type: "relay.trace_export_failed", message, spans }),
  });
  for (const problem of tracing?.problems ?? []) {
    process.stderr.write(`hookferry relay: warning: traces: ${problem}\n`);
  }
  const spans = tracing && foldRelaySpans(tracing.record, systemClock);
  return {
    observe(event) {
      log.observe(event);
      spans?.(event);
    },
    sample: tracing?.sample,
    async close() {
      await tracing?.close();
      log.close();
      await lines.close();
    },
  };
}
