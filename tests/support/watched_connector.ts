/** A connector in this process with its status server and page. */
import { type Clock, systemClock } from "../../src/async/clock.ts";
import { pageSource } from "../../src/cli/connector_page.ts";
import { controlOf } from "../../src/cli/connector_control.ts";
import { watchConnector } from "../../src/cli/watch_connector.ts";
import type { Settings } from "../../src/config/settings.ts";
import { type Connector, createConnector } from "../../src/connector.ts";
import { openJournal } from "../../src/journal/open_journal.ts";
import { gatherEvents } from "../../src/observe/gather.ts";
import { controlRoutes } from "../../src/status/control.ts";
import { connectorPages } from "../../src/status/pages.tsx";
import { startStatusServer } from "../../src/status/server.ts";
import type { TestContext } from "./cleanup.ts";

export interface WatchedConnector {
  /** Of the page, without a slash at the end. */
  readonly url: string;
  readonly connector: Connector;
}

export async function startWatchedConnector(
  t: TestContext,
  settings: Settings,
  { token, open = false, folder, clock = systemClock }: {
    readonly token?: string;
    readonly open?: boolean;
    /** Of the journal; else it is in memory. */
    readonly folder?: string | undefined;
    readonly clock?: Clock;
  } = {},
): Promise<WatchedConnector> {
  const limits = settings.deadLetters;
  const journal = {
    open: openJournal({ folder, limits, clock, onDropped: () => {} }),
    place: "memory",
    degraded: undefined,
  };
  const gathering = gatherEvents(clock);
  const watch = watchConnector(() => ({ connector, journal }), settings, gathering);
  const connector = createConnector(settings, {
    journal: journal.open,
    clock,
    random: Math.random,
    inspect: watch.exchanges?.record,
    observe: gathering.observedBy(watch.looks),
  });
  const tokenNow = () => token;
  const pages = connectorPages(pageSource(() => settings, { connector, journal }, watch), {
    ...{ clock, tokenNow, where: () => "It is in the test.", open },
  });
  const control = controlRoutes(controlOf({ connector, journal }), tokenNow);
  const address = { hostname: "127.0.0.1", port: 0 };
  const server = await startStatusServer(address, watch, { control, pages });
  const stop = new AbortController();
  const ended = connector.run({ drain: stop.signal, abort: stop.signal });
  t.defer(async () => {
    stop.abort();
    await ended.catch(() => {});
    await server.close();
    journal.open.close();
  });
  return { url: server.url, connector };
}
