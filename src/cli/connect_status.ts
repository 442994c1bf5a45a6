import { systemClock } from "../async/clock.ts";
import type { Values } from "../config/merge.ts";
import type { Settings } from "../config/settings.ts";
import type { Connector } from "../connector.ts";
import type { Observe } from "../observe/events.ts";
import { foldMetrics } from "../observe/metrics.ts";
import { foldStatus } from "../observe/status.ts";
import { runtimeName } from "../runtime/runtime.ts";
import type { StatusSource } from "../status/app.ts";
import { type Control, controlRoutes } from "../status/control.ts";
import { isLoopback, startStatusServer } from "../status/server.ts";
import type { ConnectorJournal } from "./connector_journal.ts";
import { writeStatusToken } from "./status_token.ts";
import { version } from "./version.ts";

/** What is looked at: the connector and its journal. */
export interface Watched {
  readonly connector: Connector;
  readonly journal: ConnectorJournal;
}

export interface Watch extends StatusSource {
  readonly observe: Observe;
}

/** The folds that are looked at from outside; `watched` is asked when somebody looks. */
export function watchConnector(watched: () => Watched, settings: Settings): Watch {
  const { journal: { place }, source, defaultRoute, routes } = settings;
  const targets = [defaultRoute, ...routes.values()].flatMap((route) => route?.targets ?? []);
  const build = { version, runtime: runtimeName };
  const problem = () => watched().journal.degraded ?? watched().journal.open.problem;
  const status = foldStatus({
    clock: systemClock,
    targetNames: targets.map(({ name }) => name),
    about: build,
    now() {
      const { connector, journal: { open: { deadLetters, connectorId } } } = watched();
      return {
        connectorId: source.connectorId ?? connectorId,
        inHand: connector.inHand,
        heardAt: connector.heardAt,
        journal: {
          place: place.kind === "folder" ? place.folder : place.kind,
          problem: problem(),
          deadLetters: { messages: deadLetters.count, bytes: deadLetters.bytes },
        },
      };
    },
  });
  const metrics = foldMetrics({
    build,
    now: () => systemClock.now(),
    load() {
      const { connector, journal } = watched();
      return {
        inHand: connector.inHand.messages,
        inHandBytes: connector.inHand.bytes,
        oldestAgeMs: connector.inHand.oldestAt === undefined
          ? 0
          : Math.max(0, Date.now() - connector.inHand.oldestAt),
        held: connector.held,
        attempting: connector.attempting,
        silenceMs: connector.heardAt === undefined ? undefined : Date.now() - connector.heardAt,
        deadLetters: journal.open.deadLetters.count,
        journalHealthy: problem() === undefined ? 1 : 0,
      };
    },
  });
  return {
    ...status,
    metrics: metrics.text,
    observe(event) {
      status.observe(event);
      metrics.observe(event);
    },
  };
}

/** Starts the status server, where there is to be one; the result ends it. */
export async function serveStatus(
  { statusListen, statusToken }: Settings,
  values: Values,
  { connector, journal, watch, observe }: Watched & { watch: Watch; observe: Observe },
): Promise<() => Promise<void>> {
  if (!statusListen) return () => Promise.resolve();
  let token = statusToken?.reveal();
  let removeToken = () => {};
  try {
    const control = controlRoutes(controlOf(connector, journal), () => token);
    const server = await startStatusServer(statusListen, watch, control);
    observe({ type: "status.listening", url: server.url });
    if (token === undefined && isLoopback(statusListen)) {
      makeToken(Number(new URL(server.url).port));
    }
    return async () => {
      removeToken();
      await server.close();
    };
  } catch (error) {
    // A second connector on this machine: nobody asked for that port.
    if (values.origin("status_listen")?.origin !== "default") throw error;
    const message = error instanceof Error ? error.message : String(error);
    observe({ type: "status.unavailable", message: `${message}; set status_listen` });
    return () => Promise.resolve();
  }

  /** For the commands of the same user on this machine. */
  function makeToken(port: number): void {
    try {
      const made = writeStatusToken(port);
      token = made.token;
      removeToken = made.remove;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `pause, resume and dead-letters are off: no token can be kept: ${why}; ` +
        "set status_token";
      observe({ type: "config.warning", message });
    }
  }
}

export function controlOf(
  { pause, replay }: Pick<Connector, "pause" | "replay">,
  { open: { deadLetters } }: ConnectorJournal,
): Control {
  return {
    pause: (forMs) => pause.pause(forMs),
    resume: () => pause.resume(),
    letters: deadLetters,
    replay,
  };
}
