import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { maxFrameBytes } from "../../src/protocol/limits.ts";
import { SseDecoder } from "../../src/protocol/sse.ts";
import { startProgram } from "../support/program.ts";
import { openRaw } from "../support/raw_client.ts";
import { readText } from "../support/sse_text.ts";
import { test } from "../support/test.ts";

/** What the page shows of a channel with so many webhook ids is half a megabyte. */
const webhooks = Object.fromEntries(
  Array.from({ length: 2_000 }, (_, i) => [
    `${"x".repeat(250)}${i}`,
    { module: "webhook_connect", channel: "dev", channel_token: "s3cret" },
  ]),
);
/** So many states fit neither into the sockets nor into what a page may leave unread. */
const states = 14;

test("a page that does not read is ended in peace: the log has no word of it", async (t) => {
  const folder = t.folder();
  const file = join(folder, "webhooks.json");
  writeFileSync(file, JSON.stringify(webhooks));
  const relay = startProgram(t, [
    ...["relay", "--listen", "127.0.0.1:0", "--webhooks", file],
    ...["--data", join(folder, "relay"), "--log-format", "json"],
  ]);
  const url = (await relay.line(/^listening/)).split(/\s+/)[1] ?? "";
  const live = "GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  const sleeps = await openRaw(t, url, live);
  sleeps.pause();

  const abort = new AbortController();
  const response = await fetch(`${url}/live`, { signal: abort.signal });
  const decoder = new SseDecoder(maxFrameBytes);
  let heard = 0;
  for await (const chunk of response.body ?? []) {
    heard += readText(decoder, chunk).length;
    if (heard >= states) break;
  }
  abort.abort();
  sleeps.resume();
  const answer = await sleeps.answered(/\r\n0\r\n\r\n$/);
  relay.terminate();
  assert.equal(await relay.ended, 0);
  for (const line of relay.stderr) assert.doesNotThrow(() => JSON.parse(line), line);
  assert.ok(answer.endsWith("\r\n0\r\n\r\n"), "the response is whole");
});
