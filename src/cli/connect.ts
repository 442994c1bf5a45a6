import process from "node:process";
import { systemClock } from "../async/clock.ts";
import { ConfigError } from "../config/config_error.ts";
import { loadConnections, type LoadedConnections } from "../config/load_connections.ts";
import type { Settings } from "../config/settings.ts";
import { readToken } from "../config/token.ts";
import { createConnector } from "../connector.ts";
import { JournalUnavailable, StreamFailure } from "../flow.ts";
import { withProcess } from "../settings_change.ts";
import type { ConnectorEvent, Observe } from "../observe/events.ts";
import { gatherEvents, type Looks } from "../observe/gather.ts";
import { visible } from "../output/visible.ts";
import { Pause } from "../source/pause.ts";
import { takeChaos } from "./chaos_flag.ts";
import { serveStatus } from "./serve_status.ts";
import { stampsOf } from "./stamps.ts";
import { watchConnector } from "./watch_connector.ts";
import { openConnectorJournal } from "./connector_journal.ts";
import { createFleet, type Member } from "./fleet.ts";
import { exitCode } from "./exit_code.ts";
import { onHangUp } from "./hang_up.ts";
import { readFileLayer, readLayers } from "./layers.ts";
import { startReloading } from "./reload.ts";
import { type RunningConnector, runningConnector } from "./running_connector.ts";
import { lifetimeFromSignals } from "./lifetime.ts";
import { liveActions, liveSource, titleOf } from "./live_source.ts";
import { startObserving } from "./observing.ts";
import { outputMode } from "./output_mode.ts";
import type { Command } from "./command.ts";

const connectHelp = `hookferry connect: receive webhooks from a relay, deliver them here.

  --cloud-url URL      the relay (https or wss)
  --channel NAME       the channel to read
  --to PORT|URL        where webhooks go (a URL also as --target-url)
  --from -             relay, channel and token from standard input: the line
                       that hookferry relay printed
  --token-stdin, --token-file FILE   the token; or set CONNECTOR_TOKEN
  --source smee URL    from smee.io, gosmee or alike instead (docs/SMEE.md)
  --protocol NAME      auto, websocket, sse or long_poll (default auto)
  --config FILE        default: connector.{json,jsonc,yaml,yml} here, in
                       ~/.config/hookferry, in /etc/hookferry
  --status-listen HOST:PORT|off   /readyz, /status, /metrics
  --output NAME        standard output: live (keys: q ends), text, json or
                       quiet (default live on a terminal, else json)
  --log-level NAME     debug, info, warning or error (default info)

  Every setting is a key in the file, a variable CONNECTOR_NAME and a flag
  --name (switch: --no-name): docs/CONFIGURATION.md. A changed file counts at
  once, also on SIGHUP. Exit codes: 0 stopped, 1 no port or journal, 2 usage,
  69 no relay, 75 gave messages back, 77 token refused, 78 bad configuration.

  CONNECTOR_TOKEN=... hookferry connect --cloud-url https://r.example \\
      --channel orders --to 3000
`;

