/**
 * docs/img/terminal.png: the live view of a real connector in tmux, drawn by Chromium.
 *
 *   deno run -A scripts/terminal_picture.ts
 */
import { mkdirSync } from "node:fs";
import process from "node:process";
import { makeSample } from "../src/cli/samples.ts";
import { channelConfig } from "../src/relay/webhooks_file.ts";
import { startChromium } from "../tests/support/chromium.ts";
import { withCleanup } from "../tests/support/cleanup.ts";
import { startDevRelay, startTarget } from "../tests/support/rig.ts";
import { startPane } from "../tests/support/tmux.ts";

const folder = process.argv[2] ?? "docs/img";
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const looks: Readonly<Record<string, string>> = {
  "1": "font-weight:bold",
  "2": "opacity:.6",
  "7": "background:#d8dee9;color:#1b2330",
  "31": "color:#ff7b72",
  "32": "color:#7ee787",
  "33": "color:#f2cc60",
};

/** Text with SGR sequences (ECMA-48) as it looks. */
function html(screen: string): string {
  let style: string[] = [];
  // deno-lint-ignore no-control-regex
  const parts = screen.trimEnd().split(/\x1b\[([\d;]*)m/).map((part, i) => {
    if (i % 2 === 0) {
      const text = part.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
      return `<span style="${style.join(";")}">${text}</span>`;
    }
    for (const code of part.split(";")) {
      const look = looks[code];
      if (look !== undefined) style.push(look);
      else if (code === "39") style = style.filter((one) => !one.startsWith("color"));
      else if (code !== "49") style = [];
    }
    return "";
  });
  return `<meta charset="utf-8"><pre style="display:inline-block;margin:0;padding:16px 20px;` +
    `background:#1b2330;color:#d8dee9;font:14px/1.35 monospace">${parts.join("")}</pre>`;
}

await withCleanup(async (t) => {
  const target = await startTarget(t, async (n, { url }) => {
    await wait(5 + n % 7 * 9);
    return url.includes("refund") ? 422 : url.includes("events") && n % 5 === 0 ? 503 : 200;
  });
  const webhookIds = ["github", "stripe"];
  const relay = await startDevRelay(t, channelConfig({ name: "dev", token: "s3cret", webhookIds }));
  const pane = startPane(t, [
    ...["connect", "--status-listen", "off", "--to", target.url.href, "--log-level", "error"],
  ], { CONNECTOR_CLOUD_URL: relay.url, CONNECTOR_CHANNEL: "dev", CONNECTOR_TOKEN: "s3cret" });
  pane.resize(92, 16);
  await pane.until(/no message has come yet/);
  const paths = ["github", "stripe/events", "github/ci", "stripe/refund", "stripe/events"];
  for (let n = 0; n < 13; n++) {
    const sample = makeSample(n % 2 ? "stripe" : "github.push", "s3cret", Date.now());
    await fetch(`${relay.url}/webhook/${paths[n % 5]}`, { ...sample, method: "POST" });
    await wait(300 + n % 4 * 250);
  }
  pane.press("Down", "Down");
  await wait(300);
  const browser = await startChromium(t);
  const page = await browser.newPage({ deviceScaleFactor: 2 });
  await page.setContent(html(pane.screen("styles")));
  mkdirSync(folder, { recursive: true });
  await page.locator("pre").screenshot({ path: `${folder}/terminal.png` });
});
