/** The real program goes on with other settings while webhooks come. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pace } from "node:timers/promises";
import { type Configured, startConfigured as start, write } from "../support/configured_program.ts";
import { startCountingTarget } from "../support/counting_target.ts";
import { type Program, startProgram } from "../support/program.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";
import { certPath, startTlsFront } from "../support/tls_front.ts";

function count(program: Program, event: string): number {
  return program.stderr.filter((line) => line.includes(`"event":"${event}"`)).length;
}

const ways: [name: string, ask: (running: Configured) => unknown][] = [
  ["SIGHUP", ({ program }) => program.hangUp()],
  ["POST /-/reload", async ({ reload }) => {
    const answer = await reload();
    assert.equal(answer.status, 200);
    const { changed } = await answer.json() as { changed: string[] };
    assert.match(changed.join(), /default_target\.url: .* -> /);
  }],
  ["the change of the file alone", () => {}],
];
for (const [name, ask] of ways) {
  test(`${name}: another target counts, told with what was and is, over the same connection`, async (t) => {
    const relay = await startDevRelay(t);
    const [before, after] = [await startTarget(t), await startTarget(t)];
    const running = await start(t, {
      cloud_url: relay.url,
      token: "s3cret",
      default_target: { url: before.url.href, headers: { "X-Key": "marked-1" } },
    });
    const { program } = running;
    const startedAt = await running.metric(
      "hookferry_config_last_reload_success_timestamp_seconds",
    );
    running.configure({
      log_level: "info",
      default_target: { url: after.url.href, headers: { "X-Key": "marked-2" } },
    });
    await ask(running);
    const told = JSON.parse(await program.line(/"config\.reloaded"/));
    assert.deepEqual(told.changed, [
      `log_level: "debug" -> "info"`,
      `default_target.url: "${before.url.href}" -> "${after.url.href}"`,
      "default_target.headers.X-Key: ***, another",
    ]);
    assert.deepEqual(told.needsRestart, ["log_level"]);
    await publish(relay, "x");
    await after.arrived(1);
    assert.equal(after.got[0]?.headers["x-key"], "marked-2");
    assert.equal(count(program, "stream.connecting"), 1);
    assert.equal(await running.metric("hookferry_config_last_reload_successful"), 1);
    const at = await running.metric("hookferry_config_last_reload_success_timestamp_seconds");
    assert.ok(at > startedAt, `${at} > ${startedAt}`);
    assert.doesNotMatch([...program.stderr, ...program.stdout].join("\n"), /marked/);
  });
}

test("a target's URL is told as it was written, its secrets hidden: when it changes, and by config show", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  const secret = join(t.folder(), "secret");
  write(secret, "marked-1");
  const urlWith = (key: string) => `${target.url.href}?token=\${file:${secret}}&api_key=${key}`;
  const running = await start(t, {
    cloud_url: relay.url,
    token: "s3cret",
    default_target: { url: urlWith("marked-a") },
  });
  const outputs: string[][] = [running.program.stderr, running.program.stdout];
  const reloaded = async () => {
    const { changed } = await (await running.reload()).json() as { changed: string[] };
    outputs.push(changed);
    return changed;
  };
  const url = JSON.stringify(urlWith("[redacted]"));
  write(secret, "marked-2");
  assert.deepEqual(await reloaded(), [`default_target.url: ${url}, another`]);
  await publish(relay, "x");
  await target.arrived(1);
  assert.match(target.got[0]?.url ?? "", /token=marked-2&api_key=marked-a/);
  running.configure({ default_target: { url: urlWith("marked-b") } });
  assert.deepEqual(await reloaded(), [`default_target.url: ${url}, another`]);
  running.configure({ default_target: { url: target.url.href } });
  assert.deepEqual(await reloaded(), [`default_target.url: ${url} -> "${target.url.href}"`]);
  running.configure({ default_target: { url: urlWith("marked-c") } });
  const show = startProgram(t, ["config", "show", "--config", running.path]);
  assert.equal(await show.ended, 0, show.stderr.join("\n"));
  assert.ok(show.stdout.some((line) => line.startsWith(`default_target.url = ${url}  (`)));
  assert.doesNotMatch([...outputs, show.stdout, show.stderr].flat().join("\n"), /marked/);
});

test("a file that is not valid changes nothing, says why, and counts when it is mended", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  const running = await start(t, {
    cloud_url: relay.url,
    token: "s3cret",
    default_target: { url: target.url.href },
  });
  const { program, path, url } = running;
  const told = async () => await (await fetch(`${url}/status`)).json();
  const page = async () => await (await fetch(url)).text();
  for (
    const [bad, says] of [
      ["{ not json", /cannot read the file/],
      [
        `{\n"cloud_url":"${relay.url}",\n"channel":"dev","token":"t",\n"reconnect_delai":1}`,
        /reconnect_delai: unknown key in file .*:4, did you mean reconnect_delay\?/,
      ],
    ] as const
  ) {
    write(path, bad);
    const answer = await running.reload();
    assert.equal(answer.status, 422);
    assert.match((await answer.json() as { detail: string }).detail, says);
    assert.equal(await running.metric("hookferry_config_last_reload_successful"), 0);
    assert.match((await told()).config.problem, says);
  }
  assert.match(await page(), /The new settings are not taken, since [^<]*: [^<]*reconnect_delai/);
  assert.match(JSON.parse(await program.line(/"config\.reload_failed"/)).message, /cannot read/);
  await publish(relay, "x");
  await target.arrived(1);
  running.configure({});
  assert.deepEqual(await (await running.reload()).json(), { changed: [], needs_restart: [] });
  assert.deepEqual((await told()).config, { problem: null, since: null });
  assert.doesNotMatch(await page(), /not taken/);
  assert.equal(await running.metric("hookferry_config_last_reload_successful"), 1);
  const stranger = await fetch(`${running.url}/-/reload`, { method: "POST" });
  assert.equal(stranger.status, 401);
  await stranger.body?.cancel();
});

test("what needs a restart is said until it is what the process runs with again, or not at all", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  const running = await start(t, {
    cloud_url: relay.url,
    token: "s3cret",
    default_target: { url: target.url.href, headers: { inspect: "1" } },
  });
  const needed = async (more: Record<string, unknown>) => {
    running.configure(more);
    return (await (await running.reload()).json()).needs_restart;
  };
  const other = { status_listen: "127.0.0.1:1" };
  assert.deepEqual(await needed(other), ["status_listen"]);
  assert.deepEqual(await needed({ ...other, reconnect_delay: 0.03 }), ["status_listen"]);
  assert.deepEqual(await needed({}), []);
  const headers = { inspect: "2" };
  assert.deepEqual(await needed({ default_target: { url: target.url.href, headers } }), []);
});

test("another channel: the first connector finishes what is in hand, then another reads the new one", async (t) => {
  const [first, second] = [await startDevRelay(t), await startDevRelay(t)];
  const held = Promise.withResolvers<void>();
  const target = await startTarget(t, (n) => n === 1 ? held.promise.then(() => 200) : 200);
  const running = await start(t, {
    cloud_url: first.url,
    token: "s3cret",
    default_target: { url: target.url.href },
  });
  await publish(first, "in hand");
  await target.arrived(1);
  running.configure({ cloud_url: second.url });
  const answer = running.reload();
  await running.program.line(/"event":"settlement|"stream\.disconnected"|delivery\.received/);
  held.resolve();
  assert.deepEqual((await (await answer).json() as { needs_restart: unknown }).needs_restart, []);
  await running.program.line(/"stream\.connected"/, 2);
  await publish(second, "new");
  await target.arrived(2);
  await running.program.line(/"settlement\.confirmed"/, 2);
  assert.equal(target.got.length, 2);
  assert.equal(first.registry.named("dev")?.channel.stats.delivered, 1);
  assert.equal(second.registry.named("dev")?.channel.stats.delivered, 1);
});

/** 50 messages a second; `midway` happens in the middle. Every one is delivered exactly once. */
async function underLoad(
  t: TestContext,
  running: Configured,
  send: (body: string) => Promise<string>,
  target: Awaited<ReturnType<typeof startCountingTarget>>,
  midway: () => Promise<void>,
): Promise<void> {
  const total = 200;
  const ids: string[] = [];
  for (let i = 0; i < total; i++) {
    ids.push(await send(String(i)));
    if (i === total / 4) await midway();
    await pace(20, undefined, { signal: t.signal });
  }
  await running.program.line(/"settlement\.confirmed"/, total);
  assert.deepEqual(ids.filter((id) => !target.requests.has(id)), [], "lost");
  assert.equal(target.duplicates, 0);
  assert.ok(count(running.program, "stream.connected") <= 2, "at most one reconnect");
}

