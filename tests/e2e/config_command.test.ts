/** hookferry config: init, explain, show, and the files that are published. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readConfigFile } from "../../src/config/read_config_file.ts";
import { loadSettings } from "../../src/config/load.ts";
import { startProgram } from "../support/program.ts";
import { test, testUnless } from "../support/test.ts";
import { noTmux, startPane } from "../support/tmux.ts";

test("config init writes a sample that is valid, and the schema it names; it writes over nothing", async (t) => {
  const folder = t.folder();
  const path = join(folder, "mine.jsonc");
  const made = startProgram(t, ["config", "init", path]);
  assert.equal(await made.ended, 0, made.stderr.join("\n"));
  const { content } = readConfigFile(path);
  const schema = JSON.parse(readFileSync(join(folder, String(content["$schema"])), "utf8"));
  for (const key of Object.keys(content)) assert.ok(key in schema.properties, key);
  assert.match(readFileSync(path, "utf8"), /\/\/ Where the webhooks come from\./);
  const check = startProgram(
    t,
    ["config", "check", "--config", path],
    { CONNECTOR_TOKEN: "t" },
  );
  assert.equal(await check.ended, 0, check.stderr.join("\n"));
  const again = startProgram(t, ["config", "init", path]);
  assert.notEqual(await again.ended, 0);
  assert.match(again.stderr.join("\n"), /is there already/);
});

test("config init --ask takes answers, and what it proposes where there is none", async (t) => {
  const path = join(t.folder(), "c.jsonc");
  const made = startProgram(
    t,
    ["config", "init", "--ask", path],
    {},
    "https://relay.mine\nshop\n\n8080\n",
  );
  assert.equal(await made.ended, 0, made.stderr.join("\n"));
  const { content } = readConfigFile(path);
  const { cloud_url, channel, token_file, default_target } = content;
  assert.deepEqual({ cloud_url, channel, token_file, default_target }, {
    cloud_url: "https://relay.mine",
    channel: "shop",
    token_file: "/run/secrets/hookferry-token",
    default_target: { url: "http://127.0.0.1:8080/" },
  });
});

test("config init whose questions are given up writes nothing and ends with 130: at the end of input", async (t) => {
  const path = join(t.folder(), "c.jsonc");
  const made = startProgram(t, ["config", "init", "--ask", path], {}, "https://relay.mine\n");
  assert.equal(await made.ended, 130);
  assert.deepEqual(made.stderr, [`hookferry config init: given up, ${path} is not written`]);
  assert.equal(existsSync(path), false);
});

testUnless(
  noTmux,
  "config init whose questions are given up writes nothing and ends with 130: by Ctrl-C",
  async (t) => {
    const path = join(t.folder(), "c.jsonc");
    const pane = startPane(t, ["config", "init", path]);
    await pane.until(/URL of the relay/);
    pane.press("https://relay.mine", "Enter");
    await pane.until(/channel \[orders\]/);
    pane.press("C-c");
    await pane.until(/exit 130/);
    assert.equal(existsSync(path), false);
  },
);

const config = `
cloud_url: https://relay.example
channel: c
token: t
on_exhausted: dead_letter
default_target: { url: "http://127.0.0.1:3000/hooks" }
targets:
  stripe:
    ack: any
    to:
      - url: http://127.0.0.1:3001/stripe?fixed=1
        headers: { X-Api-Key: marked }
        timeout_seconds: 10
        retry_max_attempts: 4
        retry_delay_seconds: 2
      - url: http://127.0.0.1:3002/
        batch: { max_messages: 50 }
`;

async function explained(t: Parameters<Parameters<typeof test>[1]>[0], message: unknown) {
  const folder = t.folder();
  writeFileSync(join(folder, "c.yaml"), config, { mode: 0o600 });
  writeFileSync(
    join(folder, "m.json"),
    typeof message === "string" ? message : JSON.stringify(message),
  );
  const program = startProgram(t, [
    ...["config", "explain", join(folder, "m.json"), "--config", join(folder, "c.yaml")],
  ]);
  return { code: await program.ended, program, text: program.stdout.join("\n") };
}

test("config explain tells targets, requests and retries of a message, and no secret", async (t) => {
  const { code, text, program } = await explained(t, {
    webhook_id: "stripe",
    method: "PUT",
    path: "/a/b?x=1",
    headers: { "Stripe-Signature": "marked", "Content-Type": "application/json" },
    body: { hello: "world" },
  });
  assert.equal(code, 0, program.stderr.join("\n"));
  for (
    const says of [
      /webhook id "stripe"/,
      /targets\.stripe, 2 targets; delivered when any has it/,
      /request PUT http:\/\/127\.0\.0\.1:3001\/stripe\/a\/b\?fixed=1&x=1/,
      /Content-Type: application\/json/,
      /X-Api-Key: \*\*\*/,
      /17 bytes of body/,
      /timeout 10 s/,
      /4 attempts in all, waits of up to 2, 4, 8 s/,
      /in one json request with others: up to 50 messages/,
      /is kept here as a dead letter/,
    ]
  ) assert.match(text, says);
  assert.doesNotMatch(text, /marked/);
});

