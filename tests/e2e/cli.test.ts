/** The commands as a person or a script meets them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseConnectString } from "../../src/cli/connect_string.ts";
import { configSchema } from "../../src/config/schema.ts";
import { shellWord } from "../../src/cli/quoting.ts";
import { checkSignature } from "../../src/cli/signature_check.ts";
import { programCommand, programEnv, startProgram } from "../support/program.ts";
import { startHttpServer } from "../support/http_server.ts";
import { startDevRelay, startTarget } from "../support/rig.ts";
import { test, type TestContext } from "../support/test.ts";

function folderWith(t: TestContext, files: Record<string, string>): string {
  const folder = t.folder();
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
  return folder;
}

for (
  const command of [
    "",
    "connect",
    "relay",
    "dev",
    "send",
    "config",
    "doctor",
    "dead-letters",
    "pause",
    "resume",
    "rotate-token",
    "service",
    "status",
    "healthcheck",
    "version",
    "completions",
    "man",
  ]
) {
  test(`the help of "${command}" fits a screen and shows an example`, async (t) => {
    const program = startProgram(t, command === "" ? ["help"] : [command, "--help"]);
    assert.equal(await program.ended, 0);
    assert.ok(program.stdout.length <= 24, `${program.stdout.length} lines`);
    for (const line of program.stdout) assert.ok(line.length <= 80, line);
    assert.match(program.stdout.slice(1).join("\n"), new RegExp(`hookferry ${command}`));
  });
}

test("help COMMAND is the help of the command", async (t) => {
  const [asked, flag] = [["help", "relay"], ["relay", "--help"]].map((args) =>
    startProgram(t, args)
  );
  assert.equal(await asked?.ended, 0);
  await flag?.ended;
  assert.deepEqual(asked?.stdout, flag?.stdout);
  const none = startProgram(t, ["help", "relais"]);
  assert.equal(await none.ended, 2);
  assert.match(none.stderr.join(""), /unknown command "relais"/);
});

test("the exit codes that a help lists are those that happen", async (t) => {
  const { url } = await startHttpServer(t);
  const taken = new URL(url).host;
  const bad = join(folderWith(t, { "bad.json": "{" }), "bad.json");
  const well = ["--cloud-url", url, "--channel", "c", "--to", "1", "--journal", "memory"];
  const nobody = ["--status-listen", "127.0.0.1:1"];
  const asking = ["status", "healthcheck", "pause", "resume"];
  for (
    const [code, ...args] of [
      ...asking.map((command) => [1, command, ...nobody] as const),
      [1, "connect", ...well, "--status-listen", taken],
      [1, "relay", "--listen", taken, "--durability", "memory"],
      [1, "doctor", ...well, "--cloud-url", "http://127.0.0.1:1"],
      [1, "dead-letters", "show", "msg_1", ...well, "--journal", `sqlite:${t.folder()}`, ...nobody],
      [1, "send", "http://127.0.0.1:1"],
      [2, "send"],
      [2, "dead-letters", "lst"],
      ...[...asking, "connect", "relay", "doctor"].map((command) => [2, command, "--no"] as const),
      [78, "relay", "--webhooks", bad],
      [78, "dead-letters", "list", "--config", bad],
      ...["pause", "resume", "connect", "doctor"].map((command) =>
        [78, command, "--config", bad] as const
      ),
      ...asking.map((command) => [78, command, "--config", `${bad}.not`] as const),
    ] as const
  ) {
    const [command = ""] = args;
    const ran = startProgram(t, [...args], { CONNECTOR_TOKEN: "t" });
    assert.equal(await ran.ended, code, `${args.join(" ")}: ${ran.stderr.join("\n")}`);
    const help = startProgram(t, [command, "--help"]);
    await help.ended;
    const listed = /Exit codes: [^.]*/.exec(help.stdout.join(" "))?.[0] ?? "";
    assert.match(listed, new RegExp(`\\b${code}\\b`), `${command}: ${listed}`);
  }
});

test("without a command it is connect", async (t) => {
  const program = startProgram(t, ["--channel", "../x"]);
  assert.equal(await program.ended, 78);
  assert.match(program.stderr.join("\n"), /channel: "\.\.\/x" from flag --channel/);
});