/** Runs the connector until it is told to stop. Resolves with the exit code. */
async function connectCommand(args: readonly string[]): Promise<number> {
  const { rest, chaos, assertAllowed } = takeChaos(args);
  const layers = await readLayers(rest);
  const loaded = loadConnections(layers);
  const stamps = stampsOf(loaded.files); // what changes while journals are opened is another state
  const { first: { settings, values }, warnings, connections } = loaded;
  assertAllAllowed(loaded);
  const isOne = connections.has("");
  const wanted = outputMode(settings.output);
  // The live view is of one connection.
  const mode = wanted === "live" && !isOne ? "text" : wanted;
  const gathering = gatherEvents(systemClock);
  const observing = await startObserving(settings, mode, gathering, observeAll);
  const fleet = createFleet(settingsOf(loaded, settings), startMember, systemClock);
  const reloading = startReloading({
    first: loaded,
    stamps,
    async load() {
      const file = layers.file && await readFileLayer(layers.file.path);
      return loadConnections({ ...layers, file });
    },
    apply(next) {
      assertAllAllowed(next);
      if (next.connections.has("") !== isOne) {
        throw new ConfigError(["connections: to have some, or none any more, needs a restart"]);
      }
      return fleet.apply(settingsOf(next, settings));
    },
    observe: observeAll,
    clock: systemClock,
  });
  const signals = lifetimeFromSignals();
  // The live view looks after its terminal itself.
  const ignoreHangUp = mode === "live" ? () => {} : onHangUp({
    onGone: signals.interrupt,
    onAsked: () => void reloading.reload().catch(() => {}), // it is told as an event
  });
  await observing.show(() => {
    const { watch, running } = fleet.members.get("") as Member; // it is live for one connection
    return {
      source: liveSource(() => [titleOf(running.settings)], watch),
      actions: liveActions(running, signals.interrupt),
    };
  });
  let closeStatus = () => Promise.resolve();
  try {
    closeStatus = await serveStatus(settings, values, {
      fleet,
      observe: observeAll,
      reload: reloading.reload,
    });
    for (const message of [...warnings, ...observing.problems]) {
      observeAll({ type: "config.warning", message });
    }
    observing.runs(fleet.ending);
    const { abandoned } = await fleet.run(signals.life);
    return abandoned === 0 ? exitCode.ok : exitCode.unsettled;
  } catch (error) {
    await observing.flush();
    if (error instanceof JournalUnavailable) {
      process.stderr.write(`hookferry connect: stopped: ${error.message}\n`);
      return exitCode.unexpected;
    }
    if (!(error instanceof StreamFailure)) throw error;
    process.stderr.write(`hookferry connect: ${visible(error.message)}\n`);
    return error.failureClass === "rejected" ? exitCode.tokenRejected : exitCode.relayUnreachable;
  } finally {
    ignoreHangUp();
    reloading.close();
    await closeStatus();
    await observing.close();
    fleet.close();
    signals.dispose();
  }

  /** One connection: journal, connector and figures. */
  function startMember(name: string, settings: Settings): Member {
    const watch = watchConnector(() => running, settings, gathering);
    const named = name === "" ? observing.looks : [withConnection(name, observing.looks)];
    const tell = gathering.observedBy(watch.looks, named);
    const pause = new Pause(systemClock, tell);
    const running: RunningConnector = runningConnector(settings, pause, (settings) => {
      const journal = openConnectorJournal(settings, tell);
      const connector = createConnector(settings, {
        journal: journal.open,
        clock: systemClock,
        random: Math.random,
        observe: tell,
        sample: observing.sample,
        pause,
        inspect: watch.exchanges?.record,
        onTokenRefused: () => reloading.reload().then(() => {}, () => rereadToken(name, running)),
        ...(chaos && { chaos }),
      });
      return { connector, journal };
    });
    return { running, watch };
  }

  /** The token alone: what else the files say now is not valid. */
  async function rereadToken(name: string, running: RunningConnector): Promise<void> {
    const { values } = reloading.current.connections.get(name) ?? loaded.first;
    const token = readToken(values, () => {}); // that it cannot be read leaves the one that was refused
    const { settings } = running;
    if (token) await running.apply({ ...settings, source: { ...settings.source, token } });
  }

  /** What is of the whole process counts in the figures of each connection that is there. */
  function observeAll(event: ConnectorEvent): void {
    const figures = [...fleet.members.values()].map(({ watch }) => watch.looks);
    gathering.observedBy(...figures, observing.looks)(event);
  }

  function assertAllAllowed({ connections }: LoadedConnections): void {
    for (const { settings: { source } } of connections.values()) assertAllowed(source.url);
  }
}

/** Where there are several connections each event says whose it is. */
function withConnection(connection: string, looks: Looks): Observe {
  return (event) => {
    const told = Object.assign({}, event, { connection });
    for (const look of looks) look(told);
  };
}

function settingsOf(
  { connections }: LoadedConnections,
  atStart: Settings,
): ReadonlyMap<string, Settings> {
  const all = [...connections];
  return new Map(all.map(([name, { settings }]) => [name, withProcess(settings, atStart)]));
}

export const connect: Command = { help: connectHelp, run: connectCommand };
