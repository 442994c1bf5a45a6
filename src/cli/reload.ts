import { statSync } from "node:fs";
import type { Clock } from "../async/clock.ts";
import { inTurn } from "../async/in_turn.ts";
import { differences, type Listed, listing } from "../config/listing.ts";
import type { LoadedConnections } from "../config/load_connections.ts";
import { processKeys } from "../config/options.ts";
import type { Observe } from "../observe/events.ts";

/** Between looks at the files: not watched, since what replaces them may replace the folder. */
const lookEveryMs = 1_000;

export interface Reloaded {
  readonly changed: readonly string[];
  /** Options of which the process runs with another value. */
  readonly needsRestart: readonly string[];
}

export interface Reloading {
  /** What counts. */
  readonly current: LoadedConnections;
  /** Reads everything again and goes on with it. Rejects, and nothing is changed, when it is not valid. */
  reload(): Promise<Reloaded>;
  close(): void;
}

/**
 * Reads the settings again when somebody asks, or when a file they were made from has changed and stayed so for one
 * look. One at a time. What came of it is told as an event.
 */
export function startReloading(
  { first, load, apply, observe, clock }: {
    readonly first: LoadedConnections;
    /** Rejects with a `ConfigError`. */
    readonly load: () => Promise<LoadedConnections>;
    readonly apply: (loaded: LoadedConnections) => Promise<void>;
    readonly observe: Observe;
    readonly clock: Clock;
  },
): Reloading {
  const atStart = ofProcess(first);
  let current = first;
  const oneAtATime = inTurn();
  let tried = stampOf(first.files);
  let last = tried;
  let cancel = clock.after(lookEveryMs, look);

  function look(): void {
    const found = stampOf(current.files);
    const isStill = found === last;
    last = found;
    if (found !== tried && isStill) {
      tried = found; // asked for once: another reload may be under way for long
      void reload().catch(() => {}); // it is told as an event
    }
    cancel = clock.after(lookEveryMs, look);
  }

  const reload = () => oneAtATime(once);

  async function once(): Promise<Reloaded> {
    tried = stampOf(current.files);
    try {
      const loaded = await load();
      const stamp = stampOf(loaded.files); // what changes while it is applied is for the next look
      const { lines } = differences(current.listing, loaded.listing);
      await apply(loaded);
      current = loaded;
      tried = stamp;
      const needsRestart = differences(atStart, ofProcess(loaded)).keys;
      observe({ type: "config.reloaded", changed: lines, needsRestart });
      for (const message of loaded.warnings) observe({ type: "config.warning", message });
      return { changed: lines, needsRestart };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      observe({ type: "config.reload_failed", message });
      throw error;
    }
  }

  return {
    get current() {
      return current;
    },
    reload,
    close: () => cancel(),
  };
}

/** What is the same in all connections, and counts from the start to the end. */
function ofProcess({ first }: LoadedConnections): readonly Listed[] {
  return listing(first).filter(({ key }) => processKeys.has(key));
}

/** Another one when one of the files is another, or is there no more. */
function stampOf(files: readonly string[]): string {
  return files.map((file) => {
    try {
      const { mtimeMs, size, ino } = statSync(file);
      return `${mtimeMs} ${size} ${ino}`;
    } catch {
      return "-";
    }
  }).join("\n");
}
