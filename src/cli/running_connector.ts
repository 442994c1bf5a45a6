import type { Settings } from "../config/settings.ts";
import type { Lifetime } from "../flow.ts";
import type { Pause } from "../source/pause.ts";
import type { Watched } from "./watch_connector.ts";

/** A connector that outlives its settings. */
export interface RunningConnector extends Watched {
  readonly settings: Settings;
  /**
   * Goes on with other settings, where it must with another connector, once the first has finished what is in hand.
   * Rejects when that one cannot be made, or all is over before; the settings from before count then.
   */
  apply(settings: Settings): Promise<void>;
  /** Until `life` ends; rejects as a connector does. */
  run(life: Lifetime): ReturnType<Watched["connector"]["run"]>;
  /** Closes the journal and the pause. */
  close(): void;
}

const stopping = "the connector is stopping";

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
  let isOver = false;

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
    apply(next) {
      if (current.connector.apply(next)) {
        settings = next;
        return Promise.resolve();
      }
      if (isOver) return Promise.reject(new Error(stopping));
      // What is in hand may be told to the relay with the new token alone.
      if (isSameChannel(settings, next)) current.connector.apply(withToken(settings, next));
      change = { settings: next, done: Promise.withResolvers() };
      replace.abort();
      return change.done.promise;
    },
    async run(life) {
      try {
        for (;;) {
          replace = new AbortController();
          if (change) replace.abort(); // asked for before it ran
          const result = await current.connector.run(life, replace.signal);
          if (!change || life.drain.aborted) return result;
          take(change);
          change = undefined;
        }
      } finally {
        isOver = true;
        change?.done.reject(new Error(stopping));
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
