import process from "node:process";
import { systemClock } from "../async/clock.ts";
import { loadSettings } from "../config/load.ts";
import type { Settings } from "../config/settings.ts";
import type { Values } from "../config/merge.ts";
import { type Connector, createConnector } from "../connector.ts";
import { StreamFailure } from "../flow.ts";
import type { Observe } from "../observe/events.ts";
import { eventLevel } from "../observe/event_level.ts";
import { createLog } from "../observe/log.ts";
import { foldMetrics } from "../observe/metrics.ts";
import { foldStatus } from "../observe/status.ts";
import { runtimeName } from "../runtime/runtime.ts";
import { startStatusServer, type StatusServer } from "../status/server.ts";
import { takeChaos } from "./chaos_flag.ts";
import { exitCode } from "./exit_code.ts";
import { readLayers } from "./layers.ts";
import { lifetimeFromSignals } from "./lifetime.ts";
import { logFormat } from "./log_format.ts";
import { version } from "./version.ts";

export const connectHelp = `hookferry connect: receive webhooks from a relay, deliver them here.

  --cloud-url URL      the relay (https or wss)
  --channel NAME       the channel to read
  --to PORT|URL        where webhooks go (also --target-url)
  --from -             relay, channel and token from standard input: the line
                       that hookferry relay printed
  --token-stdin        read the token from standard input
  --token-file FILE    or from a file; or set CONNECTOR_TOKEN
  --protocol NAME      auto, websocket, sse or long_poll (default auto)
  --config FILE        default: connector.{json,jsonc,yaml,yml} here, in
                       ~/.config/hookferry, in /etc/hookferry
  --status-listen HOST:PORT|off   /readyz, /status, /metrics
  --log-level NAME     debug, info, warning or error (default info)

  Every setting is a key in the file, a variable CONNECTOR_NAME and a flag
  --name; switches are --name and --no-name. All: docs/CONFIGURATION.md, and
  hookferry config show. Exit codes: 0 stopped, 2 usage, 69 relay unreachable,
  75 gave messages back unfinished, 77 token refused, 78 bad configuration.

  CONNECTOR_TOKEN=... hookferry connect --cloud-url https://r.example \\
      --channel orders --to 3000
`;

/** Runs the connector until it is told to stop. Resolves with the exit code. */
export async function connectCommand(args: readonly string[]): Promise<number> {
  const { rest, chaos, assertAllowed } = takeChaos(args);
  const { settings, values, warnings } = loadSettings(readLayers(rest));
  assertAllowed(settings.source.url);
  const log = createLog({
    levelOf: eventLevel,
    level: settings.log.level,
    format: logFormat(settings.log.format),
    write: (line) => void process.stderr.write(`${line}\n`),
  });
  const folds: Observe[] = [log.observe];
  const observe: Observe = (event) => folds.forEach((fold) => fold(event));
  const connector = createConnector(settings, {
    clock: systemClock,
    random: Math.random,
    observe,
    ...(chaos && { chaos }),
  });
  const signals = lifetimeFromSignals();
  let statusServer: StatusServer | undefined;
  try {
    statusServer = await startStatus(settings, values, connector, folds, observe);
    for (const message of warnings) observe({ type: "config.warning", message });
    const { abandoned } = await connector.run(signals.life);
    return abandoned === 0 ? exitCode.ok : exitCode.unsettled;
  } catch (error) {
    if (!(error instanceof StreamFailure)) throw error;
    process.stderr.write(`hookferry connect: ${error.message}\n`);
    return error.failureClass === "rejected" ? exitCode.tokenRejected : exitCode.relayUnreachable;
  } finally {
    await statusServer?.close();
    signals.dispose();
    log.close();
  }
}

/** Adds the folds that are looked at from outside, and serves them. */
async function startStatus(
  { statusListen }: Settings,
  values: Values,
  connector: Connector,
  folds: Observe[],
  observe: Observe,
): Promise<StatusServer | undefined> {
  if (!statusListen) return undefined;
  const build = { version, runtime: runtimeName };
  const status = foldStatus({
    clock: systemClock,
    about: build,
    inHand: () => connector.inHand,
    heardAt: () => connector.heardAt,
  });
  const metrics = foldMetrics({
    build,
    now: () => systemClock.now(),
    load: () => ({
      inHand: connector.inHand.messages,
      inHandBytes: connector.inHand.bytes,
      attempting: connector.attempting,
      silenceMs: connector.heardAt === undefined ? undefined : Date.now() - connector.heardAt,
    }),
  });
  folds.push(status.observe, metrics.observe);
  try {
    const server = await startStatusServer(statusListen, { ...status, metrics: metrics.text });
    observe({ type: "status.listening", url: server.url });
    return server;
  } catch (error) {
    // A second connector on this machine: nobody asked for that port.
    if (values.origin("status_listen")?.origin !== "default") throw error;
    const message = error instanceof Error ? error.message : String(error);
    observe({ type: "status.unavailable", message: `${message}; set status_listen` });
    return undefined;
  }
}