test("config explain takes a dead letter, and tells what cannot be sent and what is no message", async (t) => {
  const letter = {
    webhook_id: "other",
    headers: [["A", "b"]],
    body: "aGk=",
    body_encoding: "base64",
  };
  const known = await explained(t, { dead_letters: [letter] });
  assert.equal(known.code, 0, known.program.stderr.join("\n"));
  assert.match(known.text, /the default target, one target/);
  assert.match(known.text, /2 bytes of body/);
  const shown = await explained(t, [letter, letter]);
  assert.equal(shown.code, 0, shown.program.stderr.join("\n"));
  assert.equal(shown.text, known.text);
  const climbs = await explained(t, { ...letter, path: "/../x" });
  assert.equal(climbs.code, 1);
  assert.match(climbs.text, /cannot be sent: .* leads out of the path of the target/);
  const none = await explained(t, "[]");
  assert.equal(none.code, 2);
  assert.match(
    none.program.stderr.join("\n"),
    /^hookferry: config explain: no message in ".*m\.json": /,
  );
  const nameless = await explained(t, { body: "x" });
  assert.equal(nameless.code, 2);
  assert.match(nameless.program.stderr.join("\n"), /no message in .*webhook_id/);
});

test("the sample files are valid, in each profile, and name the published schema", () => {
  const folder = join(import.meta.dirname ?? ".", "..", "..", "examples");
  const schemaFile = join(folder, "..", "docs", "config.schema.json");
  const schema = JSON.parse(readFileSync(schemaFile, "utf8"));
  const names = readdirSync(folder).filter((name) => /\.(jsonc?|ya?ml)$/.test(name));
  assert.deepEqual(names.sort(), ["connector.jsonc", "connector.yaml"]);
  for (const name of names) {
    const path = join(folder, name);
    const text = readFileSync(path, "utf8");
    const named = /(?:\$schema=|"\$schema": ")([^"\s]+)/.exec(text)?.[1] ?? "";
    assert.equal(join(dirname(path), named), schemaFile);
    const file = readConfigFile(path);
    for (const key of Object.keys(file.content)) assert.ok(key in schema.properties, key);
    // The key that the samples read from a file is not on this machine.
    const content = JSON.parse(
      JSON.stringify(file.content).replaceAll("${file:/run/secrets/billing-key}", "key"),
    );
    for (const profile of [undefined, ...Object.keys(content.profiles)]) {
      const { settings } = loadSettings({
        file: { path, content },
        env: { ORDERS_TOKEN: "t" },
        flags: { profile },
      });
      assert.equal(settings.source.channel, profile === "staging" ? "orders-staging" : "orders");
    }
  }
});

test("config init that cannot write all of it leaves nothing in the way of the next one", async (t) => {
  const folder = t.folder();
  mkdirSync(join(folder, "connector.schema.json"));
  const path = join(folder, "connector.jsonc");
  const init = startProgram(t, ["config", "init", "--no-ask", path]);
  assert.equal(await init.ended, 2);
  assert.match(init.stderr.join(""), /^hookferry: config init: cannot write .*EISDIR/);
  assert.equal(existsSync(path), false);
});
