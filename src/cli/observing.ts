/** What looks at a running connector besides its status server: the log, systemd, traces, standard output. */
import process from "node:process";
import { systemClock } from "../async/clock.ts";
import type { Settings } from "../config/settings.ts";
import { eventLevel } from "../observe/event_level.ts";
import type { Observe } from "../observe/events.ts";
import type { Gathering, Looks } from "../observe/gather.ts";
import { createLog } from "../observe/log.ts";
import { withContext } from "../observe/message_context.ts";
import { foldServiceState } from "../observe/service_state.ts";
import { foldSpans } from "../observe/spans.ts";
import { startTracing } from "../observe/tracing.ts";
import type { Sample } from "../protocol/trace_context.ts";
import { lineWriter } from "../runtime/line_writer.ts";
import { serviceManager } from "../runtime/service_manager.ts";
import { heldLog, isLogOnTerminal } from "./held_log.ts";
import { logFormat } from "./log_format.ts";
import { type LiveParts, openOutput, type Output } from "./output.ts";
import type { OutputMode } from "./output_mode.ts";
import { version } from "./version.ts";

export interface Observing {
  readonly looks: Looks;
  /** What cannot be done as it is asked for. */
  readonly problems: readonly string[];
  /** Which traces are recorded; undefined = none. */
  readonly sample: Sample | undefined;
  /** From now on standard output says what happens, too. */
  show(live: () => LiveParts): Promise<void>;
  /** The process runs, until `ending` says that it has to end: systemd hears that. */
  runs(ending: AbortSignal): void;
  /** All that is held is written: what comes to standard error now is the last word. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** `tellAll` takes what one of these has to tell itself. Rejects with a `TracingError`. */
export async function startObserving(
  settings: Settings,
  mode: OutputMode,
  gathering: Gathering,
  tellAll: Observe,
): Promise<Observing> {
  let output: Output | undefined;
  const looks: Observe[] = [];
  const { clock } = gathering;
  const lines = lineWriter(
    "stderr",
    systemClock,
    (lines) => log.observe({ type: "log.lines_lost", lines }),
  );
  const held = mode === "live" && isLogOnTerminal()
    ? heldLog(lines, (line) => output?.say(line))
    : undefined;
  const log = createLog({
    levelOf: eventLevel,
    level: held?.levelFor(settings.log.level) ?? settings.log.level,
    format: held ? "human" : logFormat(settings.log.format),
    write: held?.write ?? lines.write,
    clock,
  });
  // Settlements, which it names, are logged at level debug alone.
  const isDebug = settings.log.level === "debug";
  looks.push(isDebug ? withContext(log.observe) : log.observe);
  const manager = serviceManager((why) =>
    tellAll({ type: "config.warning", message: `systemd cannot be told how it is: ${why}` })
  );
  const serviceState = manager && foldServiceState(manager, systemClock);
  if (serviceState) looks.push(serviceState.observe);
  const tracing = await startTracing({
    service: "hookferry-connector",
    version,
    env: process.env,
    clock: systemClock,
    onFailed: (message, spans) => tellAll({ type: "trace.export_failed", message, spans }),
  });
  const spans = tracing && foldSpans(tracing.record, clock);
  if (spans) looks.push(spans.observe);

  async function flush(): Promise<void> {
    gathering.flush();
    await output?.close();
    log.close();
    held?.close();
    await lines.close();
  }

  return {
    looks,
    problems: tracing?.problems ?? [],
    sample: tracing?.sample,
    async show(live) {
      output = await openOutput(mode, clock, live);
      looks.push(output.observe);
    },
    runs: (ending) => serviceState?.runs(ending),
    flush,
    async close() {
      gathering.flush();
      await output?.close();
      await serviceState?.close();
      spans?.close();
      await tracing?.close();
      await flush();
    },
  };
}
