import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../src/config/config_error.ts";
import { type ConfigFile, readConfigFile } from "../../src/config/config_file.ts";
import { loadSettings } from "../../src/config/load.ts";
import type { Layers } from "../../src/config/merge.ts";
import { envName, type Option, type OptionKey, options } from "../../src/config/options.ts";
import { test, type TestContext } from "../support/test.ts";

const needed = {
  cloud_url: "https://relay.example",
  channel: "orders",
  token: "t0ken",
  target_url: "http://127.0.0.1:3000/",
};

function fileWith(t: TestContext, content: unknown, name = "connector.json"): ConfigFile {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  t.defer(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content), {
    mode: 0o600,
  });
  return readConfigFile(path);
}

function load(layers: Partial<Layers>) {
  return loadSettings({ file: undefined, env: {}, flags: {}, ...layers });
}

function problemsOf(layers: Partial<Layers>): readonly string[] {
  try {
    load(layers);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** A value for each layer, all different from each other, the first equal to the default. */
function samples(option: Option): (string | number | boolean)[] {
  switch (option.kind.type) {
    case "boolean":
      return [option.default ?? false, option.default !== true];
    case "choice":
      return [...option.kind.values].sort((a) => a === option.default ? -1 : 0).slice(0, 3);
    case "integer":
    case "seconds":
    case "number":
      return [0, 1, 2].map((more) => Number(option.default ?? 1) + more);
    case "text":
    case "secret":
      return option.key === "status_listen"
        ? ["127.0.0.1:8421", "127.0.0.1:1", "off"]
        : option.key === "target_method"
        ? ["PUT", "POST"]
        : ["a", "b", "c"];
  }
}

const layerNames = ["file", "env", "flags"] as const;
const checkedElsewhere = new Set([...Object.keys(needed), "token_file"]);

for (const option of options) {
  const { key, kind } = option;
  if (checkedElsewhere.has(key) || /_path$/.test(key)) continue;
  test(`requirement 3: ${key}: the later layer wins in every pair, its default included`, (t) => {
    const [first = "", second = ""] = samples(option);
    for (const [low, high] of [["file", "env"], ["file", "flags"], ["env", "flags"]] as const) {
      for (const [lowValue, highValue] of [[first, second], [second, first]]) {
        const given = { file: { ...needed } as Record<string, unknown>, env: {}, flags: {} };
        const put = (layer: typeof layerNames[number], value: unknown) => {
          if (layer === "file") given.file[key] = value;
          else {Object.assign(given[layer], {
              [layer === "env" ? envName(option) : key]: String(value),
            });}
        };
        put(low, lowValue);
        put(high, highValue);
        // The ceiling of the wait must stay above its beginning, whichever of the two is under test.
        if (key === "reconnect_delay") given.file["max_reconnect_delay"] = 100;
        const { values } = load({ ...given, file: fileWith(t, given.file) });
        const found = values.origin(key as OptionKey);
        assert.deepEqual(found?.value, highValue, `${low} < ${high} (${kind.type})`);
        assert.match(found?.origin ?? "", high === "env" ? /^environment / : /^flag /);
      }
    }
  });
}

test("requirement 3: an empty variable counts as unset, and so does null in a file", (t) => {
  const file = fileWith(t, { ...needed, heartbeat_timeout: 7, connector_id: null });
  const { settings } = load({ file, env: { CONNECTOR_HEARTBEAT_TIMEOUT: "" } });
  assert.equal(settings.source.heartbeatTimeoutMs, 7_000);
  assert.equal(settings.source.connectorId, undefined);
});

test("requirement 10: all problems are told at once, with path and origin", (t) => {
  const file = fileWith(t, {
    cloud_url: 5,
    channel: "../etc",
    tokken: "x",
    reconnect_delay: "fast",
    targets: { a: { url: "ftp://x" }, b: { url: "http://x/", timeout_seconds: "1" } },
  });
  const problems = problemsOf({ file }).join("\n");
  for (
    const part of [
      /cloud_url: 5 from file/,
      /channel: "\.\.\/etc"/,
      /tokken: unknown key .* did you mean token\?/,
      /reconnect_delay: "fast"/,
      /targets\.a\.url/,
      /targets\.b\.timeout_seconds/,
      /token: is required/,
    ]
  ) assert.match(problems, part);
});

test("requirement 17: a variable that cannot be read is named, with what is accepted", () => {
  const problems = problemsOf({ env: { CONNECTOR_RECONNECT_DELAY: "abc" } }).join("\n");
  assert.match(
    problems,
    /"abc" from environment CONNECTOR_RECONNECT_DELAY is not a number of seconds/,
  );
});

const hostile = [
  "ftp://relay.example",
  "relay.example",
  "http://relay.example",
  "ws://10.0.0.1",
  "https://user:pw@relay.example",
  "https://169.254.169.254",
  "https://0xA9FEA9FE",
  "https://2852039166",
  "https://[::ffff:169.254.169.254]",
  "https://[fe80::1]",
  "https://metadata.google.internal.",
  "https://0.0.0.0",
  "https://relay.example/?a=b",
];
for (const url of hostile) {
  test(`requirement 15: ${url} is refused as a relay`, (t) => {
    const problems = problemsOf({ file: fileWith(t, { ...needed, cloud_url: url }) });
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? "", /^cloud_url: /);
  });
}

for (const channel of ["../x", "a..b", "", ".a", "a/b", "a%2fb", "a b", "é", "a".repeat(129)]) {
  test(`requirement 5: ${JSON.stringify(channel)} is refused as a channel`, (t) => {
    const problems = problemsOf({ file: fileWith(t, { ...needed, channel }) });
    assert.match(problems.join(), /channel: /);
  });
}

test("the old connector's file works as it is", (t) => {
  const file = fileWith(t, {
    cloud_url: "wss://relay.example/base/",
    channel: "c",
    token: "t",
    protocol: "websocket",
    default_target: { url: "http://127.0.0.1:3000/x", method: "put", headers: { A: "b" } },
    targets: { special: { url: "http://127.0.0.1:4000/", retry_enabled: false } },
    log_level: "INFO",
    log_format: "%(asctime)s - %(message)s",
    verify_ssl: true,
    ca_cert_path: null,
  });
  const { settings } = load({ file });
  assert.equal(settings.source.url.href, "https://relay.example/base");
  assert.equal(settings.defaultTarget?.method, "PUT");
  assert.equal(settings.targets.get("special")?.retry.maxAttempts, 1);
});

test("YAML and JSON with comments are read", (t) => {
  const yaml = Object.entries(needed).map(([key, value]) => `${key}: ${value}`).join("\n");
  assert.equal(load({ file: fileWith(t, yaml, "c.yaml") }).settings.source.channel, "orders");
  const jsonc = `// mine\n${JSON.stringify(needed).slice(0, -1)},}`;
  assert.equal(load({ file: fileWith(t, jsonc, "c.jsonc") }).settings.source.channel, "orders");
});

test("requirement 7: no problem and no origin shows the token", (t) => {
  const file = fileWith(t, { ...needed, token: "marked secret\n", channel: "../" });
  assert.doesNotMatch(problemsOf({ file }).join("\n"), /marked/);
  const { settings } = load({ file: fileWith(t, { ...needed, token: "marked" }) });
  assert.doesNotMatch(JSON.stringify(settings), /marked/);
  assert.equal(settings.source.token.reveal(), "marked");
});