for (const protocol of ["websocket", "sse", "long_poll"] as const) {
  for (const graceMs of [0, 1_000]) {
    test(`[${protocol}] a token rotated under load, the old one good for ${graceMs} ms: nothing lost, nothing twice, one reconnect`, async (t) => {
      const relay = await startDevRelay(t);
      const target = await startCountingTarget(t);
      const tokenFile = join(t.folder(), "token");
      write(tokenFile, "s3cret\n");
      const running = await start(t, {
        ...{ cloud_url: relay.url, protocol, token_file: tokenFile },
        default_target: { url: target.url.href },
      });
      await underLoad(t, running, (body) => publish(relay, body), target, async () => {
        const channel = relay.registry.named("dev");
        assert.ok(channel);
        const { token } = await relay.registry.rotate(channel, graceMs);
        write(tokenFile, `${token}\n`);
      });
      await running.program.line(/"config\.reloaded".*token_file/);
    });
  }
}

test("certificates replaced under load, of the relay and of a target: nothing lost, nothing twice, one reconnect", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startCountingTarget(t);
  const folder = t.folder();
  const file = (name: string) => join(folder, `${name}.pem`);
  const pem = (name: string) => readFileSync(certPath(name), "utf8");
  for (const name of ["ca", "client", "client_key"]) write(file(name), pem(name));
  const tls = {
    ca_cert_path: file("ca"),
    client_cert_path: file("client"),
    client_key_path: file("client_key"),
  };
  const secureRelay = await startTlsFront(t, new URL(relay.url));
  const secureTarget = await startTlsFront(t, target.url);
  const running = await start(t, {
    ...{ cloud_url: secureRelay.href, token: "s3cret", ...tls },
    default_target: { url: secureTarget.href, ...tls },
  });
  await underLoad(t, running, (body) => publish(relay, body), target, () => {
    write(file("ca"), pem("other_ca") + pem("ca"));
    return Promise.resolve();
  });
  const told = JSON.parse(await running.program.line(/"config\.reloaded"/)).changed.join("\n");
  assert.match(told, /^ca_cert_path: .*, another$/m);
  assert.match(told, /^default_target\.ca_cert_path: .*, another$/m);
  assert.equal(count(running.program, "stream.connected"), 2);
});

