/**
 * The page in a real browser: Debian's Chromium. On Deno alone: what is tested is the page, and tests/status asks the
 * same server on both runtimes.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { startProgram } from "../support/program.ts";
import { startChromium } from "../support/chromium.ts";
import { type Relay, type RelayOptions } from "../../src/relay/relay.ts";
import { publish, settings, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { startWatchedConnector } from "../support/watched_connector.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Look {
  readonly url: string;
  readonly relay: Relay;
  readonly browser: Browser;
  readonly answer: { status: number };
  /** A page that fails the test when its console has an error. */
  open(path: string, options?: Parameters<Browser["newContext"]>[0]): Promise<Page>;
}

async function start(
  t: TestContext,
  { status = 200, options = {} }: { status?: number; options?: Partial<RelayOptions> } = {},
): Promise<Look> {
  const browser = await startChromium(t);
  const answer = { status };
  const target = await startTarget(t, () => answer.status);
  const relay = await startDevRelay(t, {}, options);
  const given = settings(relay.url, target.url, "websocket", {
    inspect: true,
    on_exhausted: "dead_letter",
  });
  const { url } = await startWatchedConnector(t, given, { token: "t0ken" });
  const errors: string[] = [];
  const contexts: BrowserContext[] = [];
  t.defer(async () => {
    // Before the server: a page whose stream breaks off has an error to tell.
    for (const context of contexts) await context.close();
    assert.deepEqual(errors, []);
  });
  return {
    ...{ url, relay, browser, answer },
    async open(path, options = {}) {
      const context = await browser.newContext(options);
      contexts.push(context);
      const page = await context.newPage();
      page.setDefaultTimeout(15_000);
      page.on("console", (message) => {
        // A wrong token is answered with 401, which the browser tells like a picture that is missing.
        if (message.type() === "error" && !/ 401 /.test(message.text())) {
          errors.push(message.text());
        }
      });
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("request", (request) => {
        const here = [url, relay.url, "data:"].some((one) => request.url().startsWith(one));
        if (!here) errors.push(`asked for ${request.url()}`);
      });
      await page.goto(path.startsWith("http") ? path : url + path);
      return page;
    },
  };
}

async function signIn(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Sign in" }).first().click();
  await page.getByLabel("Token").fill("t0ken");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  await page.waitForLoadState();
}

/** What axe finds wrong, as "rule: element". */
async function wrongs(page: Page): Promise<string[]> {
  // As evaluated code: the page's policy lets no script of ours in.
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    return (await axe.run()).violations;
  });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** How much wider the page is than the window. */
const pixels = (page: Page) =>
  page.evaluate<number>(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );

test("the page shows what happens while it happens: messages, numbers, charts, the state", async (t) => {
  const { open, relay, answer, url } = await start(t);
  const page = await open("/");
  await page.getByRole("heading", { name: "Connected" }).waitFor();
  await page.locator("#live[data-state=on]").waitFor();
  await page.getByText("No message has come yet.").waitFor();
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push(await publish(relay, `message ${i}`));
  for (const id of ids) {
    await page.locator(`#m-${id}`, { hasText: "delivered" }).waitFor();
  }
  assert.equal(await page.locator("#messages tr").count(), 5);
  assert.equal(await page.locator("#messages tr").first().getAttribute("id"), `m-${ids.at(-1)}`);
  await page.locator("#facts", { hasText: "5 received" }).waitFor();
  await page.locator("#throughput .bars.good[d^=M]").waitFor({ state: "attached" });
  await page.locator("#latency .dots[d^=M]").waitFor({ state: "attached" });
  answer.status = 422;
  const refused = await publish(relay, "refused");
  await page.locator(`#m-${refused}`, { hasText: "rejected" }).waitFor();
  assert.equal(await page.getByText("No message has come yet.").count(), 0);
  // Somebody else pauses it.
  await fetch(`${url}/-/pause`, { method: "POST", headers: { Authorization: "Bearer t0ken" } })
    .then((response) => response.body?.cancel());
  await page.getByRole("heading", { name: "Paused" }).waitFor();
});

