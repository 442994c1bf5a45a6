/** A reload of several connections: side by side, and all of it or nothing. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { write } from "../support/configured_program.ts";
import { startFront } from "../support/front.ts";
import { startHeldDrain } from "../support/held_drain.ts";
import { startProgram } from "../support/program.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

type Connections = Record<string, Record<string, unknown>>;

/** The real program once all these are connected, or the first `connected` of them; `more` is for all. */
async function start(
  t: TestContext,
  connections: Connections,
  { connected = Object.keys(connections).length, ...more }: Record<string, unknown> & {
    connected?: number;
  } = {},
) {
  const path = join(t.folder(), "connector.json");
  const configure = (connections: Connections) =>
    write(path, {
      channel: "dev",
      token: "s3cret",
      status_listen: "127.0.0.1:0",
      status_token: "status-t0ken",
      log_level: "debug",
      journal: "memory",
      on_journal_failure: "stop",
      ...more,
      connections,
    });
  configure(connections);
  const program = startProgram(t, ["connect", "--config", path]);
  const { url } = JSON.parse(await program.line(/"status\.listening"/)) as { url: string };
  if (connected > 0) await program.line(/"stream\.connected"/, connected);
  const headers = { Authorization: "Bearer status-t0ken" };
  const reload = async (connections: Connections) => {
    configure(connections);
    const answer = await fetch(`${url}/-/reload`, { method: "POST", headers });
    return { status: answer.status, text: await answer.text() };
  };
  const status = async () => await (await fetch(`${url}/status`, { headers })).json();
  const told = (pattern: RegExp) => program.stderr.filter((line) => pattern.test(line));
  return { program, reload, status, told };
}

test("while one connection finishes what is in hand for a reload, another goes on by its new settings", async (t) => {
  const slow = await startHeldDrain(t);
  const quick = await startDevRelay(t);
  const [before, after] = [await startTarget(t), await startTarget(t)];
  const a = slow.settings;
  const b = (target: URL) => ({ cloud_url: quick.url, default_target: { url: target.href } });
  const { reload } = await start(t, { a, b: b(before.url) });
  await publish(slow.relay, "in hand");
  await slow.target.arrived(1);
  const answer = reload({ a: { ...a, ordering: "channel" }, b: b(after.url) });
  await slow.drained;
  await publish(quick, "meanwhile");
  await Promise.race([before.arrived(1), after.arrived(1)]);
  const { length } = before.got;
  slow.release();
  assert.equal((await answer).status, 200);
  assert.equal(length, 0);
});

test("where one connection cannot be made, a reload leaves all others as they are", async (t) => {
  const relays = [await startDevRelay(t), await startDevRelay(t), await startDevRelay(t)];
  const [before, after] = [await startTarget(t), await startTarget(t)];
  const [a, b, c] = relays.map(({ url }) => (more: Record<string, unknown> = {}) => ({
    cloud_url: url,
    default_target: { url: before.url.href },
    ...more,
  }));
  assert.ok(a && b && c);
  const file = join(t.folder(), "file");
  write(file, "");
  const journal = `sqlite:${file}/journal`;
  const otherTarget = { default_target: { url: after.url.href } };
  const { reload, status, told } = await start(t, { a: a(), b: b() });
  for (
    const next of [
      { a: a(otherTarget), c: c({ journal }) }, // a new one, and b is gone
      { a: a({ ...otherTarget, ordering: "channel" }), b: b({ journal }) },
    ]
  ) {
    const { status: code, text } = await reload(next);
    assert.equal(code, 422, text);
    assert.match(text, /cannot open the connector's data/);
    const { connections } = await status();
    assert.deepEqual(Object.keys(connections), ["a", "b"]);
    if ("c" in next) assert.equal(told(/"connector\.draining"/).length, 0);
    const had = before.got.length;
    for (const relay of relays.slice(0, 2)) await publish(relay, "x");
    await before.arrived(had + 2);
    assert.equal(after.got.length, 0);
  }
});

test("connections that change their journals and channels with each other each have the other's afterwards", async (t) => {
  const [first, second] = [await startDevRelay(t), await startDevRelay(t)];
  const target = await startTarget(t);
  const folder = t.folder();
  const [one, two] = [first, second].map(({ url }, at) => ({
    cloud_url: url,
    journal: `sqlite:${join(folder, String(at))}`,
    default_target: { url: target.url.href },
  }));
  assert.ok(one && two);
  const { reload, status } = await start(t, { a: one, b: two });
  const places = async () => {
    const { connections } = await status();
    return Object.entries(connections as Record<string, { journal: { place: string } }>)
      .map(([name, { journal }]) => `${name}: ${journal.place}`);
  };
  for (
    const [next, journals] of [
      [{ a: two, b: one }, ["a: 1", "b: 0"]],
      [{ renamed: two, b: one }, ["b: 0", "renamed: 1"]],
      [{ b: two }, ["b: 1"]],
    ] as const
  ) {
    const { status: code, text } = await reload(next);
    assert.equal(code, 200, text);
    assert.deepEqual(
      (await places()).sort(),
      journals.map((each) => each.replace(/\d/, (at) => join(folder, at))),
    );
  }
  await publish(second, "x");
  await target.arrived(1);
});

test("two connections that have one journal by default both stay as they are when a reload or a refused token has the file read", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  const front = await startFront(t, relay.url, (path) => path.startsWith("/refusing"), 401);
  const one = (cloud_url: string) => ({ cloud_url, default_target: { url: target.url.href } });
  const [refused, well] = [one(`${front}/refusing`), one(front)];
  const { program, reload, told } = await start(t, { refused, well }, {
    connected: 0,
    protocol: "sse",
    journal: undefined,
    on_journal_failure: undefined,
  });
  await program.line(/"config\.reloaded"/); // by the refusal
  assert.ok(told(/"config\.warning".*another connector is using the data in/).length > 0);
  assert.deepEqual(told(/"connector\.(draining|stopped)"/), []);
  await program.line(/"stream\.connected"/);
  const { status, text } = await reload({ refused, well: { ...well, ordering: "channel" } });
  assert.equal(status, 200, text);
  assert.deepEqual(told(/"connector\.stopped".*"connection":"refused"/), []);
});
