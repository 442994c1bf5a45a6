/**
 * The pictures of docs/img: real relays, connectors and targets under a load, seen in Chromium.
 *
 *   deno run -A scripts/screenshots.ts [seconds of load, default 300]
 */
import { mkdirSync } from "node:fs";
import process from "node:process";
import type { Page } from "playwright-core";
import { loadSettings } from "../src/config/load.ts";
import { channelConfig } from "../src/relay/webhooks_file.ts";
import { withCleanup } from "../tests/support/cleanup.ts";
import { startChromium } from "../tests/support/chromium.ts";
import { startDevRelay, startTarget } from "../tests/support/rig.ts";
import { startWatchedConnector } from "../tests/support/watched_connector.ts";
import { makeSample } from "../src/cli/samples.ts";

const seconds = Number(process.argv[2] ?? 300);
const folder = process.argv[3] ?? "docs/img";
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

await withCleanup(async (t) => {
  const slow = async (ms: number) => await wait(ms * (0.5 + Math.random() ** 4 * 6));
  const shop = await startTarget(t, async () => (await slow(12), 200));
  const billing = await startTarget(t, async () => {
    await slow(40);
    return Math.random() < 0.12 ? 503 : Math.random() < 0.01 ? 422 : 202;
  });
  const webhookIds = ["github", "stripe", "erp"];
  const relay = await startDevRelay(t, channelConfig({ name: "dev", token: "s3cret", webhookIds }));
  const quick = { retry_delay_seconds: 0.2, retry_max_delay_seconds: 1 };
  const content = {
    cloud_url: relay.url,
    channel: "dev",
    token: "s3cret",
    inspect: true,
    targets: {
      github: { url: new URL("/ci/hooks", shop.url).href, ...quick },
      stripe: { url: new URL("/billing/events", billing.url).href, ...quick },
      erp: { url: "http://127.0.0.1:1/orders", ...quick },
    },
  };
  const { settings } = loadSettings({ file: { path: "", content }, env: {}, flags: {} });
  const { url } = await startWatchedConnector(t, settings, { open: true });
  const browser = await startChromium(t);

  const post = async (webhookId: "github" | "stripe" | "erp") => {
    const name = webhookId === "github"
      ? "github.push"
      : webhookId === "stripe"
      ? "stripe"
      : "standard";
    const sample = makeSample(name, "s3cret", Date.now());
    await fetch(`${relay.url}/webhook/${webhookId}`, { ...sample, method: "POST" });
  };
  const until = Date.now() + seconds * 1000;
  for (let i = 0; Date.now() < until; i++) {
    const wave = 1 + Math.sin(Date.now() / 35_000) + 0.35 * Math.sin(Date.now() / 6_000);
    await post(Math.random() < 0.6 ? "github" : "stripe");
    if (i % 150 === 40) await post("erp");
    await wait(60 + Math.random() * 240 / Math.max(0.25, wave));
  }

  mkdirSync(folder, { recursive: true });
  const shoot = async (name: string, path: string, width: number, scheme: "light" | "dark") => {
    const context = await browser.newContext({
      viewport: { width, height: width < 500 ? 844 : 900 },
      deviceScaleFactor: width < 500 ? 2 : 1,
      colorScheme: scheme,
    });
    const page: Page = await context.newPage();
    await page.goto(url + path);
    await page.locator("#live[data-state=on]").waitFor({ timeout: 2_000 }).catch(() => {});
    await page.screenshot({ path: `${folder}/${name}.png` });
    await context.close();
  };
  await shoot("status-light", "/", 1280, "light");
  await shoot("status-dark", "/", 1280, "dark");
  await shoot("status-phone", "/", 390, "light");
  const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
  const page = await context.newPage();
  await page.goto(url);
  const rows = await page.locator("#messages tr").evaluateAll((all) =>
    all.map((row) =>
      [
        row.querySelector("a")?.getAttribute("href") ?? "",
        Number(row.children[5]?.textContent ?? 0),
      ] as const
    )
  );
  const path = rows.toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? "/";
  await shoot("message-light", path, 1280, "light");
  await shoot("message-phone", path, 390, "dark");
});