test("a person signs in with the token, sees a message inside, and replays a dead letter by a click", async (t) => {
  const { open, relay, answer } = await start(t, { status: 422 });
  const page = await open("/");
  const id = await publish(relay, '{"hello":"there"}');
  await page.locator(`#m-${id}`, { hasText: "rejected" }).waitFor();
  assert.equal(await page.getByRole("button", { name: /Replay/ }).count(), 0);
  await page.getByRole("link", { name: id }).first().click();
  await page.getByText("Requests and responses are kept.").waitFor();
  await signIn(page);
  // Back where it was wanted.
  await page.getByRole("heading", { name: id }).waitFor();
  await page.getByRole("heading", { name: "As received" }).waitFor();
  await page.getByText('{"hello":"there"}').first().waitFor();
  await page.locator(".time-line", { hasText: "422" }).waitFor();
  answer.status = 200;
  await page.getByRole("button", { name: "Replay" }).click();
  await page.getByText("Replayed: it is delivered.").waitFor();
  await page.locator(".lead", { hasText: "delivered" }).waitFor();
  // It is kept, and may be sent once more; among the dead letters it is no longer.
  assert.equal(await page.getByRole("button", { name: "Replay" }).count(), 1);
  await page.getByRole("link", { name: "Overview" }).click();
  await page.getByRole("heading", { name: "Messages" }).waitFor();
  assert.equal(await page.getByRole("button", { name: /Replay/ }).count(), 0);
});

test("dead letters come and go on a page that is open, for as long as its reader is signed in", async (t) => {
  const { open, relay, url } = await start(t, { status: 422 });
  const page = await open("/");
  await signIn(page);
  await page.locator("#live[data-state=on]").waitFor();
  const panel = page.getByRole("heading", { name: "Dead letters" });
  assert.equal(await panel.count(), 0);
  const button = (id: string) => page.getByRole("button", { name: `Replay ${id}` });
  const first = await publish(relay, "first");
  await button(first).waitFor();
  await button(first).focus();
  const second = await publish(relay, "second");
  await button(second).waitFor();
  await page.locator("button:focus", { hasText: first }).waitFor();
  assert.match(await page.locator("#letters time").first().innerText(), /^\d\d:\d\d:\d\d$/);
  // Somebody else drops them.
  for (const id of [second, first]) {
    await fetch(`${url}/-/dead-letters/${id}`, {
      method: "DELETE",
      headers: { Authorization: "Bearer t0ken" },
    }).then((response) => response.body?.cancel());
    await button(id).waitFor({ state: "detached" });
  }
  assert.equal(await panel.count(), 0);
  await publish(relay, "third");
  await panel.waitFor();
  const other = await page.context().newPage();
  await other.goto(url);
  await other.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).waitFor();
  assert.equal(await panel.count(), 0);
});

