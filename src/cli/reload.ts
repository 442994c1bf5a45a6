import type { Clock } from "../async/clock.ts";
import { inTurn } from "../async/in_turn.ts";
import { ConfigError } from "../config/config_error.ts";
import { differences, type Listed, listing } from "../config/listing.ts";
import type { LoadedConnections } from "../config/load_connections.ts";
import { processKeys } from "../config/options.ts";
import type { Observe } from "../observe/events.ts";
import { areSame, type Stamps, stampsOf } from "./stamps.ts";

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
  { first, stamps, load, apply, observe, clock }: {
    readonly first: LoadedConnections;
    /** Of its files, from when they were read. */
    readonly stamps: Stamps;
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
  /** How the files were when they were read: those of what counts, and of settings that were refused since. */
  let tried = stamps;
  let last = tried;
  let cancel = clock.after(lookEveryMs, look);

  function look(): void {
    const found = stampsOf(tried.keys());
    const isStill = areSame(found, last);
    last = found;
    if (!areSame(found, tried) && isStill) {
      tried = found; // asked for once: another reload may be under way for long
      void reload().catch(() => {}); // it is told as an event
    }
    cancel = clock.after(lookEveryMs, look);
  }

  const reload = () => oneAtATime(once);

  async function once(): Promise<Reloaded> {
    const before = tried = stampsOf(tried.keys()); // what changes while it is read is for the next look
    try {
      const loaded = await load();
      tried = new Map([...stampsOf(loaded.files), ...before]);
      const { lines } = differences(current.listing, loaded.listing);
      await apply(loaded);
      current = loaded;
      tried = new Map([...tried].filter(([file]) => loaded.files.includes(file)));
      const needsRestart = differences(atStart, ofProcess(loaded)).keys;
      observe({ type: "config.reloaded", changed: lines, needsRestart });
      for (const message of loaded.warnings) observe({ type: "config.warning", message });
      return { changed: lines, needsRestart };
    } catch (error) {
      if (error instanceof ConfigError) tried = new Map([...stampsOf(error.files), ...tried]);
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
