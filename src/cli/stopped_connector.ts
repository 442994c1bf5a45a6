import { systemClock } from "../async/clock.ts";
import { loadIdentity } from "../config/identity.ts";
import { connectionNames, loadConnections } from "../config/load_connections.ts";
import { type Layers, mergeLayers } from "../config/merge.ts";
import type { Settings } from "../config/settings.ts";
import { createDownstream } from "../downstream.ts";
import { type OpenJournal, openJournal } from "../journal/open_journal.ts";
import { type Control, controlRoutes } from "../status/control.ts";
import { holdsJournal, journalFolder } from "./connector_journal.ts";
import { type AskControl, checked, ControlError } from "./control_client.ts";
import { otherState } from "./state_folder.ts";

/**
 * The control routes of a connector that cannot be asked, answered from its journal. What `replays` needs all its
 * settings but the token, anything else what names the journal. Throws `ConfigError`, `DatabaseOpenError`, or a
 * `ControlError` when there is no journal to look into.
 */
export function stoppedConnector(
  layers: Layers,
  { unasked, replays }: { readonly unasked: string; readonly replays: boolean },
): { readonly ask: AskControl; close(): Promise<void> } {
  const names = connectionNames(layers);
  if (!names.includes("")) {
    throw new ControlError(
      `${unasked}, and dead letters of several connections (${names.join(", ")}) are told ` +
        "by the running one alone: start it (hookferry connect), then ask again",
    );
  }
  const folder = journalFolder(loadIdentity(layers));
  if (folder === undefined) throw new ControlError(`${unasked}, and its journal is in memory`);
  if (!holdsJournal(folder)) {
    throw new ControlError(
      `${unasked}, and there is no journal in ${JSON.stringify(folder)}: ${otherState}`,
    );
  }
  const settings = replays ? settingsWithoutToken(layers) : undefined;
  const values = mergeLayers(layers, () => {});
  const open = openJournal({
    folder,
    limits: {
      maxLetters: values.get("dead_letter_max_messages"),
      maxBytes: values.get("dead_letter_max_bytes"),
    },
    clock: systemClock,
    onDropped: () => {},
  });
  const replaying = settings && replayingWith(settings, open);
  const app = controlRoutes({
    pause() {},
    resume() {},
    letters: open.deadLetters,
    isReplayable: () => false,
    replay: () => Promise.resolve(undefined),
    ...replaying?.control,
  }, () => "local");
  return {
    ask: async (method, path) =>
      await checked(
        await app.request(path, { method, headers: { Authorization: "Bearer local" } }),
      ),
    async close() {
      await replaying?.close();
      open.close();
    },
  };
}

/** A replay asks the relay for nothing, so that any token will do. */
function settingsWithoutToken(layers: Layers): Settings {
  return loadConnections({ stdinToken: "unused", ...layers }).first.settings;
}

function replayingWith(settings: Settings, { journal, deadLetters }: OpenJournal): {
  readonly control: Pick<Control, "replay" | "isReplayable">;
  close(): Promise<void>;
} {
  const abort = new AbortController();
  const life = { drain: abort.signal, abort: abort.signal };
  const { replay, isReplayable, targets } = createDownstream(settings, {
    clock: systemClock,
    random: Math.random,
    observe: () => {},
    journal,
    letters: deadLetters,
    drain: abort.signal,
    onJournalFailed: () => {},
  });
  return {
    control: { isReplayable, replay: (id) => replay(id, life) },
    async close() {
      abort.abort();
      await targets.close();
    },
  };
}