test("pause and resume by keyboard alone; the skip link leads to the content", async (t) => {
  const { open } = await start(t);
  const page = await open("/");
  await page.keyboard.press("Tab");
  await page.locator(":focus", { hasText: "Skip to the content" }).waitFor();
  await page.keyboard.press("Enter");
  await page.locator("#main:focus").waitFor();
  await signIn(page);
  await page.getByRole("button", { name: "Pause" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("Paused: nothing more is taken from the relay.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Pause" }).count(), 0);
  await page.reload();
  await page.getByRole("heading", { name: "Paused" }).waitFor();
  assert.equal(await page.locator(".notice").count(), 0);
  await page.getByRole("button", { name: "Resume" }).press("Enter");
  await page.getByText("Resumed.").waitFor();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing wrong with any of the pages: ${colorScheme}`, async (t) => {
    const { open, relay, answer } = await start(t);
    const page = await open("/", { colorScheme });
    await page.locator(`#m-${await publish(relay, "fine")}`, { hasText: "delivered" }).waitFor();
    answer.status = 503;
    const bad = await publish(relay, "bad");
    await page.locator(`#m-${bad}`, { hasText: "exhausted" }).waitFor();
    answer.status = 422;
    const dead = await publish(relay, "dead");
    await page.locator(`#m-${dead}`, { hasText: "rejected" }).waitFor();
    assert.deepEqual(await wrongs(page), []);
    await page.getByRole("link", { name: "Sign in" }).click();
    assert.deepEqual(await wrongs(page), []);
    await page.getByLabel("Token").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByText("That is not the token.").waitFor();
    assert.deepEqual(await wrongs(page), []);
    await page.getByLabel("Token").fill("t0ken");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: `Replay ${dead}` }).waitFor();
    assert.deepEqual(await wrongs(page), []);
    await page.goto(new URL(`/messages/${bad}`, page.url()).href);
    assert.deepEqual(await wrongs(page), []);
    const other = await open(`${relay.url}/`, { colorScheme });
    await other.getByRole("heading", { name: "Takes webhooks" }).waitFor();
    assert.deepEqual(await wrongs(other), []);
  });
}

for (const width of [390, 360]) {
  test(`on a phone ${width} pixels wide nothing has to be scrolled sideways`, async (t) => {
    const { open, relay, answer } = await start(t);
    const page = await open("/", { viewport: { width, height: 800 } });
    answer.status = 422;
    const dead = await publish(relay, "x".repeat(300));
    await page.locator(`#m-${dead}`, { hasText: "rejected" }).waitFor();
    assert.equal(await pixels(page), 0);
    await signIn(page);
    assert.equal(await pixels(page), 0);
    await page.getByRole("link", { name: dead }).first().click();
    await page.getByRole("heading", { name: "As received" }).waitFor();
    assert.equal(await pixels(page), 0);
    const boxes = page.locator(".table-box");
    for (let i = 0; i < await boxes.count(); i++) {
      const over = await boxes.nth(i).evaluate((box) => box.scrollWidth - box.clientWidth);
      assert.equal(over, 0);
    }
    const other = await open(`${relay.url}/`, { viewport: { width, height: 800 } });
    await other.getByRole("heading", { name: "Channels" }).waitFor();
    assert.equal(await pixels(other), 0);
  });
}

test("a time of another day has its day, also on a page that is open at midnight", async (t) => {
  const { open, relay } = await start(t);
  const page = await open("/", { viewport: { width: 360, height: 800 } });
  const row = page.locator(`#m-${await publish(relay, "today")}`, { hasText: "delivered" });
  const time = row.locator("time");
  assert.match(await time.innerText(), /^\d\d:\d\d:\d\d$/);
  await page.clock.setFixedTime(Date.now() + 48 * 3_600_000);
  await row.locator("time", { hasText: /^[A-Z][a-z]{2} \d+ \d\d:\d\d:\d\d$/ }).waitFor();
  assert.equal(await pixels(page), 0);
});

test("a path of thousands of characters leaves the list as it is, and is whole on the message's page", async (t) => {
  const { open, relay } = await start(t);
  const path = "/long".repeat(800);
  const response = await fetch(`${relay.url}/webhook/hook${path}`, { method: "POST" });
  const { message_id } = await response.json() as { message_id: string };
  for (const width of [1280, 390]) {
    const page = await open("/", { viewport: { width, height: 800 } });
    const row = page.locator(`#m-${message_id}`, { hasText: "delivered" });
    await row.waitFor();
    const box = page.getByRole("region", { name: "Messages" });
    assert.equal(await box.evaluate((box) => box.scrollWidth - box.clientWidth), 0);
    assert.ok((await row.boundingBox())!.height < 250);
    await page.getByRole("link", { name: message_id }).click();
    await page.getByText(`POST hook${path}`).waitFor();
    assert.equal(await pixels(page), 0);
  }
});

