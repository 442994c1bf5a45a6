/** Several relays and channels in one process. */
import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../src/config/config_error.ts";
import { readConfigFile } from "../../src/config/read_config_file.ts";
import { loadConnections } from "../../src/config/load_connections.ts";
import { mergeMetrics } from "../../src/observe/merge_metrics.ts";
import { startProgram } from "../support/program.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

const statusToken = "status-t0ken";

function write(path: string, content: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(content), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

async function start(t: TestContext, content: Record<string, unknown>) {
  const path = join(t.folder(), "connector.json");
  const base = {
    channel: "dev",
    token: "s3cret",
    status_listen: "127.0.0.1:0",
    status_token: statusToken,
    log_level: "debug",
    journal: "memory",
    reconnect_delay: 0.02,
  };
  const configure = (connections: unknown) => write(path, { ...base, ...content, connections });
  configure(content["connections"]);
  const program = startProgram(t, ["connect", "--config", path]);
  const { url } = JSON.parse(await program.line(/"status\.listening"/)) as { url: string };
  const ask = async (method: string, path: string) => {
    const headers = { Authorization: `Bearer ${statusToken}` };
    const answer = await fetch(`${url}${path}`, { method, headers });
    return { status: answer.status, text: await answer.text() };
  };
  return { path, url, program, configure, ask };
}

test("each connection has its own relay, target and figures; a flood in one does not starve another", async (t) => {
  const [flooded, quiet] = [await startDevRelay(t), await startDevRelay(t)];
  const held = Promise.withResolvers<void>();
  const stuck = await startTarget(t, () => held.promise.then(() => 200));
  const swift = await startTarget(t);
  const { path, url, program, ask } = await start(t, {
    max_queue_messages: 5,
    max_concurrent_requests: 2,
    connections: {
      flooded: { cloud_url: flooded.url, default_target: { url: stuck.url.href } },
      quiet: { cloud_url: quiet.url, default_target: { url: swift.url.href } },
    },
  });
  await program.line(/"stream\.connected"/, 2);
  for (let i = 0; i < 20; i++) await publish(flooded, String(i));
  await program.line(/"stream\.backpressure".*"connection":"flooded"|"delivery\.received"/, 5);
  await stuck.arrived(2);
  for (let i = 0; i < 10; i++) await publish(quiet, String(i));
  await swift.arrived(10);
  await program.line(/"settlement\.confirmed".*"connection":"quiet"/, 10);
  assert.equal(stuck.got.length, 2);

  const metrics = (await ask("GET", "/metrics")).text;
  for (
    const sample of [
      /^hookferry_messages_received_total\{connection="quiet"\} 10$/m,
      /^hookferry_deliveries_total\{connection="quiet",target="default",outcome="delivered"\} 10$/m,
      /^hookferry_in_flight\{connection="flooded",target="default"\} 2$/m,
      new RegExp(
        `^hookferry_connection_info\\{connection="quiet",relay="${
          new URL(quiet.url).host
        }",channel="dev"\\} 1$`,
        "m",
      ),
    ]
  ) assert.match(metrics, sample);
  assert.equal(metrics.match(/^# TYPE hookferry_messages_received_total /gm)?.length, 1);
  const status = JSON.parse((await ask("GET", "/status")).text);
  assert.equal(status.connections.quiet.totals.delivered, 10);
  assert.equal(status.connections.flooded.totals.delivered, 0);
  const told = startProgram(t, ["status", "--config", path, "--status-listen", new URL(url).host]);
  assert.equal(await told.ended, 0, told.stderr.join("\n"));
  for (const name of ["flooded", "quiet"]) assert.ok(told.stdout.includes(name));
  const ready = await ask("GET", "/readyz");
  assert.equal(ready.status, 200, ready.text);
  assert.equal(JSON.parse(ready.text).readyConnections, 2);
  held.resolve();
  await stuck.arrived(20);
  await program.line(/"settlement\.confirmed".*"connection":"flooded"/, 20);
  program.terminate();
  assert.equal(await program.ended, 0);
});

test("a reload begins a new connection, ends one that is gone, and leaves the others alone", async (t) => {
  const relays = [await startDevRelay(t), await startDevRelay(t), await startDevRelay(t)];
  const target = await startTarget(t);
  const [a, b, c] = relays.map(({ url }) => ({
    cloud_url: url,
    default_target: { url: target.url.href },
  }));
  const { program, configure, ask } = await start(t, { connections: { a, b } });
  await program.line(/"stream\.connected"/, 2);
  configure({ a, c });
  const reloaded = await ask("POST", "/-/reload");
  assert.equal(reloaded.status, 200, reloaded.text);
  assert.match(reloaded.text, /connections\.c\.cloud_url/);
  assert.deepEqual(JSON.parse(reloaded.text).needs_restart, []);
  await program.line(/"stream\.connected".*"connection":"c"/);
  await program.line(/"connector\.stopped".*"connection":"b"/);
  const [first, , third] = relays;
  assert.ok(first && third);
  await publish(first, "1");
  await publish(third, "2");
  await program.line(/"settlement\.confirmed"/, 2);
  const connecting = program.stderr.filter((line) => line.includes(`"stream.connecting"`));
  assert.equal(connecting.filter((line) => line.includes(`"connection":"a"`)).length, 1);
  const status = JSON.parse((await ask("GET", "/status")).text);
  assert.deepEqual(Object.keys(status.connections), ["a", "c"]);
  // What is of the process is told in the figures of those that are there, and of one that is gone there are none.
  const metrics = (await ask("GET", "/metrics")).text;
  const reloads = /^hookferry_config_last_reload_successful\{connection="(\w)"\} 1$/gm;
  assert.deepEqual([...metrics.matchAll(reloads)].map(([, name]) => name), ["a", "c"]);
  for (const text of [metrics, (await ask("GET", "/readyz")).text]) {
    assert.doesNotMatch(text, /connection="b"|"b\//);
  }
  program.terminate();
  assert.equal(await program.ended, 0);
});

test("a pause is of the process: connections that a reload adds or renames are in it, and end it with the others", async (t) => {
  for (
    const [query, forMs] of [["", undefined], [
      "?for_seconds=3600",
      /"forMs":3[56]\d{5}\b/,
    ]] as const
  ) {
    const [first, second] = [await startDevRelay(t), await startDevRelay(t)];
    const target = await startTarget(t);
    const connection = ({ url }: { url: string }) => ({
      cloud_url: url,
      default_target: { url: target.url.href },
    });
    const { program, configure, ask } = await start(t, { connections: { old: connection(first) } });
    await program.line(/"stream\.connected"/);
    assert.equal((await ask("POST", `/-/pause${query}`)).status, 200);
    configure({ renamed: connection(first), added: connection(second) });
    assert.equal((await ask("POST", "/-/reload")).status, 200);
    await Promise.all([publish(first, "1"), publish(second, "2")]);
    const { connections } = JSON.parse((await ask("GET", "/status")).text);
    assert.deepEqual([connections.renamed.paused, connections.added.paused], [true, true]);
    assert.equal((await ask("POST", "/-/resume")).status, 200);
    for (const name of ["renamed", "added"]) {
      await program.line(new RegExp(`"settlement\\.confirmed".*"connection":"${name}"`));
      const told = program.stderr.filter((line) => line.includes(`"connection":"${name}"`));
      const order = ["connector.paused", "connector.resumed", "delivery.received"];
      const events = told.map((line) => JSON.parse(line).event).filter((one) =>
        order.includes(one)
      );
      assert.deepEqual(events, order);
      const paused = told.find((line) => line.includes(`"connector.paused"`)) ?? "";
      if (forMs) assert.match(paused, forMs);
      else assert.doesNotMatch(paused, /forMs/);
    }
    program.terminate();
    assert.equal(await program.ended, 0);
  }
});

test("when their relays go away the log tells it of each connection at once", async (t) => {
  const relays = [await startDevRelay(t), await startDevRelay(t)];
  const target = await startTarget(t);
  const [east, west] = relays.map(({ url }) => ({
    cloud_url: url,
    default_target: { url: target.url.href },
  }));
  const { program } = await start(t, { log_level: "info", connections: { east, west } });
  await program.line(/"stream\.connected"/, 2);
  await Promise.all(relays.map((relay) => relay.stop(1_000)));
  for (const event of ["disconnected", "failed"]) {
    for (const name of ["east", "west"]) {
      const line = await program.line(
        new RegExp(`"stream\\.${event}".*"connection":"${name}"`),
      );
      assert.doesNotMatch(line, /"repeated"/);
    }
  }
});

test("standard output says of which connection each line is", async (t) => {
  for (
    const [output, says] of [
      ["text", "connected  NAME: over"],
      ["json", '"connection":"NAME"'],
    ] as const
  ) {
    const relays = [await startDevRelay(t), await startDevRelay(t)];
    const [east, west] = relays.map(({ url }) => ({ cloud_url: url }));
    const target = await startTarget(t);
    const { program } = await start(t, {
      output,
      default_target: { url: target.url.href },
      connections: { east, west },
    });
    await program.line(/"stream\.connected"/, 2);
    program.terminate();
    assert.equal(await program.ended, 0);
    const text = program.stdout.join("\n");
    for (const name of ["east", "west"]) assert.ok(text.includes(says.replace("NAME", name)), text);
  }
});

test("pause, dead letters and replay are of all connections", async (t) => {
  const [one, two] = [await startDevRelay(t), await startDevRelay(t)];
  let isWell = false;
  const target = await startTarget(t, () => isWell ? 200 : 400);
  const connection = (url: string) => ({
    cloud_url: url,
    default_target: { url: target.url.href },
  });
  const { program, ask } = await start(t, {
    connections: { one: connection(one.url), two: connection(two.url) },
  });
  await program.line(/"stream\.connected"/, 2);
  const ids = [await publish(one, "1"), await publish(two, "2")];
  await program.line(/"dead_letter\.stored"/, 2);
  const listed = JSON.parse((await ask("GET", "/-/dead-letters")).text).dead_letters;
  assert.deepEqual(
    listed.map(({ message_id }: { message_id: string }) => message_id).sort(),
    ids.toSorted(),
  );
  isWell = true;
  for (const id of ids) {
    const replayed = await ask("POST", `/-/dead-letters/${id}/replay`);
    assert.match(replayed.text, /"delivered"/);
  }
  assert.equal((await ask("POST", "/-/pause")).status, 200);
  await program.line(/"connector\.paused"/, 2);
  assert.equal((await ask("GET", "/readyz")).status, 503);
});

test("what is wrong with connections is told, of all at once, with the line", (t) => {
  const path = join(t.folder(), "c.yaml");
  writeFileSync(
    path,
    [
      "token: t",
      "default_target: { url: 'http://127.0.0.1:1/' }",
      "connections:",
      "  eu:",
      "    cloud_url: https://eu.example",
      "    chanel: orders",
      "  us:",
      "    cloud_url: https://us.example",
      "    channel: orders",
      "    log_level: debug",
      "  us2:",
      "    cloud_url: https://us.example",
      "    channel: orders",
      "  a b: {}",
    ].join("\n"),
    { mode: 0o600 },
  );
  const layers = { file: readConfigFile(path), env: {}, flags: {} };
  let problems = "";
  try {
    loadConnections(layers);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    problems = error.problems.join("\n");
  }
  for (
    const says of [
      /^connections\.eu\.chanel: unknown key in file .*:6, did you mean channel\?$/m,
      /^connections\.eu\.channel: is required$/m,
      /^connections\.us\.log_level: is for the whole process: .*:10\)$/m,
      /^connections: "a b": use up to 64 letters/m,
    ]
  ) assert.match(problems, says);
  const { channel: _, ...same } = {
    channel: "orders",
    cloud_url: "https://us.example",
    token: "t",
  };
  const twice = () =>
    loadConnections({
      ...layers,
      file: {
        path: "/x.json",
        content: {
          ...same,
          channel: "c",
          default_target: { url: "http://127.0.0.1:1/" },
          connections: { a: {}, b: {} },
        },
      },
    });
  assert.throws(twice, /connections\.b: has the channel c at https:\/\/us\.example\/, as a has/);
});

test("what is wrong at the top of a file with connections, in a variable or in a flag, is told once, with its own path", (t) => {
  const path = join(t.folder(), "c.yaml");
  writeFileSync(
    path,
    [
      "token: t",
      "chanel: orders",
      "protocol: pigeon",
      "profile: none",
      "default_target: { url: 'http://127.0.0.1:1/', timeout: 5 }",
      "connections:",
      "  eu: { cloud_url: https://eu.example, channel: '${NOT_SET}' }",
      "  us: { cloud_url: https://us.example, protocol: dove }",
    ].join("\n"),
    { mode: 0o600 },
  );
  const layers = {
    file: readConfigFile(path),
    env: { CONNECTOR_LOG_LEVEL: "loud" },
    flags: { reconnect_delay: "soon" },
  };
  assert.throws(() => loadConnections(layers), (error) => {
    assert.ok(error instanceof ConfigError);
    const paths = error.problems.map((problem) => problem.split(":")[0]);
    assert.deepEqual(paths.sort(), [
      "chanel",
      "connections.eu.channel", // ${NOT_SET}
      "connections.eu.channel", // which is no name
      "connections.us.channel",
      "connections.us.protocol",
      "default_target.timeout",
      "log_level",
      "profile",
      "protocol",
      "reconnect_delay",
    ]);
    return true;
  });
});

test("a connection without a target, and one that is no object, are told by their names", () => {
  const connections = { eu: { cloud_url: "https://eu.example", channel: "c" }, us: 5 };
  const file = { path: "/x.json", content: { token: "t", connections } };
  assert.throws(() => loadConnections({ file, env: {}, flags: {} }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /^ {2}- connections\.eu: no target: set default_target/m);
    assert.match(error.message, /^ {2}- connections\.us: must be an object$/m);
    return true;
  });
});

const fleet = {
  token: "t",
  default_target: { url: "http://127.0.0.1:1/hooks" },
  connections: {
    eu: { cloud_url: "https://eu.example", channel: "orders" },
    us: {
      cloud_url: "https://us.example",
      channel: "orders",
      default_target: null,
      targets: { stripe: { url: "http://127.0.0.1:2/" } },
    },
  },
};

test("config explain tells of each connection what becomes of a message; 1 where none takes it", async (t) => {
  const [path, message] = [join(t.folder(), "c.json"), join(t.folder(), "m.json")];
  write(path, fleet);
  const explained = async (webhookId: string) => {
    write(message, { webhook_id: webhookId });
    const program = startProgram(t, ["config", "explain", message, "--config", path]);
    return { code: await program.ended, ...program };
  };
  const { code, stdout, stderr } = await explained("other");
  assert.equal(code, 0, stderr.join("\n"));
  assert.deepEqual(stdout.filter((line) => /^(connection|route|no target)/.test(line)), [
    "connection eu",
    "route   the default target, one target",
    "connection us",
    "no target: neither targets.other nor default_target; it goes back to the relay",
  ]);
  write(path, { ...fleet, connections: { us: fleet.connections.us } });
  assert.equal((await explained("other")).code, 1);
});

test("dead-letters of connections that do not run says so, and what to do", async (t) => {
  const path = join(t.folder(), "c.json");
  write(path, fleet);
  const program = startProgram(t, [
    ...["dead-letters", "list", "--config", path, "--status-listen", "127.0.0.1:1"],
  ]);
  assert.equal(await program.ended, 1);
  assert.deepEqual(program.stderr, [
    "hookferry: no connector is running, and dead letters of several connections (eu, us) are told " +
    "by the running one alone: start it (hookferry connect), then ask again",
  ]);
});

test("metrics of several are one text: a label more, HELP and TYPE once", () => {
  const text = (value: number) =>
    `# HELP x_total Things.\n# TYPE x_total counter\nx_total{a="b c"} ${value}\n\n` +
    `# HELP y Other.\n# TYPE y gauge\ny ${value}\n`;
  assert.equal(
    mergeMetrics(new Map([["one", text(1)], ["two", text(2)]])),
    '# HELP x_total Things.\n# TYPE x_total counter\nx_total{connection="one",a="b c"} 1\n' +
      'x_total{connection="two",a="b c"} 2\n\n' +
      '# HELP y Other.\n# TYPE y gauge\ny{connection="one"} 1\ny{connection="two"} 2\n',
  );
});

test("a stop while a connection that was taken out finishes what is in hand: what it gives back is told by the exit code", async (t) => {
  const [gone, stays] = [await startDevRelay(t), await startDevRelay(t)];
  const target = await startTarget(t, () => new Promise(() => {}));
  const of = (relay: { readonly url: string }) => ({
    cloud_url: relay.url,
    default_target: { url: target.url.href },
  });
  const connections = { gone: of(gone), stays: of(stays) };
  const { configure, program } = await start(t, { connections, shutdown_grace_seconds: 0.5 });
  await program.line(/"stream\.connected"/, 2);
  await publish(gone, "in hand");
  await target.arrived(1);
  configure({ stays: connections.stays });
  await program.line(/"connector\.draining".*"connection":"gone"/);
  program.terminate();
  assert.equal(await program.ended, 75);
  assert.match(program.stderr.join("\n"), /"connector\.stopped".*"connection":"gone"/);
  assert.equal(gone.registry.named("dev")?.channel.stats.queued, 1);
});
