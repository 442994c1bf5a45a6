import { createHash } from "node:crypto";
import { systemClock } from "../async/clock.ts";
import type { Settings } from "../config/settings.ts";
import { type OpenJournal, openJournal } from "../journal/open_journal.ts";
import type { Observe } from "../observe/events.ts";
import { stateFolder } from "./state_folder.ts";

export interface ConnectorJournal {
  readonly open: OpenJournal;
  /** In words: its folder, "memory" or "default". */
  readonly place: string;
  /** The one that was asked for cannot be used: this one is in memory, and the connector is not ready. */
  readonly degraded: string | undefined;
}

/** Where the settings put the journal; undefined = in memory. */
export function journalFolder({ journal: { place }, source }: Settings): string | undefined {
  switch (place.kind) {
    case "memory":
      return undefined;
    case "folder":
      return place.folder;
    case "default": {
      const { channel, url, connectorId, protocol } = source;
      // What tells smee streams apart is a secret.
      const path = protocol === "smee" ? [sha256(url.pathname).slice(0, 12)] : [];
      const id = connectorId === undefined ? [] : [connectorId];
      const name = [channel, url.host, ...path, ...id].join("@");
      return stateFolder("connect", name.replace(/[^A-Za-z0-9._@-]/g, "_"));
    }
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/**
 * Opens the journal of a connector. One that cannot be opened: rejected with its error when the settings say to
 * stop then; otherwise the connector goes on in memory, which is told as a warning where nobody had asked for a
 * journal, and makes it not ready where somebody had.
 */
export function openConnectorJournal(settings: Settings, observe: Observe): ConnectorJournal {
  const { place: where } = settings.journal;
  const place = where.kind === "folder" ? where.folder : where.kind;
  const common = {
    limits: settings.deadLetters,
    clock: systemClock,
    onDropped: (count: number) => observe({ type: "dead_letter.dropped", count }),
  };
  try {
    const open = openJournal({ ...common, folder: journalFolder(settings) });
    return { open, place, degraded: undefined };
  } catch (error) {
    if (settings.journal.onFailure === "stop") throw error;
    const why = error instanceof Error ? error.message : String(error);
    const isAskedFor = settings.journal.place.kind === "folder";
    if (isAskedFor) observe({ type: "journal.failed", message: why });
    else {
      const message = `${why}; deliveries are not remembered beyond this process: set journal`;
      observe({ type: "config.warning", message });
    }
    return {
      place,
      open: openJournal({ ...common, folder: undefined }),
      degraded: isAskedFor ? why : undefined,
    };
  }
}