test("pages in tabs that nobody sees hold no connection: any number of them may be open", async (t) => {
  const { open, browser, url, relay } = await start(t);
  const context = await browser.newContext();
  t.defer(() => context.close());
  const hide = (tab: Page, isHidden: boolean) =>
    tab.evaluate(`
      Object.defineProperty(document, "hidden", { configurable: true, value: ${isHidden} });
      document.dispatchEvent(new Event("visibilitychange"));
    `);
  const tabs: Page[] = [];
  // A browser has six connections to a server.
  for (let i = 0; i < 7; i++) {
    if (i > 0) await hide(tabs[i - 1]!, true);
    const tab = await context.newPage();
    tab.setDefaultTimeout(15_000);
    await tab.goto(url);
    await tab.locator("#live[data-state=on]").waitFor();
    tabs.push(tab);
  }
  const id = await publish(relay, "meanwhile");
  await (await open("/")).locator(`#m-${id}`, { hasText: "delivered" }).waitFor();
  await hide(tabs[0]!, false);
  await tabs[0]!.locator(`#m-${id}`, { hasText: "delivered" }).waitFor();
});

/** A connector as a process, whose page is at that port. */
async function startConnector(t: TestContext, relay: Relay, port = "0") {
  const target = await startTarget(t, () => 200);
  const program = startProgram(t, [
    ...["connect", "--cloud-url", relay.url, "--channel", "dev", "--journal", "memory"],
    ...["--to", target.url.href, "--status-listen", `127.0.0.1:${port}`],
  ], { CONNECTOR_TOKEN: "s3cret" });
  const { url } = JSON.parse(await program.line(/"type":"status"/)) as { url: string };
  return { program, url };
}

async function openLive(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(url);
  await page.locator("#live[data-state=on]").waitFor();
  return page;
}

test("a page to which nothing comes any more does not say that it is live, until something comes again", async (t) => {
  const browser = await startChromium(t);
  const relay = await startDevRelay(t);
  const { program, url } = await startConnector(t, relay);
  const page = await openLive(browser, url);
  process.kill(program.pid, "SIGSTOP");
  await page.locator("#live[data-state=lost]", { hasText: "Reconnecting" }).waitFor();
  process.kill(program.pid, "SIGCONT");
  await page.locator("#live[data-state=on]", { hasText: "Live" }).waitFor();
  const id = await publish(relay, "again");
  await page.locator(`#m-${id}`, { hasText: "delivered" }).waitFor();
});

test("when the connector has been started again a page that is open begins anew", async (t) => {
  const { browser, relay } = await start(t);
  const first = await startConnector(t, relay);
  const page = await openLive(browser, first.url);
  await page.evaluate("document.getElementById('no-messages').id = 'of-the-first'");
  first.program.terminate();
  await first.program.ended;
  await startConnector(t, relay, new URL(first.url).port);
  await page.locator("#no-messages").waitFor();
  await page.locator("#live[data-state=on]").waitFor();
});

test("without JavaScript the page reads the same and its buttons work", async (t) => {
  const { open, relay } = await start(t);
  const page = await open("/", { javaScriptEnabled: false });
  const id = await publish(relay, "hello");
  for (;;) {
    await page.reload();
    if (await page.locator(`#m-${id}`, { hasText: "delivered" }).count() > 0) break;
  }
  await page.getByRole("heading", { name: "Connected" }).waitFor();
  await page.getByText("Reload to see what is new").waitFor();
  await page.locator("#throughput svg[role=img]").waitFor();
  await signIn(page);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("heading", { name: "Paused" }).waitFor();
});

test("the page of the relay follows its channels: what waits, who is connected", async (t) => {
  const { open, relay } = await start(t);
  const page = await open(`${relay.url}/`);
  await page.locator("#live[data-state=on]").waitFor();
  await page.locator("#channels", { hasText: "1 connected" }).waitFor();
  await publish(relay, "hello");
  await page.locator("#facts div", { hasText: "Delivered" }).locator("dd", { hasText: /^1/ })
    .waitFor();
});
