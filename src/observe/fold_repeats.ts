import type { Clock } from "../async/clock.ts";
import type { LogLevel } from "../config/settings.ts";

/** How long events of one kind are counted before one of them is passed on. */
const windowMs = 10_000;

interface Window<Event> {
  last: Event;
  count: number;
  cancel: () => void;
}

/**
 * Passes on the first warning or error of a kind; those of the same kind that follow are counted, and every ten
 * seconds the last of them is passed on with their number. Info and debug go through as they come.
 */
export function foldRepeats<Event extends { readonly type: string }>(
  levelOf: (event: Event) => LogLevel,
  clock: Clock,
  pass: (event: Event, level: LogLevel, repeated?: number) => void,
): { observe(event: Event): void; close(): void } {
  const windows = new Map<string, Window<Event>>();
  let isClosed = false;

  function observe(event: Event): void {
    const level = levelOf(event);
    if (isClosed || level === "info" || level === "debug") return pass(event, level);
    const kind = kindOf(event);
    const open = windows.get(kind);
    if (open) {
      open.last = event;
      open.count++;
      return;
    }
    pass(event, level);
    begin(kind, event);
  }

  function begin(kind: string, last: Event): void {
    const cancel = clock.after(windowMs, () => {
      const { last, count } = windows.get(kind) ?? { last: undefined, count: 0 };
      windows.delete(kind);
      if (last === undefined || count === 0) return;
      begin(kind, last);
      pass(last, levelOf(last), count);
    });
    windows.set(kind, { last, count: 0, cancel });
  }

  return {
    observe,
    /** Passes on what was counted and waits; from now on nothing is held up. */
    close() {
      isClosed = true;
      for (const { last, count, cancel } of windows.values()) {
        cancel();
        if (count > 0) pass(last, levelOf(last), count);
      }
      windows.clear();
    },
  };
}

/** What events of one kind have in common, where they have it. None of it is a message's own. */
const kindFields = ["channel", "target", "transport", "state", "outcome", "kind"];

function kindOf(event: { readonly type: string }): string {
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