test("config show tells every value and where it came from, and no secret", async (t) => {
  const folder = folderWith(t, {
    "connector.json": JSON.stringify({
      channel: "orders",
      token: "hidden-token",
      heartbeat_timeout: 20,
      default_target: { url: "http://127.0.0.1:3000/", headers: { "X-Key": "hidden-header" } },
    }),
  });
  const program = startProgram(
    t,
    [
      "config",
      "show",
      "--config",
      join(folder, "connector.json"),
      "--no-verify-ssl",
      "--allow-insecure",
    ],
    { CONNECTOR_CLOUD_URL: "https://relay.example" },
  );
  assert.equal(await program.ended, 0, program.stderr.join("\n"));
  const shown = program.stdout.join("\n");
  for (
    const line of [
      /^cloud_url = "https:\/\/relay\.example" {2}\(environment CONNECTOR_CLOUD_URL\)$/m,
      /^channel = "orders" {2}\(file .*connector\.json:1\)$/m,
      /^token = \*\*\* {2}\(file /m,
      /^verify_ssl = false {2}\(flag --verify-ssl\)$/m,
      /^ack_timeout = 30 {2}\(default\)$/m,
      /^default_target\.headers\.X-Key = \*\*\* {2}\(file .*connector\.json:1\)$/m,
      /^default_target\.retry_max_attempts = 3 {2}\(default\)$/m,
    ]
  ) assert.match(shown, line);
  assert.doesNotMatch(shown, /hidden/);
});

test("config check tells all problems and ends with 78, or says that all is well", async (t) => {
  const folder = folderWith(t, { "a.yaml": "channel: ../x\ntoken: t\nheartbeat_timout: 5\n" });
  const bad = startProgram(t, ["config", "check", "--config", join(folder, "a.yaml")]);
  assert.equal(await bad.ended, 78);
  for (const part of [/channel: /, /did you mean heartbeat_timeout/, /cloud_url: is required/]) {
    assert.match(bad.stderr.join("\n"), part);
  }
  const good = startProgram(
    t,
    ["config", "check", "--cloud-url", "https://x.example", "--channel", "c", "--to", "3000"],
    { CONNECTOR_TOKEN: "t" },
  );
  assert.equal(await good.ended, 0, good.stderr.join("\n"));
  assert.deepEqual(good.stdout, ["the configuration is valid"]);
});

test("config schema prints a JSON Schema with every target key", async (t) => {
  const program = startProgram(t, ["config", "schema"]);
  assert.equal(await program.ended, 0);
  const schema = JSON.parse(program.stdout.join("\n"));
  assert.equal(schema.properties.protocol.default, "auto");
  assert.equal(schema.additionalProperties, false);
  assert.ok("retry_max_attempts" in schema.$defs.target.properties);
});

for (const name of ["github.push", "stripe", "standard", "plain"]) {
  test(`send --sample ${name} posts it, signed as the provider signs`, async (t) => {
    const target = await startTarget(t);
    const program = startProgram(
      t,
      ["send", `${target.url.href}/x`, "--sample", name, "--count", "2"],
      { HOOKFERRY_SIGNING_SECRET: "whsec_aG9va2ZlcnJ5" },
    );
    assert.equal(await program.ended, 0, program.stderr.join("\n"));
    assert.equal(target.got.length, 2);
    assert.match(program.stdout[1] ?? "", /^2\/2 {2}\S+ {2}200/);
    for (const { headers, body } of target.got) {
      const isValid = checkSignature(headers, body, "whsec_aG9va2ZlcnJ5");
      assert.equal(isValid, name === "plain" ? undefined : true);
      if (name !== "plain") assert.equal(checkSignature(headers, body, "another"), false);
    }
  });
}

test("send ends with 1 when a sample is refused or nobody answers, with 2 when it is used wrongly", async (t) => {
  const target = await startTarget(t, () => 404);
  const refused = startProgram(t, ["send", target.url.href]);
  assert.equal(await refused.ended, 1);
  const nobody = startProgram(t, ["send", "http://127.0.0.1:1/x"]);
  assert.equal(await nobody.ended, 1);
  assert.match(nobody.stdout.join("\n"), /cannot post to http:\/\/127\.0\.0\.1:1\/x/);
  for (
    const args of [
      ...[[], ["ftp://x"], ["http://x", "--sample", "tea"], ["http://x", "--count", "0"]],
      ["http://x", "--count", "0x10"],
    ]
  ) {
    assert.equal(await startProgram(t, ["send", ...args]).ended, 2, args.join(" "));
  }
});

test("connect with a limit on attempts ends with 69 when the relay cannot be reached", async (t) => {
  const program = startProgram(
    t,
    [
      ...["connect", "--cloud-url", "http://127.0.0.1:1", "--channel", "c", "--to", "3000"],
      ...["--max-connect-attempts", "2", "--reconnect-delay", "0.01", "--protocol", "sse"],
      ...["--status-listen", "off", "--token-stdin"],
    ],
    {},
    "t0ken\n",
  );
  assert.equal(await program.ended, 69, program.stderr.join("\n"));
  assert.match(program.stderr.join("\n"), /cannot open the SSE stream at http:\/\/127\.0\.0\.1:1/);
});

test("the human log has one readable line an event and no colour off a terminal", async (t) => {
  const relay = await startDevRelay(t);
  const program = startProgram(t, [
    ...["connect", "--cloud-url", relay.url, "--channel", "dev", "--to", "3000"],
    ...["--status-listen", "off", "--log-format", "human"],
  ], { CONNECTOR_TOKEN: "s3cret" });
  await program.line(/stream\.connected/);
  program.terminate();
  assert.equal(await program.ended, 0);
  for (const line of program.stderr) {
    assert.match(line, /^\d\d:\d\d:\d\d\.\d{3} INF [a-z]+\.[a-z_]+( [A-Za-z]+=\S.*)?$/);
  }
});

test("a status port that was asked for and is taken is an error in one line", async (t) => {
  const relay = await startDevRelay(t);
  const taken = new URL(relay.url).host;
  const base = ["connect", "--cloud-url", relay.url, "--channel", "dev", "--to", "3000"];
  const env = { CONNECTOR_TOKEN: "s3cret" };
  const asked = startProgram(t, [...base, "--status-listen", taken], env);
  assert.equal(await asked.ended, 1);
  assert.match(asked.stderr.join("\n"), new RegExp(`cannot listen on ${taken}`));
  assert.doesNotMatch(asked.stderr.join("\n"), /^\s+at /m);
});

test("relay prints lines that work where they are pasted, also on IPv6 and behind a proxy", async (t) => {
  const printed = async (...args: string[]) => {
    const program = startProgram(t, ["relay", ...args]);
    const line = await program.line(/^connect /);
    const { url, channel } = parseConnectString(/'(.*)'/.exec(line)?.[1] ?? "") ?? {};
    assert.equal(channel, "default");
    return { line, url: url ?? "" };
  };
  const plain = await printed("--listen", "[::1]:0");
  assert.match(plain.url, /^http:\/\/\[::1\]:\d+$/);
  assert.match(plain.line, /\| hookferry connect --from - --to 3000$/);
  const health = await fetch(`${plain.url}/healthz`);
  assert.deepEqual(await health.json(), { status: "ok" });
  const all = await printed("--listen", "0.0.0.0:0");
  assert.doesNotMatch(all.url, /0\.0\.0\.0/);
  assert.match(all.line, /--allow-insecure$/);
  const proxied = await printed("--listen", "127.0.0.1:0", "--public-url", "https://r.example/x/");
  assert.equal(proxied.url, "https://r.example/x");
});

test("a relay that is told what it cannot print or compare says so before it makes anything", async (t) => {
  const data = join(t.folder(), "data");
  const ended = async (args: string[], env: Record<string, string>, says: RegExp) => {
    const relay = startProgram(
      t,
      ["relay", "--listen", "127.0.0.1:0", "--data", data, ...args],
      env,
    );
    void relay.line(/^listening/).then(() => relay.terminate(), () => {});
    assert.equal(await relay.ended, 2, `${args} ${relay.stderr.join("\n")}`);
    assert.match(relay.stderr.join("\n"), says);
    assert.doesNotMatch(relay.stderr.join("\n"), /adm1n|pass/);
  };
  const urls = [
    "relay.example",
    "",
    "relay.example:443",
    "https://me:pass@r.example",
    "https://r/?a",
  ];
  for (const url of urls) await ended([`--public-url=${url}`], {}, /--public-url.*: use a URL/);
  for (const token of ["adm1n\n", "adm1n ", "a\tb", "adm\u00efn"]) {
    await ended([], { WEBHOOK_CONNECT_ADMIN_TOKEN: token }, /ADMIN_TOKEN: has characters.* space/);
  }
  assert.equal(existsSync(data), false);
});

test("an admin token and a status token may be several words", async (t) => {
  const words = "correct horse battery";
  const relay = startProgram(t, [
    ...["relay", "--listen", "127.0.0.1:0", "--durability", "memory"],
  ], { WEBHOOK_CONNECT_ADMIN_TOKEN: words });
  const line = /'(.*)'/.exec(await relay.line(/^connect /))?.[1] ?? "";
  const { origin } = new URL((await relay.line(/^listening/)).split(/\s+/)[1] ?? "");
  const rotate = startProgram(t, ["rotate-token", "default", "--url", origin], {
    WEBHOOK_CONNECT_ADMIN_TOKEN: words,
  });
  assert.equal(await rotate.ended, 0, rotate.stderr.join());
  const env = { CONNECTOR_STATUS_TOKEN: words };
  const connector = startProgram(
    t,
    [
      ...["connect", "--from", "-", "--to", "9", "--status-listen", "127.0.0.1:0"],
    ],
    env,
    line,
  );
  const { url } = JSON.parse(await connector.line(/"status\.listening"/)) as { url: string };
  const pause = startProgram(t, ["pause", "--status-listen", new URL(url).host], env);
  assert.equal(await pause.ended, 0, pause.stderr.join());
});

test("the channel of the first start is there after a restart, with its token, which is not shown again", async (t) => {
  const data = join(folderWith(t, {}), "data");
  const args = ["relay", "--listen", "127.0.0.1:0", "--data", data];
  const first = startProgram(t, args);
  const line = /'(.*)'/.exec(await first.line(/^connect /))?.[1] ?? "";
  first.terminate();
  assert.equal(await first.ended, 0);
  const second = startProgram(t, args);
  const url = (await second.line(/^post to /)).split(/\s+/)[2] ?? "";
  assert.doesNotMatch(second.stdout.join(), /connect/);
  const status = await fetch(new URL("/connect/status/default", url), {
    headers: { Authorization: `Bearer ${parseConnectString(line)?.token}` },
  });
  await status.body?.cancel();
  assert.equal(status.status, 200);
});

test("connect --from - refuses what is no line of a relay, and the line itself as an argument", async (t) => {
  const empty = startProgram(t, ["connect", "--from", "-"], {}, "https://x\n");
  assert.equal(await empty.ended, 2);
  const seen = startProgram(t, ["connect", "--from", "hookferry+https://c:hidden-token@x"]);
  assert.equal(await seen.ended, 2);
  assert.doesNotMatch(seen.stderr.join(), /hidden-token/);
});

test("rotate-token prints the new token alone, and says what is wrong otherwise", async (t) => {
  const relay = await startDevRelay(t, {}, { adminToken: "adm1n" });
  const rotate = (channel: string, adminToken: string, ...args: string[]) =>
    startProgram(t, ["rotate-token", channel, "--url", relay.url, ...args], {
      WEBHOOK_CONNECT_ADMIN_TOKEN: adminToken,
    });
  const done = rotate("dev", "adm1n", "--grace", "0");
  assert.equal(await done.ended, 0, done.stderr.join());
  assert.match(done.stdout.join(), /^ch_tok_[0-9a-f]{48}$/);
  const status = async (token: string) => {
    const response = await fetch(`${relay.url}/connect/status/dev`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    await response.body?.cancel();
    return response.status;
  };
  assert.deepEqual([await status("s3cret"), await status(done.stdout[0] ?? "")], [401, 200]);
  const unknown = rotate("nope", "adm1n");
  assert.equal(await unknown.ended, 1);
  assert.match(unknown.stderr.join(), /404.*Channel not found/);
  const refused = rotate("dev", "wrong-admin");
  assert.equal(await refused.ended, 1);
  assert.match(refused.stderr.join(), /401/);
  assert.doesNotMatch(refused.stderr.join(), /wrong-admin/);
  for (const none of ["", "adm1n\n"]) assert.equal(await rotate("dev", none).ended, 2);
  // An empty one, as of a variable that is not set, must not revoke at once.
  for (const grace of ["", "0x10", "-1", "soon"]) {
    assert.equal(await rotate("dev", "adm1n", `--grace=${grace}`).ended, 2, grace);
  }
});

test("a relay that cannot start says why in one line and ends", async (t) => {
  const taken = new URL((await startDevRelay(t)).url).host;
  const onPort = startProgram(t, ["relay", "--listen", taken]);
  assert.equal(await onPort.ended, 1, onPort.stderr.join());
  assert.match(onPort.stderr.join(), new RegExp(`cannot listen on ${taken}`));
  const store = startProgram(t, ["relay", "--store", "http://me:s3cret@nats"]);
  assert.equal(await store.ended, 2);
  assert.match(store.stderr.join(""), /--store \(HOOKFERRY_STORE\): use nats:/);
  assert.doesNotMatch(store.stderr.join(""), /s3cret/);
  const nobody = startProgram(t, ["relay"], { HOOKFERRY_STORE: "nats://me:s3cret@127.0.0.1:1" });
  assert.equal(await nobody.ended, 1, "it may be there at the next start");
  assert.match(nobody.stderr.join(""), /cannot use the NATS server 127\.0\.0\.1:1: /);
  assert.doesNotMatch(nobody.stderr.join(""), /s3cret/);
  const choice = startProgram(t, ["relay", "--durability", "most"]);
  assert.equal(await choice.ended, 2);
  assert.match(choice.stderr.join(), /use one of full, normal, memory/);
});

for (const args of [["help"], ["config", "schema"], ["version"]]) {
  test(`${args.join(" ")} for a reader that has gone ends well, without a word`, (t) => {
    const command = programCommand(args).map(shellWord).join(" ");
    const { status, stderr } = spawnSync("bash", ["-c", `set -o pipefail; ${command} | true`], {
      env: programEnv(t.folder()),
      encoding: "utf8",
    });
    assert.deepEqual([status, stderr], [0, ""]);
  });
}

test("a reader that takes its time gets all of it", (t) => {
  const command = programCommand(["config", "schema"]).map(shellWord).join(" ");
  const { stdout } = spawnSync("bash", ["-c", `${command} | (sleep 2; cat)`], {
    env: programEnv(t.folder()),
    encoding: "utf8",
  });
  assert.equal(stdout, `${JSON.stringify(configSchema(), null, 2)}\n`);
});

test("a slip on the command line is told in a line or two, with what was meant", async (t) => {
  const says: readonly (readonly [args: string[], code: number, says: RegExp])[] = [
    [
      ["devv"],
      2,
      /^hookferry: unknown command "devv", did you mean dev\?\nhookferry help lists them$/,
    ],
    [["dev", "--too", "3000"], 2, /^hookferry: unknown flag "--too", did you mean --to\?$/],
    [["dev", "--port", "3000"], 2, /^hookferry: unknown flag "--port"/],
    [["relay", "--listen", "70000"], 2, /use HOST:PORT/],
    [[], 78, /hookferry dev shows it at work, hookferry help lists all$/],
  ];
  for (const [args, code, pattern] of says) {
    const program = startProgram(t, args);
    assert.equal(await program.ended, code, args.join(" "));
    assert.match(program.stderr.join("\n"), pattern);
  }
});

test("dev --once that does not deliver says why", async (t) => {
  const program = startProgram(t, ["dev", "--once", "--to", "1", "--output", "text"]);
  assert.equal(await program.ended, 1);
  assert.match(
    program.stderr.join("\n"),
    /the sample was not delivered: .*127\.0\.0\.1:1.*refused/,
  );
});

test("a relay that has shown its token before says how to get another one", async (t) => {
  const args = ["relay", "--listen", "127.0.0.1:0", "--data", t.folder()];
  for (const line of [/^connect +echo/, /^token +was shown .* rotate-token/]) {
    const relay = startProgram(t, args);
    await relay.line(line);
    relay.terminate();
    assert.equal(await relay.ended, 0);
  }
});
