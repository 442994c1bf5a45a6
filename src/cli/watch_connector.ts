import type { Settings } from "../config/settings.ts";
import type { Connector } from "../connector.ts";
import { type Exchanges, keepExchanges } from "../observe/exchanges.ts";
import type { Gathering, Looks } from "../observe/gather.ts";
import { foldMetrics } from "../observe/metrics.ts";
import { foldRecent, type RecentFold } from "../observe/recent.ts";
import { foldStatus } from "../observe/status.ts";
import { redactBy } from "../protocol/redact.ts";
import { runtimeName } from "../runtime/runtime.ts";
import type { StatusSource } from "../status/app.ts";
import type { ConnectorJournal } from "./connector_journal.ts";
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
    targets: () => watched().connector.targets,
    about: build,
    now() {
      const { connector, journal: { open: { deadLetters }, place } } = watched();
      return {
        connectorId: connector.connectorId,
        identity: connector.identity,
        inHand: { messages: connector.inHand.messages, bytes: connector.inHand.bytes },
        unconfirmed: connector.unconfirmed,
        silenceMs: connector.silenceMs,
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
    clock,
    load() {
      const { connector, journal } = watched();
      return {
        inHand: connector.inHand.messages,
        inHandBytes: connector.inHand.bytes,
        oldestAgeMs: connector.inHand.oldestAgeMs,
        unconfirmed: connector.unconfirmed,
        targets: connector.targets,
        silenceMs: connector.silenceMs,
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
