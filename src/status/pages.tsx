/** @jsxImportSource hono/jsx */
import { type Context, Hono } from "hono";
import type { Clock } from "../async/clock.ts";
import { within } from "../async/within.ts";
import { JournalUnavailable } from "../flow.ts";
import { assets } from "../page/assets.ts";
import { gate, type GateOptions } from "../page/gate.tsx";
import { Layout, page } from "../page/layout.tsx";
import { createLive } from "../page/live.ts";
import { Account } from "../page/parts.tsx";
import { failed } from "./failed.ts";
import { MessageList, messagePath, MessageRow } from "./message_list.tsx";
import { type Kept, MessagePage } from "./message_page.tsx";
import { Overview, overviewSections } from "./overview.tsx";
import type { PageSource } from "./page_source.ts";
import { readJournal } from "./read_journal.ts";

/** How long a replay may keep the browser waiting; it goes on by itself. */
const replayWaitMs = 3_000;

/** What a form came to, by what stands in the address afterwards. */
const notices: Readonly<Record<string, string>> = {
  paused: "Paused: nothing more is taken from the relay.",
  resumed: "Resumed.",
  delivered: "Replayed: it is delivered.",
  failed: "Replayed: it could not be delivered, and is still kept.",
  going: "The replay goes on.",
  under_way: "It is being replayed already.",
  gone: "There is no such dead letter any more.",
};

export interface Pages {
  readonly routes: Hono;
  /** Ends the streams to pages that are open. */
  close(): void;
}

/** The page of a connector: overview, messages, what keeps them up to date, and the forms on them. */
export function connectorPages(
  source: PageSource,
  { clock, ...access }: GateOptions & { readonly clock: Clock },
): Pages {
  const app = new Hono();
  const guard = gate({ clock, ...access });
  const isIn = (c: Context) => guard.standing(c) === "in";
  const live = createLive({
    sections: (mayAct) => overviewSections(source, mayAct),
    rows(since) {
      const messages = source.recent.messages();
      const version = Math.max(0, ...messages.map((message) => message.version));
      const rows = messages.filter((message) => message.version > since)
        .reverse()
        .map((message) => ({
          id: message.messageId,
          html: String(<MessageRow message={message} />),
        }));
      return { version, rows };
    },
  }, clock);

  app.route("/assets", assets);
  app.route("/-", guard.routes);

  app.get("/", (c) => {
    const mayAct = isIn(c);
    return shown(c, {
      title: "Overview",
      follows: live.run(mayAct),
      content: (
        <>
          <Overview source={source} mayAct={mayAct} />
          <MessageList messages={source.recent.messages()} />
        </>
      ),
    });
  });
  app.get("/messages/:id", (c) => {
    const messageId = c.req.param("id");
    const message = source.recent.message(messageId);
    const mayAct = isIn(c);
    const kept = keptOf(messageId);
    if (!message && kept.letters.length === 0 && kept.problem === undefined) {
      const content = (
        <>
          <h1>No such message</h1>
          <p>
            The last 200 are shown on the <a href="/">overview</a>.
          </p>
        </>
      );
      return shown(c, { title: "No such message", content }, 404);
    }
    const exchanges = !source.exchanges ? "off" : mayAct ? source.exchanges.of(messageId) : "out";
    const content = (
      <MessagePage
        messageId={messageId}
        message={message}
        {...kept}
        mayAct={mayAct}
        exchanges={exchanges}
      />
    );
    return shown(c, { title: messageId, path: messagePath(messageId), content });
  });
  app.get("/live", (c) => live.answer(c, { mayAct: () => isIn(c) }));

  app.use("/-/form/*", async (c, next) => guard.refusal(c) ?? await next());
  app.post("/-/form/pause", (c) => {
    source.control.pause();
    return c.redirect("/?did=paused", 303);
  });
  app.post("/-/form/resume", (c) => {
    source.control.resume();
    return c.redirect("/?did=resumed", 303);
  });
  app.post("/-/form/replay/:id", async (c) => {
    const messageId = c.req.param("id");
    const did = await within(replayWaitMs, replay(messageId), "going", clock);
    return c.redirect(`${messagePath(messageId)}?did=${did}`, 303);
  });
  app.onError((error, c) => {
    if (!(error instanceof JournalUnavailable)) return failed(error, c);
    const content = (
      <>
        <h1>Not done, or not all of it</h1>
        <p class="problem">{error.message}</p>
        <p>
          What was being replayed may be delivered, and is still kept: see the{" "}
          <a href="/">overview</a>.
        </p>
      </>
    );
    return shown(c, { title: "The journal is not available", content }, 503);
  });
  return { routes: app, close: () => live.close() };

  function keptOf(messageId: string): Kept {
    const { letters, isReplayable } = source.control;
    const kept = readJournal(() => ({
      letters: letters.of(messageId),
      isReplayable: isReplayable(messageId),
    }));
    if (!(kept instanceof JournalUnavailable)) return kept;
    return { letters: [], isReplayable: false, problem: kept.message };
  }

  async function replay(messageId: string): Promise<string> {
    const results = await source.control.replay(messageId);
    if (!results) return "gone";
    if (results === "under_way") return results;
    return results.every(({ outcome }) => outcome.kind === "delivered") ? "delivered" : "failed";
  }

  function shown(
    c: Context,
    { title, path = "/", follows, content }: {
      readonly title: string;
      readonly path?: string;
      readonly follows?: string;
      readonly content: ReturnType<typeof Overview>;
    },
    status: 200 | 404 | 503 = 200,
  ): Response {
    const notice = notices[c.req.query("did") ?? ""];
    return page(
      c,
      <Layout
        title={title}
        live={follows}
        subtitle={source.subtitle}
        account={<Account standing={guard.standing(c)} open={access.open ?? false} path={path} />}
      >
        <main id="main" tabindex={-1}>
          {notice !== undefined && <p class="notice" role="status">{notice}</p>}
          {content}
        </main>
      </Layout>,
      status,
    );
  }
}
