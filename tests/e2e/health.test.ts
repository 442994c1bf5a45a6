/** What a person, a container or a monitor sees when the target or the relay goes away and comes back. */
import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProgram } from "../support/program.ts";
import { skip, test, type TestContext } from "../support/test.ts";
import { noTmux, startPane } from "../support/tmux.ts";

/** A target that can be stopped and started again where it was. */
async function startTarget(t: TestContext) {
  let server: http.Server | undefined;
  let port = 0;
  const stop = () =>
    new Promise<void>((resolve) => {
      if (!server) return resolve();
      server.closeAllConnections();
      server.close(() => resolve());
      server = undefined;
    });
  const start = async () => {
    const made = http.createServer((request, response) =>
      void request.resume().on("end", () => {
        response.end();
      })
    );
    await new Promise<void>((resolve) => made.listen(port, "127.0.0.1", resolve));
    port = (made.address() as AddressInfo).port;
    server = made;
  };
  await start();
  t.defer(stop);
  return { url: `http://127.0.0.1:${port}/`, start, stop };
}

/** The relay as a process, on a port of its own that it has again when it is started again. */
async function startRelay(t: TestContext, folder: string, port = 0) {
  const webhooks = join(folder, "webhooks.json");
  writeFileSync(
    webhooks,
    JSON.stringify({
      hook: { module: "webhook_connect", channel: "dev", channel_token: "s3cret" },
    }),
  );
  const relay = startProgram(t, [
    ...["relay", "--listen", `127.0.0.1:${port}`, "--webhooks", webhooks],
    ...["--data", join(folder, "relay"), "--log-level", "debug"],
  ]);
  const url = (await relay.line(/^listening/)).split(/\s+/)[1] ?? "";
  return { relay, url };
}

async function startAll(t: TestContext) {
  const folder = t.folder();
  const target = await startTarget(t);
  const { relay, url: relayUrl } = await startRelay(t, folder);
  const file = join(folder, "connector.json");
  writeFileSync(
    file,
    JSON.stringify({
      cloud_url: relayUrl,
      channel: "dev",
      token: "s3cret",
      connector_id: "one",
      journal: "memory",
      status_listen: "127.0.0.1:0",
      log_level: "debug",
      log_format: "json",
      reconnect_delay: 0.02,
      max_reconnect_delay: 0.05,
      default_target: {
        url: target.url,
        retry_delay_seconds: 0.01,
        retry_max_delay_seconds: 0.02,
      },
    }),
    { mode: 0o600 },
  );
  const connector = startProgram(t, ["connect", "--config", file]);
  const { url } = JSON.parse(await connector.line(/status\.listening/)) as { url: string };
  await connector.line(/stream\.connected/);
  return {
    ...{ folder, target, relay, relayUrl, connector },
    listen: new URL(url).host,
    publish: () =>
      fetch(`${relayUrl}/webhook/hook`, { method: "POST", body: "{}" })
        .then((response) => response.text()),
    async ready() {
      const response = await fetch(`${url}/readyz`);
      const { parts, ...body } = await response.json() as {
        ready: boolean;
        status: number;
        readyConnections: number;
        connectorId: string;
        parts: { name: string; ready: boolean; detail: string }[];
      };
      assert.equal(response.status, body.status);
      const unready = parts.filter((part) => !part.ready);
      return { ...body, unready: unready.map(({ name }) => name), why: unready[0]?.detail ?? "" };
    },
  };
}

async function post(url: string): Promise<number> {
  const response = await fetch(`${url}/webhook/hook`, { method: "POST", body: "{}" });
  await response.body?.cancel();
  return response.status;
}

test("a target that stops makes the connector not ready, by name, and ready again when it is back", async (t) => {
  const { target, connector, publish, ready } = await startAll(t);
  await publish();
  await connector.line(/delivery\.succeeded/);
  const well = { ready: true, status: 200, readyConnections: 1, connectorId: "one" };
  assert.deepEqual(await ready(), { ...well, unready: [], why: "" });
  await target.stop();
  await publish();
  await connector.line(/delivery\.attempted.*"attempt":3/);
  const { why, ...state } = await ready();
  assert.deepEqual(state, { ...well, ready: false, status: 503, unready: ["target default"] });
  assert.match(why, /^\d+ failures in a row: cannot reach http:\/\/127\.0\.0\.1/);
  await target.start();
  await connector.line(/delivery\.succeeded/, 2); // the relay gives it out again
  assert.deepEqual(await ready(), { ...well, unready: [], why: "" });
});

