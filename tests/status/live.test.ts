import assert from "node:assert/strict";
import { createLive, maxViewers } from "../../src/page/live.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

const quiet = { sections: () => ({ state: "<p>fine</p>" }) };

test("sixteen pages are followed, a seventeenth is not; when one leaves there is room again", async () => {
  const live = createLive(quiet, new ManualClock());
  const open = Array.from({ length: maxViewers }, () => live.open(0));
  assert.equal(maxViewers, 16);
  assert.ok(open.every((response) => response?.status === 200));
  assert.equal(live.open(0), undefined);
  await open[0]?.body?.cancel();
  assert.equal(live.viewers, 15);
  assert.ok(live.open(0));
  live.close();
});

test("nothing is made while nobody looks: the clock has no timer before the first page and after the last", async () => {
  const clock = new ManualClock();
  let asked = 0;
  const live = createLive({ sections: () => ({ n: String(asked++) }) }, clock);
  assert.equal(clock.pending, 0);
  const response = live.open(0);
  await clock.advance(3_000);
  assert.equal(asked, 4);
  await response?.body?.cancel();
  assert.equal(clock.pending, 0);
  await clock.advance(3_000);
  assert.equal(asked, 4);
});

test("what a page shows is brought up to date every second while somebody looks, once at a time; the page does not wait", async () => {
  const clock = new ManualClock();
  let begun = 0;
  let n = 0;
  let done = () => {};
  const live = createLive({
    sections: () => ({ n: String(n) }),
    refresh() {
      begun++;
      return new Promise<void>((resolve) => done = resolve);
    },
  }, clock);
  const reader = live.open(0)?.body?.getReader();
  const shows = async () =>
    /"n":"(\d+)"/.exec(new TextDecoder().decode((await reader?.read())?.value))?.[1];
  assert.deepEqual([begun, await shows()], [1, "0"]);
  await clock.advance(2_000);
  assert.deepEqual([begun, await shows(), await shows()], [1, "0", "0"], "it is not done");
  n = 7;
  done();
  await clock.advance(1_000);
  assert.deepEqual([begun, await shows()], [2, "7"]);
  await reader?.cancel();
  done();
  await clock.advance(2_000);
  assert.equal(begun, 2);
});

test("a page that does not read is dropped, and the others go on", async () => {
  const clock = new ManualClock();
  const live = createLive({ sections: () => ({ big: "x".repeat(400_000) }) }, clock);
  const sleeps = live.open(0);
  const reads = live.open(0)?.body?.getReader();
  for (let i = 0; i < 4; i++) {
    await clock.advance(1_000);
    await reads?.read();
  }
  assert.equal(live.viewers, 1);
  assert.equal(await new Response(sleeps?.body).text(), "");
  assert.equal((await reads?.read())?.done, false);
  live.close();
});

test("a page that comes back hears what changed since it was made", async () => {
  const rows = (since: number) => ({
    version: 7,
    rows: [3, 7].filter((version) => version > since)
      .map((version) => ({ id: `m${version}`, html: `<tr>${version}</tr>` })),
  });
  const live = createLive({ ...quiet, rows }, new ManualClock());
  const first = async (since: number) => {
    const reader = live.open(since)?.body?.getReader();
    const { value } = await reader!.read();
    return [...new TextDecoder().decode(value).matchAll(/"id":"(\w+)"/g)].map(([, id]) => id);
  };
  assert.deepEqual(await first(0), ["m3", "m7"]);
  assert.deepEqual(await first(3), ["m7"]);
  assert.deepEqual(await first(7), []);
  live.close();
});

test("at the end the streams end, and no new one begins", async () => {
  const clock = new ManualClock();
  const live = createLive(quiet, clock);
  const response = live.open(0);
  live.close();
  assert.match(await new Response(response?.body).text(), /^event: state\n/);
  assert.equal(live.open(0), undefined);
  assert.equal(clock.pending, 0);
});
