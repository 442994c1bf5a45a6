import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import type { Clock } from "../async/clock.ts";
import { Unread } from "../async/unread.ts";
import { encodeSseEvent, eventStreamHeaders } from "../protocol/sse_encoder.ts";

/** What a page that is open is told. */
export interface LiveSource {
  /** Parts of the page by name, as they are now; with `mayAct` those too that not everybody sees. */
  sections(mayAct: boolean): Readonly<Record<string, string>>;
  /**
   * Brings what they show up to date. It is begun every second while somebody looks, once at a time, and shows in the
   * next state: a page does not wait for it.
   */
  refresh?(): Promise<unknown>;
  /** Rows that changed since that version, the oldest first, and the version now. */
  rows?(since: number): { readonly version: number; readonly rows: readonly LiveRow[] };
}

export interface LiveRow {
  readonly id: string;
  readonly html: string;
}

/** What whoever looks may do; asked each time, as a sign-in ends. */
export interface Rights {
  /** Unless given: nothing but look. */
  mayAct?(): boolean;
  /** Unless given: everybody. Who may not any more is told nothing more: the stream ends. */
  mayLook?(): boolean;
}

export interface Live {
  /** Of this run of the process and of who looks: a page that was made in another run, or for others, begins anew. */
  run(mayAct: boolean): string;
  /**
   * An event stream: `state` every second, `message` for each row that changed since the version that the page shows.
   * Undefined when there are too many.
   */
  open(since: number, rights?: Rights): Response | undefined;
  /** To a request for it: the stream since the `since` of its query, or 503. */
  answer(c: Context, rights?: Rights): Response;
  readonly viewers: number;
  /** Ends all of them. */
  close(): void;
}

export const maxViewers = 16;
const everyMs = 1_000;
/** What a viewer may leave unread before it is dropped. */
const maxUnreadBytes = 1_048_576;
const headers = { ...eventStreamHeaders, "X-Content-Type-Options": "nosniff" };

/** Pages that follow what happens. While there are none it does nothing. */
export function createLive(source: LiveSource, clock: Clock): Live {
  const viewers = new Map<Unread, Rights>();
  const runs = { in: randomUUID(), out: randomUUID() };
  let version = 0;
  let cancel = () => {};
  let isClosed = false;
  let refreshing: Promise<unknown> | undefined;

  const run = (mayAct: boolean) => mayAct ? runs.in : runs.out;

  const state = (mayAct: boolean) => {
    const data = { run: run(mayAct), sections: source.sections(mayAct) };
    return encodeSseEvent({ event: "state", data: JSON.stringify(data) });
  };

  function refresh(): void {
    refreshing ??= source.refresh?.().finally(() => refreshing = undefined);
  }

  const messages = (since: number) => {
    const changed = source.rows?.(since) ?? { version: 0, rows: [] };
    const events = changed.rows.map((row) =>
      encodeSseEvent({ event: "message", data: JSON.stringify(row) })
    );
    return { version: changed.version, text: events.join("") };
  };

  function tick(): void {
    refresh();
    const news = messages(version);
    version = news.version;
    /** Drawn once for all who see the same. */
    const states = new Map<boolean, string>();
    for (const [viewer, rights] of viewers) {
      // A tab that sleeps must not fill this process.
      const isAsleep = viewer.bytes >= maxUnreadBytes;
      if (isAsleep || rights.mayLook?.() === false) {
        leave(viewer);
        viewer.drop();
        continue;
      }
      const mayAct = rights.mayAct?.() ?? false;
      const text = states.get(mayAct) ?? state(mayAct);
      states.set(mayAct, text);
      viewer.put(text + news.text);
    }
    if (viewers.size > 0) cancel = clock.after(everyMs, tick);
  }

  function leave(viewer: Unread): void {
    viewers.delete(viewer);
    if (viewers.size === 0) cancel();
  }

  function open(since: number, rights: Rights = {}): Response | undefined {
    if (isClosed || viewers.size >= maxViewers) return undefined;
    const missed = messages(since);
    if (viewers.size === 0) {
      version = missed.version;
      cancel = clock.after(everyMs, tick);
    }
    const viewer = new Unread({ onRead() {}, onGone: () => leave(viewer) });
    viewers.set(viewer, rights);
    refresh();
    viewer.put(state(rights.mayAct?.() ?? false) + missed.text);
    return new Response(viewer.body, { headers });
  }

  return {
    run,
    open,
    answer(c, rights) {
      // Hono hands HEAD to GET's route, and nobody would read what it was given.
      if (c.req.method === "HEAD") return c.body(null, 200, headers);
      return open(Number(c.req.query("since")) || 0, rights) ??
        c.json({ detail: "too many pages are open" }, 503);
    },
    get viewers() {
      return viewers.size;
    },
    close() {
      isClosed = true;
      cancel();
      for (const viewer of viewers.keys()) viewer.end();
      viewers.clear();
    },
  };
}
