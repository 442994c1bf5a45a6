import { systemClock } from "../async/clock.ts";
import type { Values } from "../config/merge.ts";
import type { Settings } from "../config/settings.ts";
import type { Connector } from "../connector.ts";
import type { Observe } from "../observe/events.ts";
import { type Exchanges, keepExchanges } from "../observe/exchanges.ts";
import { foldMetrics } from "../observe/metrics.ts";
import type { Gathering, Looks } from "../observe/gather.ts";
import { foldRecent, type RecentFold } from "../observe/recent.ts";
import { redactBy } from "../protocol/redact.ts";
import { foldStatus } from "../observe/status.ts";
import { runtimeName } from "../runtime/runtime.ts";
import type { StatusSource } from "../status/app.ts";
import { type Control, controlRoutes, type Reload } from "../status/control.ts";
import { connectorPages } from "../status/pages.tsx";
import { isLoopback, startStatusServer } from "../status/server.ts";
import type { Fleet } from "./fleet.ts";
import { fleetControl, fleetStatus } from "./fleet_status.ts";
import type { ConnectorJournal } from "./connector_journal.ts";
import { pageSource } from "./connector_page.ts";
import { statusTokenFile, writeStatusToken } from "./status_token.ts";
import { version } from "./version.ts";

/** What is looked at: the connector and its journal. */
export interface Watched {
  readonly connector: Connector;
  readonly journal: ConnectorJournal;
}

export interface Watch extends StatusSource {
  readonly looks: Looks;
  readonly recent: RecentFold;
  /** Undefined = requests and responses are not kept. */
  readonly exchanges: Exchanges | undefined;
}

/** The folds that are looked at from outside; `watched` is asked when somebody looks. */
export function watchConnector(
  watched: () => Watched,
  { inspect, redact }: Settings,
  { clock, flush }: Gathering,
): Watch {
  const recent = foldRecent(clock);
  const exchanges = inspect && keepExchanges({ ...inspect, redact: redactBy(redact) });
  const build = { version, runtime: runtimeName };
  const problem = () => watched().journal.degraded ?? watched().journal.open.problem;
  const status = foldStatus({
    clock,
    targetNames: () => watched().connector.targets.map(({ name }) => name),
    about: build,
    now() {
      const { connector, journal: { open: { deadLetters }, place } } = watched();
      return {
        connectorId: connector.connectorId,
        inHand: connector.inHand,
        heardAt: connector.heardAt,
        journal: {
          place,
          problem: problem(),
          deadLetters: { messages: deadLetters.count, bytes: deadLetters.bytes },
        },
      };
    },
  });
  const metrics = foldMetrics({
    build,
    now: () => clock.now(),
    load() {
      const { connector, journal } = watched();
      return {
        inHand: connector.inHand.messages,
        inHandBytes: connector.inHand.bytes,
        oldestAgeMs: connector.inHand.oldestAt === undefined
          ? 0
          : Math.max(0, Date.now() - connector.inHand.oldestAt),
        held: new Map(connector.targets.map(({ name, held }) => [name, held])),
        attempting: connector.attempting,
        silenceMs: connector.heardAt === undefined ? undefined : Date.now() - connector.heardAt,
        deadLetters: journal.open.deadLetters.count,
        journalHealthy: problem() === undefined ? 1 : 0,
      };
    },
  });
  return {
    looks: [status.observe, recent.observe, metrics.observe],
    status() {
      flush();
      return status.status();
    },
    readiness() {
      flush();
      return status.readiness();
    },
    metrics() {
      flush();
      return metrics.text();
    },
    get recent() {
      flush();
      return recent;
    },
    exchanges,
  };
}

/** Starts the status server, where there is to be one; the result ends it. */
export async function serveStatus(
  settings: Settings,
  values: Values,
  { fleet, observe, reload }: {
    readonly fleet: Fleet;
    readonly observe: Observe;
    readonly reload: Reload;
  },
): Promise<() => Promise<void>> {
  const { statusListen, statusToken } = settings;
  if (!statusListen) return () => Promise.resolve();
  let token = statusToken?.reveal();
  let { port } = statusListen;
  let removeToken = () => {};
  try {
    const tokenNow = () => token;
    const control = controlRoutes(fleetControl(fleet), tokenNow, reload);
    const where = () =>
      statusToken
        ? "It is the setting status_token of this connector."
        : token === undefined
        ? "Set status_token."
        : `The connector made it for its user on this machine: ${statusTokenFile(port)}`;
    const one = fleet.members.get("");
    const pages = one &&
      connectorPages(pageSource(settings, one.running, one.watch), {
        clock: systemClock,
        tokenNow,
        where,
      });
    const server = await startStatusServer(statusListen, fleetStatus(fleet), {
      control,
      ...(pages && { pages }),
    });
    port = Number(new URL(server.url).port);
    observe({ type: "status.listening", url: server.url });
    if (token === undefined && isLoopback(statusListen)) makeToken();
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
  function makeToken(): void {
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

/** What can be done to the connector that runs at the moment. */
export function controlOf(watched: Watched): Control {
  const letters = () => watched.journal.open.deadLetters;
  return {
    pause: (forMs) => watched.connector.pause.pause(forMs),
    resume: () => watched.connector.pause.resume(),
    letters: {
      list: (limit) => letters().list(limit),
      of: (messageId) => letters().of(messageId),
      ids: () => letters().ids(),
      drop: (messageId) => letters().drop(messageId),
    },
    replay: (messageId) => watched.connector.replay(messageId),
    isReplayable: (messageId) => watched.connector.isReplayable(messageId),
  };
}
