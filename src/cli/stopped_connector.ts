import { systemClock } from "../async/clock.ts";
import { loadConnections } from "../config/load_connections.ts";
import type { Layers } from "../config/merge.ts";
import { createDownstream } from "../downstream.ts";
import { openJournal } from "../journal/open_journal.ts";
import { controlRoutes } from "../status/control.ts";
import { holdsJournal, journalFolder } from "./connector_journal.ts";
import { type AskControl, checked, ControlError } from "./control_client.ts";
import { otherState } from "./state_folder.ts";

/**
 * The control routes of a connector that does not run, answered from its journal and with its settings. Throws
 * `ConfigError`, `DatabaseOpenError`, or a `ControlError` when there is no journal to look into.
 */
export function stoppedConnector(
  layers: Layers,
): { readonly ask: AskControl; close(): Promise<void> } {
  const { connections, first: { settings } } = loadConnections(layers);
  if (!connections.has("")) {
    const names = [...connections.keys()].join(", ");
    throw new ControlError(
      `no connector is running, and dead letters of several connections (${names}) are told ` +
        "by the running one alone: start it (hookferry connect), then ask again",
    );
  }
  const folder = journalFolder(settings);
  if (folder === undefined) {
    throw new ControlError("no connector is running, and its journal is in memory");
  }
  if (!holdsJournal(folder)) {
    throw new ControlError(
      `no connector is running, and there is no journal in ${
        JSON.stringify(folder)
      }: ${otherState}`,
    );
  }
  const journal = openJournal({
    folder,
    limits: settings.deadLetters,
    clock: systemClock,
    onDropped: () => {},
  });
  const abort = new AbortController();
  const { replay, isReplayable, targets } = createDownstream(settings, {
    clock: systemClock,
    random: Math.random,
    observe: () => {},
    journal: journal.journal,
    letters: journal.deadLetters,
    drain: abort.signal,
    onJournalFailed: () => {},
  });
  const app = controlRoutes({
    pause() {},
    resume() {},
    letters: journal.deadLetters,
    isReplayable,
    replay: (id) => replay(id, { drain: abort.signal, abort: abort.signal }),
  }, () => "local");
  return {
    ask: async (method, path) =>
      await checked(
        await app.request(path, { method, headers: { Authorization: "Bearer local" } }),
      ),
    async close() {
      abort.abort();
      await targets.close();
      journal.close();
    },
  };
}