test("a refused token makes its file be read again before anything else", async (t) => {
  const relay = await startDevRelay(t);
  const target = await startTarget(t);
  const tokenFile = join(t.folder(), "token");
  write(tokenFile, "s3cret");
  const running = await start(t, {
    ...{ cloud_url: relay.url, token_file: tokenFile, exit_on_auth_failure: true },
    default_target: { url: target.url.href },
  });
  const channel = relay.registry.named("dev");
  assert.ok(channel);
  // Over long before the file is looked at by itself; then the relay ends the connection.
  const { token } = await relay.registry.rotate(channel, 200);
  write(tokenFile, token);
  await running.program.line(/"stream\.connected"/, 2);
  await publish(relay, "x");
  await target.arrived(1);
  // Also when the other settings cannot be read at the moment.
  write(running.path, "{");
  const again = await relay.registry.rotate(channel, 200);
  write(tokenFile, again.token);
  await running.program.line(/"stream\.connected"/, 3);
  write(tokenFile, "wrong");
  await relay.registry.rotate(channel, 0);
  assert.equal(await running.program.ended, 77);
});

test("after a reload to another relay the page names that one", async (t) => {
  const [before, after] = [await startDevRelay(t), await startDevRelay(t)];
  const target = await startTarget(t);
  const running = await start(t, {
    cloud_url: before.url,
    token: "s3cret",
    default_target: { url: target.url.href },
  });
  const page = async () => await (await fetch(running.url)).text();
  const nameOf = ({ url }: { url: string }) => `dev at ${new URL(url).host}`;
  assert.match(await page(), new RegExp(nameOf(before)));
  running.configure({ cloud_url: after.url });
  const reloaded = await running.reload();
  assert.equal(reloaded.status, 200, await reloaded.text());
  assert.match(await page(), new RegExp(nameOf(after)));
  assert.doesNotMatch(await page(), new RegExp(nameOf(before)));
});
