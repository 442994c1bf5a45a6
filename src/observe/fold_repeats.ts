import type { Clock } from "../async/clock.ts";
import type { LogLevel } from "../config/settings.ts";

/** How long events of one kind are counted before one of them is passed on. */
const windowMs = 10_000;

interface Window<Event> {
  last: Event;
  level: LogLevel;
  /** When the last one happened. */
  at: number;
  count: number;
  cancel: () => void;
}

/**
 * Passes on the first warning or error of a kind; those of the same kind that follow are counted, and every ten
 * seconds the last of them is passed on with its time and their number: sooner where their subject has other news,
 * which comes after them then. Info and debug go through as they come.
 */
export function foldRepeats<Event extends { readonly type: string }>(
  clock: Clock,
  pass: (event: Event, level: LogLevel, at: number, repeated?: number) => void,
): { observe(event: Event, level: LogLevel): void; close(): void } {
  const windows = new Map<string, Window<Event>>();
  let isClosed = false;

  function observe(event: Event, level: LogLevel): void {
    const at = clock.now();
    if (isClosed || level === "info" || level === "debug") {
      if (level === "info" && windows.size > 0) {
        const isOver = overWith(event);
        if (isOver) end(({ last }) => isOver(last));
      }
      return pass(event, level, at);
    }
    const kind = kindOf(event);
    const open = windows.get(kind);
    if (open) {
      open.last = event;
      open.level = level;
      open.at = at;
      open.count++;
      return;
    }
    pass(event, level, at);
    begin(kind, { last: event, level, at });
  }

  function begin(kind: string, told: Pick<Window<Event>, "last" | "level" | "at">): void {
    const cancel = clock.after(windowMs, () => {
      const window = windows.get(kind);
      windows.delete(kind);
      if (!window || window.count === 0) return;
      tell(window);
      begin(kind, window);
    });
    windows.set(kind, { ...told, count: 0, cancel });
  }

  function end(isOver: (window: Window<Event>) => boolean): void {
    const over = [...windows].filter(([, window]) => isOver(window));
    for (const [kind, { cancel }] of over) {
      cancel();
      windows.delete(kind);
    }
    over.map(([, window]) => window).sort((a, b) => a.at - b.at).forEach(tell);
  }

  function tell({ last, level, at, count }: Window<Event>): void {
    if (count > 0) pass(last, level, at, count);
  }

  return {
    observe,
    /** Passes on what was counted and waits; from now on nothing is held up. */
    close() {
      isClosed = true;
      end(() => true);
    },
  };
}

interface Told {
  readonly type: string;
  readonly connection?: unknown;
}

/** What is over with an event: what was told of the same subject, or all of its connection; undefined = nothing. */
function overWith(event: Told): ((other: Told) => boolean) | undefined {
  // That a webhook was delivered says nothing of those that were not: under load both come all the time.
  if (event.type.startsWith("delivery.")) return undefined;
  if (event.type === "connector.stopped") return (other) => other.connection === event.connection;
  const subject = subjectOf(event);
  return (other) => subjectOf(other) === subject;
}

/** What a state is of: the stream of a connection, the breaker of a target. */
const subjectFields = ["connection", "channel", "target"];

function subjectOf(event: Told): string {
  const fields = new Map<string, unknown>(Object.entries(event));
  const [what] = event.type.split(".", 1);
  return JSON.stringify([what, ...subjectFields.map((name) => fields.get(name))]);
}

/** What events of one kind have in common, where they have it. None of it is a message's own. */
const kindFields = [...subjectFields, "transport", "state", "outcome", "kind"];

function kindOf(event: Told): string {
  const fields = new Map<string, unknown>(Object.entries(event));
  const { reason, failureClass, message } = Object.fromEntries(fields);
  return JSON.stringify([
    event.type,
    ...kindFields.map((name) => fields.get(name)),
    codeOf(reason) ?? failureClass ?? message,
  ]);
}

/** `reason` is a code with a text for people, or a code, or a text. */
function codeOf(reason: unknown): unknown {
  if (typeof reason === "object" && reason !== null && "code" in reason) return reason.code;
  return typeof reason === "string" && /^[a-z_]+$/.test(reason) ? reason : undefined;
}
