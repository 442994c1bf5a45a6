/** The status server's routes that change or show what not everybody may: pause, resume, dead letters. */
import { type Context, Hono } from "hono";
import { decimal } from "../config/decimal.ts";
import { type DeadLetter, JournalUnavailable, type LetterSummary, type Outcome } from "../flow.ts";
import { sameText } from "../protocol/signatures.ts";
import { type DeadLetterText, deadLetterText } from "./dead_letter_text.ts";
import { failed } from "./failed.ts";
import { readJournal } from "./read_journal.ts";

/** What can be done to a running connector. */
export interface Control {
  pause(forMs?: number): void;
  resume(): void;
  readonly letters: {
    list(limit: number): readonly LetterSummary[];
    of(messageId: string): readonly (DeadLetter & { readonly at: number })[];
    ids(): readonly string[];
    drop(messageId: string): Promise<number>;
  };
  isReplayable(messageId: string): boolean;
  replay(messageId: string): Promise<
    readonly { readonly target: string; readonly outcome: Outcome }[] | "under_way" | undefined
  >;
}

/** Reads the settings again; rejects with what is wrong with them, and nothing is changed. */
export type Reload = () => Promise<{
  readonly changed: readonly string[];
  readonly needsRestart: readonly string[];
}>;

/** Dead letters listed at a time. */
export const maxListed = 10_000;
const maxPauseSeconds = 30 * 24 * 3_600;

/**
 * Routes below `/-/`, for `Authorization: Bearer <token>`; other requests get 401. Without a token they are off:
 * 403. Answers are JSON; an error is `{"detail"}`.
 */
export function controlRoutes(
  control: Control,
  tokenNow: () => string | undefined,
  reload?: Reload,
): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    const token = tokenNow();
    if (token === undefined) return c.json({ detail: "off: set status_token" }, 403);
    const given = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
    if (given === undefined || !sameText(given, token)) {
      return c.json({ detail: "give the status token as Authorization: Bearer" }, 401);
    }
    await next();
  });
  app.post("/pause", (c) => {
    const given = c.req.query("for_seconds");
    const seconds = given === undefined ? undefined : decimal(given) ?? NaN;
    if (seconds !== undefined && !(seconds > 0 && seconds <= maxPauseSeconds)) {
      const detail = `for_seconds ${JSON.stringify(given)}: use a number up to ${maxPauseSeconds}`;
      return c.json({ detail }, 422);
    }
    control.pause(seconds === undefined ? undefined : seconds * 1000);
    return c.json({ paused: true, for_seconds: seconds ?? null });
  });
  app.post("/resume", (c) => {
    control.resume();
    return c.json({ paused: false });
  });
  if (reload) {
    app.post("/reload", async (c) => {
      try {
        const { changed, needsRestart } = await reload();
        return c.json({ changed, needs_restart: needsRestart });
      } catch (error) {
        return c.json({ detail: error instanceof Error ? error.message : String(error) }, 422);
      }
    });
  }
  app.get("/dead-letters", (c) => {
    const given = c.req.query("limit") ?? "100";
    const limit = decimal(given) ?? NaN;
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= maxListed)) {
      const detail = `limit ${JSON.stringify(given)}: use a whole number from 1 to ${maxListed}`;
      return c.json({ detail }, 422);
    }
    return c.json({ dead_letters: control.letters.list(limit).map(summaryText) });
  });
  app.get("/dead-letter-ids", (c) => c.json({ message_ids: control.letters.ids() }));
  app.get("/dead-letters/export", () => exported(control));
  app.get("/dead-letters/:id", (c) => {
    const letters = textsOf(control, c.req.param("id"));
    return letters.length === 0 ? unknown(c) : c.json({ dead_letters: letters });
  });
  app.delete("/dead-letters/:id", async (c) => {
    const dropped = await control.letters.drop(c.req.param("id"));
    return dropped === 0 ? unknown(c) : c.json({ dropped });
  });
  app.post("/dead-letters/:id/replay", (c) => {
    const messageId = c.req.param("id");
    return control.letters.of(messageId).length === 0 ? unknown(c) : replayed(c, messageId);
  });
  app.post("/messages/:id/replay", (c) => replayed(c, c.req.param("id")));
  app.onError(failed);
  return app;

  async function replayed(c: Context, messageId: string) {
    const results = await control.replay(messageId);
    if (!results) {
      return c.json({ detail: "it is no dead letter, and the message is not kept" }, 404);
    }
    if (results === "under_way") return c.json({ detail: "it is being replayed already" }, 409);
    return c.json({
      results: results.map(({ target, outcome }) => ({
        target,
        outcome: outcome.kind,
        ...(outcome.kind !== "delivered" && { reason: outcome.reason.message }),
      })),
    });
  }
}

/** One JSON object a line, read letter by letter; `{"detail", "message_id"}` for what cannot be read. */
function exported(control: Control): Response {
  const ids = control.letters.ids().values();
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { value: id, done } = ids.next();
      if (done) return controller.close();
      const lines = readable(control, id).map((letter) => `${JSON.stringify(letter)}\n`);
      controller.enqueue(encoder.encode(lines.join("")));
    },
  });
  return new Response(body, { headers: { "Content-Type": "application/x-ndjson" } });
}

function readable(control: Control, messageId: string): readonly object[] {
  const letters = readJournal(() => textsOf(control, messageId));
  return letters instanceof JournalUnavailable
    ? [{ detail: letters.message, message_id: messageId }]
    : letters;
}

function textsOf(control: Control, messageId: string): DeadLetterText[] {
  return control.letters.of(messageId).map((letter) => deadLetterText(letter, letter.at));
}

function summaryText({ messageId, webhookId, target, at, attempts, reason, bytes }: LetterSummary) {
  return {
    message_id: messageId,
    webhook_id: webhookId,
    target,
    at: new Date(at).toISOString(),
    attempts,
    reason,
    bytes,
  };
}

function unknown(c: Context) {
  return c.json({ detail: "there is no such dead letter" }, 404);
}