test("a relay that stops makes the connector not ready, with the reason, and ready again when it is back", async (t) => {
  const { folder, relay, relayUrl, connector, ready } = await startAll(t);
  assert.equal((await ready()).status, 200);
  relay.terminate();
  assert.equal(await relay.ended, 0);
  await connector.line(/stream\.failed.*"network"/);
  const { status, readyConnections, unready, why } = await ready();
  assert.deepEqual([status, readyConnections, unready], [503, 0, ["connection"]]);
  assert.match(why, /connection refused/);
  assert.ok(why.includes(new URL(relayUrl).host), why);
  await startRelay(t, folder, Number(new URL(relayUrl).port));
  await connector.line(/stream\.connected/, 2);
  assert.equal((await ready()).status, 200);
});

test("hookferry status tells a person in a few lines, a program in JSON, and goes on with --watch", async (t) => {
  const { connector, listen, publish } = await startAll(t);
  await publish();
  await connector.line(/settlement\.confirmed/);
  const ask = (...args: string[]) =>
    startProgram(t, ["status", ...args, "--status-listen", listen]);
  const text = ask();
  assert.equal(await text.ended, 0);
  const lines = text.stdout.join("\n");
  assert.match(lines, /^connector +hookferry \d.*, up \d+s$/m);
  assert.match(lines, /^relay +connected over websocket for \d+s, heard \d+s ago$/m);
  assert.match(lines, /^so far +1 received, 1 delivered, 0 retried, 0 failed$/m);
  assert.match(lines, /^target default +well, last delivery /m);
  const columns = new Set(text.stdout.map((line) => /^.*? {2,}(?=\S)/.exec(line)?.[0].length));
  assert.equal(columns.size, 1, "the texts begin in one column");
  const json = ask("--json");
  assert.equal(await json.ended, 0);
  assert.equal(JSON.parse(json.stdout.join("")).totals.delivered, 1);
  const watch = ask("--watch");
  await watch.line(/"uptime_seconds"/, 2);
  watch.terminate();
  assert.equal(await watch.ended, 0);
  for (const line of watch.stdout) assert.equal(JSON.parse(line).connector_id, "one");
  connector.terminate();
  await connector.ended;
  const nobody = ask();
  assert.equal(await nobody.ended, 1);
  assert.match(nobody.stderr.join("\n"), /no connector answers at/);
});

test("hookferry healthcheck asks whether it is ready, or with --live only whether it is alive", async (t) => {
  const { connector, relay, listen } = await startAll(t);
  relay.terminate();
  await connector.line(/stream\.disconnected/);
  const ask = (...args: string[]) =>
    startProgram(t, ["healthcheck", ...args, "--status-listen", listen]).ended;
  assert.deepEqual(
    await Promise.all([ask(), ask("--ready"), ask("--live"), ask("--live", "--ready")]),
    [1, 1, 0, 2],
  );
});

const onTerminal = noTmux === undefined ? test : (name: string) => skip(name, noTmux ?? "");

onTerminal(
  "hookferry status --watch on a terminal is drawn anew in its place, until it is stopped",
  async (t) => {
    const { connector, listen, publish } = await startAll(t);
    const pane = startPane(t, ["status", "--watch", "--status-listen", listen]);
    await pane.until(/so far +0 received/);
    await publish();
    await connector.line(/settlement\.confirmed/);
    const screen = await pane.until(/so far +1 received/);
    assert.equal(screen.match(/so far/g)?.length, 1);
    pane.press("C-c");
    await pane.until(/exit 0/);
  },
);

test("an output whose reader has gone ends status --watch, without a word", async (t) => {
  const { listen } = await startAll(t);
  const watch = startProgram(t, ["status", "--watch", "--status-listen", listen]);
  await watch.line(/"uptime_seconds"/);
  watch.closeStdout();
  assert.equal(await watch.exited, 0);
  assert.deepEqual(watch.stderr, []);
});

test("a relay whose standard output nobody reads any more goes on, without a word", async (t) => {
  const { relay, url } = await startRelay(t, t.folder());
  relay.closeStdout();
  assert.equal(await post(url), 202);
  relay.terminate();
  assert.equal(await relay.exited, 0);
  for (const line of relay.stderr) assert.match(JSON.parse(line).event, /^relay\./);
});
