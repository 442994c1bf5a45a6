import { statSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../async/clock.ts";
import { type Identity, identityText } from "../config/identity.ts";
import type { Settings } from "../config/settings.ts";
import type { LetterName } from "../journal/dead_letter_box.ts";
import { type OpenJournal, openJournal } from "../journal/open_journal.ts";
import type { Observe } from "../observe/events.ts";
import { DatabaseHeldError } from "../sqlite/database.ts";
import { stateFolder } from "./state_folder.ts";

export interface ConnectorJournal {
  readonly open: OpenJournal;
  /** In words: its folder or "memory", or why it is in memory although nobody wants it there. */
  readonly place: string;
  /** Why the one that is there, or was asked for, cannot be used: this one is in memory, the connector not ready. */
  readonly degraded: string | undefined;
}

/** Where the settings put the journal; undefined = in memory. */
export function journalFolder({ journal: { place }, source }: Identity): string | undefined {
  switch (place.kind) {
    case "memory":
      return undefined;
    case "folder":
      return place.folder;
    case "default":
      return stateFolder("connect", identityText(source).replace(/[^A-Za-z0-9._@-]/g, "_"));
  }
}

/**
 * Opens the journal of a connector. One that cannot be opened: rejected with its error when the settings say to
 * stop then; otherwise the connector goes on in memory. Where somebody had asked for that journal, or it is there
 * and cannot be read, the connector is not ready; else, as where another connector has it, that is a warning.
 */
export function openConnectorJournal(settings: Settings, observe: Observe): ConnectorJournal {
  const { place: where } = settings.journal;
  const common = {
    limits: settings.deadLetters,
    clock: systemClock,
    onDropped(letters: readonly LetterName[]) {
      observe({ type: "dead_letter.dropped", count: letters.length });
      for (const which of letters) observe({ type: "dead_letter.forgotten", ...which, by: "room" });
    },
  };
  const folder = journalFolder(settings);
  const place = folder ?? "memory";
  try {
    return { open: openJournal({ ...common, folder }), place, degraded: undefined };
  } catch (error) {
    if (settings.journal.onFailure === "stop" || folder === undefined) throw error;
    const why = `in memory: ${error instanceof Error ? error.message : String(error)}`;
    const open = openJournal({ ...common, folder: undefined });
    const isHeld = error instanceof DatabaseHeldError;
    if (where.kind === "folder" || !isHeld && holdsJournal(folder)) {
      observe({ type: "journal.failed", message: why });
      return { open, place, degraded: why };
    }
    const message = `${why}; what is delivered is not remembered beyond this process: ` +
      `set journal${isHeld ? " or connector_id" : ""}`;
    observe({ type: "config.warning", message });
    return { open, place: why, degraded: undefined };
  }
}

/** There is a journal; what it holds is another question. */
export function holdsJournal(folder: string): boolean {
  try {
    return statSync(join(folder, "journal.db")).size > 0;
  } catch {
    return false; // no file, or no way to it
  }
}
