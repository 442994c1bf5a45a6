/** The commands and the proxies of the environment. */
import assert from "node:assert/strict";
import { startConnectProxy } from "../support/connect_proxy.ts";
import { startHttpServer } from "../support/http_server.ts";
import { startProgram } from "../support/program.ts";
import { startDevRelay } from "../support/rig.ts";
import { test } from "../support/test.ts";

const quiet = { DENO_NO_UPDATE_CHECK: "1" };

const asking: [command: string, args: string[]][] = [
  ["healthcheck", []],
  ["status", ["--json"]],
  ["pause", []],
];
for (const [command, args] of asking) {
  test(`${command} asks the connector of this machine directly, whatever proxy is set`, async (t) => {
    const proxy = await startConnectProxy(t);
    const asked: string[] = [];
    const connector = await startHttpServer(t, (request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.setHeader("Content-Type", "application/json").end('{"paused":true}');
    });
    const program = startProgram(
      t,
      [command, ...args, "--status-listen", new URL(connector.url).host],
      { ...quiet, HTTP_PROXY: proxy.url, ALL_PROXY: proxy.url, CONNECTOR_STATUS_TOKEN: "x" },
    );
    assert.equal(await program.ended, 0, program.stderr.join("\n"));
    assert.deepEqual(proxy.asked, []);
    assert.ok(asked.length > 0);
  });
}

test("send posts through the proxy that is set, to a relay that only it can find", async (t) => {
  const relay = await startDevRelay(t);
  const proxy = await startConnectProxy(t);
  const url = `http://relay.test:${new URL(relay.url).port}/webhook/hook`;
  const program = startProgram(t, ["send", url], { ...quiet, http_proxy: proxy.url });
  assert.equal(await program.ended, 0, program.stdout.join("\n"));
  assert.deepEqual(proxy.asked, [`POST ${url}`]);
  assert.equal(relay.registry.named("dev")?.channel.stats.queued, 1);
});

test("send says what is wrong with a proxy that cannot be used", async (t) => {
  const program = startProgram(t, ["send", "http://relay.test/webhook/hook"], {
    ...quiet,
    ALL_PROXY: "socks5://u:marked-secret@127.0.0.1:1",
  });
  assert.equal(await program.ended, 1);
  const said = [...program.stdout, ...program.stderr].join("\n");
  assert.match(said, /the value of ALL_PROXY is no proxy that can be used here/);
  assert.doesNotMatch(said, /marked-secret/);
});
