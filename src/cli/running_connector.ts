import type { Settings } from "../config/settings.ts";
import type { Lifetime } from "../flow.ts";
import type { Pause } from "../source/pause.ts";
import type { Watched } from "./watch_connector.ts";

/** A connector that outlives its settings. */
export interface RunningConnector extends Watched {
  readonly settings: Settings;
  /** True while one connector ends and another takes its place: the process goes on. */
  readonly isChanging: boolean;
  /**
   * Goes on with other settings, where it must with another connector, once the first has finished what is in hand.
   * Rejects when that one cannot be made; the settings from before count then.
   */
  apply(settings: Settings): Promise<void>;
  /** Until `life` ends; rejects as a connector does. */
  run(life: Lifetime): ReturnType<Watched["connector"]["run"]>;
  /** Closes the journal and the pause. */
  close(): void;
}

interface Change {
  readonly settings: Settings;
  readonly done: PromiseWithResolvers<void>;
}

/** `make` opens the journal and puts the connector together, with this pause: it goes on in the next connector. */
export function runningConnector(
  first: Settings,
  pause: Pause,
  make: (settings: Settings) => Watched,
): RunningConnector {
  let settings = first;
  let current = make(first);
  let change: Change | undefined;
  let replace = new AbortController();

  return {
    get connector() {
      return current.connector;
    },
    get journal() {
      return current.journal;
    },
    get settings() {
      return settings;
    },
    get isChanging() {
      return change !== undefined;
    },
    apply(next) {
      if (current.connector.apply(next)) {
        settings = next;
        return Promise.resolve();
      }
      // What is in hand may be told to the relay with the new token alone.
      if (isSameChannel(settings, next)) current.connector.apply(withToken(settings, next));
      change = { settings: next, done: Promise.withResolvers() };
      replace.abort();
      return change.done.promise;
    },
    async run(life) {
      for (;;) {
        replace = new AbortController();
        if (change) replace.abort(); // asked for before it ran
        const drain = AbortSignal.any([life.drain, replace.signal]);
        const result = await current.connector.run({ drain, abort: life.abort });
        if (!change) return result;
        if (life.drain.aborted) {
          change.done.reject(new Error("the connector is stopping"));
          return result;
        }
        take(change);
        change = undefined;
      }
    },
    close() {
      pause.close();
      current.journal.open.close();
    },
  };

  function take({ settings: next, done }: Change): void {
    current.journal.open.close();
    try {
      current = make(next);
      settings = next;
      done.resolve();
    } catch (error) {
      current = make(settings);
      done.reject(error);
    }
  }
}

function isSameChannel({ source: before }: Settings, { source: after }: Settings): boolean {
  return before.url.href === after.url.href && before.channel === after.channel;
}

function withToken(settings: Settings, { source: { token } }: Settings): Settings {
  return { ...settings, source: { ...settings.source, token } };
}
