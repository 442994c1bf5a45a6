/** Debian's Chromium, driven by playwright-core. */
import { type Browser, chromium } from "playwright-core";
import type { TestContext } from "./cleanup.ts";

/** Without the background networking it looks for hosts of its maker at every start. */
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function startChromium(t: TestContext): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
  t.defer(() => browser.close());
  return browser;
}
