import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError } from "../../src/config/config_error.ts";
import type { ConfigFile } from "../../src/config/config_file.ts";
import { readConfigFile } from "../../src/config/read_config_file.ts";
import { loadSettings } from "../../src/config/load.ts";
import { loadConnections } from "../../src/config/load_connections.ts";
import type { Layers } from "../../src/config/merge.ts";
import { envName, type Option, type OptionKey, options } from "../../src/config/options.ts";
import { Secret } from "../../src/config/secret.ts";
import { generated } from "../../scripts/generate_docs.ts";
import { test, type TestContext } from "../support/test.ts";
import { certPath } from "../support/tls_front.ts";

const needed = {
  cloud_url: "https://relay.example",
  channel: "orders",
  token: "t0ken",
  target_url: "http://127.0.0.1:3000/",
};

function fileWith(t: TestContext, content: unknown, name = "connector.json"): ConfigFile {
  const folder = t.folder();
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

const cert = certPath("client");
/** Values of options that take only some texts. The others take any. */
const texts: Record<string, string[]> = {
  cloud_url: ["https://a.example", "https://b.example"],
  target_url: ["http://127.0.0.1:1/", "http://127.0.0.1:2/"],
  status_listen: ["127.0.0.1:8421", "off"],
  target_method: ["PUT", "POST"],
  allowed_targets: ["127.0.0.1", "127.0.0.0/8"],
  ca_cert_path: [certPath("ca"), certPath("other_ca")],
  client_cert_path: [cert, `${dirname(cert)}/./client.pem`],
  journal: ["memory", "sqlite:/j"],
  ordering: ["none", "key:webhook_id"],
  client_key_path: [certPath("client_key"), `${dirname(cert)}/./client_key.pem`],
};

/** Two values of an option, the first the default where there is one. */
function samples(option: Option): (string | number | boolean)[] {
  switch (option.kind.type) {
    case "boolean":
      return [option.default ?? false, option.default !== true];
    case "choice":
      return [...option.kind.values].sort((a) => a === option.default ? -1 : 0).slice(0, 2);
    case "integer":
    case "seconds":
    case "number":
      return [0, 1].map((more) => Number(option.default ?? 1) + more);
    case "text":
    case "secret":
      return texts[option.key] ?? ["a", "b"];
  }
}

/** What must stand beside an option so that the whole is valid. */
const beside: Record<string, Record<string, unknown>> = {
  reconnect_delay: { max_reconnect_delay: 100 },
  profile: { profiles: { a: {}, b: {} } },
  client_cert_path: { client_key_path: certPath("client_key") },
  client_key_path: { client_cert_path: cert },
  client_key_passphrase: { client_cert_path: cert, client_key_path: certPath("client_key") },
  verify_ssl: { allow_insecure: true },
};

for (const option of options) {
  const { key, kind } = option;
  test(`requirement 3: ${key}: the later layer wins in every pair, its default included`, (t) => {
    const folder = t.folder();
    const values = key === "token_file"
      ? ["one", "two"].map((name) => {
        writeFileSync(join(folder, name), `token-${name}`, { mode: 0o600 });
        return join(folder, name);
      })
      : samples(option);
    const [first = "", second = ""] = values;
    const pairs = ([["file", "env"], ["file", "flags"], ["env", "flags"]] as const)
      .filter((pair) => option.flag !== false || !pair.some((layer) => layer === "flags"));
    for (const [low, high] of pairs) {
      for (const [lowValue, highValue] of [[first, second], [second, first]]) {
        const { [key]: _, ...others } = { ...needed, ...beside[key] } as Record<string, unknown>;
        const given = { file: others, env: {}, flags: {} };
        const put = (layer: "file" | "env" | "flags", value: unknown) => {
          if (layer === "file") given.file[key] = value;
          if (layer === "env") Object.assign(given.env, { [envName(option)]: String(value) });
          if (layer === "flags") Object.assign(given.flags, { [key]: String(value) });
        };
        put(low, lowValue);
        put(high, highValue);
        const { values } = load({ ...given, file: fileWith(t, given.file) });
        const found = values.origin(key as OptionKey);
        const value = found?.value instanceof Secret ? found.value.reveal() : found?.value;
        assert.deepEqual(value, highValue, `${low} < ${high} (${kind.type})`);
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
  "http://127.0.0.1..",
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
  assert.equal(settings.defaultRoute?.targets[0].method, "PUT");
  assert.equal(settings.routes.get("special")?.targets[0].retry.maxAttempts, 1);
});

test("YAML and JSON with comments are read", (t) => {
  const yaml = Object.entries(needed).map(([key, value]) => `${key}: ${value}`).join("\n");
  assert.equal(load({ file: fileWith(t, yaml, "c.yaml") }).settings.source.channel, "orders");
  const jsonc = `// mine\n${JSON.stringify(needed).slice(0, -1)},}`;
  assert.equal(load({ file: fileWith(t, jsonc, "c.jsonc") }).settings.source.channel, "orders");
});

test("a password in a URL is refused, for relay and target, and not shown", (t) => {
  const url = "https://user:marked@host.example/";
  const file = fileWith(t, { ...needed, cloud_url: url, target_url: url });
  const problems = problemsOf({ file, env: { CONNECTOR_TARGET_URL: url } }).join("\n");
  assert.match(problems, /cloud_url: "https:\/\/\*\*\*@host.example\/" .*must not hold/);
  assert.doesNotMatch(problems, /marked/);
  const named = fileWith(t, { ...needed, targets: { a: { url, method: "CONNECT" } } });
  const [login, method] = problemsOf({ file: named });
  assert.match(login ?? "", /targets.a.url: .*must not hold a user name or password/);
  assert.match(method ?? "", /targets.a.method: .*use a method/);
});

test("requirement 7: no problem and no origin shows the token", (t) => {
  const file = fileWith(t, { ...needed, token: "marked secret\n", channel: "../" });
  assert.doesNotMatch(problemsOf({ file }).join("\n"), /marked/);
  const { settings } = load({ file: fileWith(t, { ...needed, token: "marked" }) });
  assert.doesNotMatch(JSON.stringify(settings), /marked/);
  assert.equal(settings.source.token.reveal(), "marked");
});

test("of token and token_file the one of the stronger layer counts", (t) => {
  const folder = t.folder();
  const path = join(folder, "token");
  writeFileSync(path, "from-file\n", { mode: 0o600 });
  const token = (layers: Parameters<typeof load>[0]) => load(layers).settings.source.token.reveal();
  const file = fileWith(t, { ...needed, token: "in-config" });
  assert.equal(token({ file }), "in-config");
  assert.equal(token({ file, env: { CONNECTOR_TOKEN_FILE: path } }), "from-file");
  assert.equal(token({ file, env: { CONNECTOR_TOKEN: "x", CONNECTOR_TOKEN_FILE: path } }), "x");
  assert.equal(
    token({ file, env: { CONNECTOR_TOKEN: "x" }, flags: { token_file: path } }),
    "from-file",
  );
  assert.equal(token({ file, flags: { token_file: path }, stdinToken: "said" }), "said");
});

test("requirement 7: files with secrets that others can read are warned of", (t) => {
  const open = fileWith(t, needed);
  chmodSync(open.path, 0o644);
  assert.match(load({ file: open }).warnings.join(), /can be read by other users: chmod 600/);
  const closed = fileWith(t, needed);
  assert.deepEqual(load({ file: closed }).warnings, []);
  const { token: _, ...rest } = needed;
  const tokenFile = join(dirname(open.path), "token");
  writeFileSync(tokenFile, "t", { mode: 0o604 });
  assert.match(
    load({ file: fileWith(t, { ...rest, token_file: tokenFile }) }).warnings.join(),
    /token_file/,
  );
});

for (
  const [where, more, isWarnedOf] of [
    ["at the top", { token: "t" }, true],
    ["of a connection", { connections: { eu: { token: "t" } } }, true],
    ["of a profile", { profiles: { staging: { token: "t" } } }, true],
    [
      "of a connection in a profile",
      { profiles: { a: { connections: { eu: { token: "t" } } } } },
      true,
    ],
    ["that is a reference", { token: "${TOKEN}" }, false],
    ["that is partly a reference", { token: "t${TOKEN}" }, true],
  ] as const
) {
  test(`requirement 7: a file that others can read, with a token ${where}`, (t) => {
    const tokenFile = join(t.folder(), "token");
    writeFileSync(tokenFile, "t", { mode: 0o600 });
    const { token: _, ...rest } = needed;
    const open = fileWith(t, { ...rest, token_file: tokenFile, ...more });
    chmodSync(open.path, 0o644);
    const { warnings } = loadConnections({ file: open, env: { TOKEN: "t" }, flags: {} });
    const told = `the configuration file with the token, ${
      JSON.stringify(open.path)
    }, can be read by other users: chmod 600 it`;
    assert.deepEqual(warnings, isWarnedOf ? [told] : []);
  });
}

test("verification that is off is warned of, for the relay and for each target", (t) => {
  const file = fileWith(t, {
    ...needed,
    verify_ssl: false,
    allow_insecure: true,
    targets: { a: { url: "https://a.internal/", verify_ssl: false }, b: { url: "https://b/" } },
  });
  const warnings = load({ file }).warnings.join("\n");
  assert.match(warnings, /verify_ssl is off/);
  assert.match(warnings, /the target "a" is not verified/);
  assert.doesNotMatch(warnings, /"b"/);
});

test("log_payload without the level that shows payloads is warned of, with that level", (t) => {
  const warnings = (log: Record<string, unknown>) =>
    load({ file: fileWith(t, { ...needed, log_payload: true, ...log }) }).warnings;
  const says = (level: string) =>
    `log_payload shows nothing at log_level ${level}: payloads are logged at level debug`;
  assert.deepEqual(warnings({}), [says("info")]);
  assert.deepEqual(warnings({ log_level: "error" }), [says("error")]);
  assert.deepEqual(warnings({ log_level: "debug" }), []);
  assert.deepEqual(warnings({ log_payload: false }), []);
});

test("verification is not switched off for the relay unless insecurity is allowed", (t) => {
  const problems = problemsOf({ file: fileWith(t, { ...needed, verify_ssl: false }) });
  assert.match(problems.join(), /^verify_ssl: off, .* ca_cert_path, or set allow_insecure/);
});

test("requirement 6: what is not PEM, not a pair or locked is told at load", (t) => {
  const paths = {
    ca_cert_path: certPath("client_key"),
    client_cert_path: certPath("server"),
    client_key_path: certPath("client_key"),
  };
  const problems = problemsOf({
    file: fileWith(t, { ...needed, ...paths, targets: { a: { url: "https://x/", ...paths } } }),
  }).join("\n");
  for (const at of ["", "targets.a."]) {
    assert.ok(problems.includes(`${at}ca_cert_path: `), problems);
    assert.ok(problems.includes(`${at}client_key_path: `), problems);
  }
  assert.match(problems, /does not hold a PEM certificate/);
  assert.match(problems, /is not the key of/);
  const missing = problemsOf({ file: fileWith(t, { ...needed, client_cert_path: "/nope" }) })
    .join();
  assert.match(missing, /set both or neither/);
  assert.match(missing, /cannot read "\/nope"/);
});

test("target_method and target_timeout change the default target; target_url puts another in its place", (t) => {
  const { target_url: _, ...rest } = needed;
  const file = fileWith(t, {
    ...rest,
    default_target: { url: "http://127.0.0.1:1/", headers: { "X-Key": "k" } },
  });
  const changed = load({
    file,
    env: { CONNECTOR_TARGET_TIMEOUT: "5", CONNECTOR_TARGET_METHOD: "put" },
  });
  assert.equal(changed.settings.defaultRoute?.targets[0].timeoutMs, 5_000);
  assert.equal(changed.settings.defaultRoute?.targets[0].method, "PUT");
  assert.deepEqual(changed.settings.defaultRoute?.targets[0].headers, [["X-Key", "k"]]);
  const replaced = load({ file, flags: { target_url: "http://127.0.0.1:2/" } });
  assert.equal(replaced.settings.defaultRoute?.targets[0].url.port, "2");
  assert.deepEqual(replaced.settings.defaultRoute?.targets[0].headers, []);
  const bad = problemsOf({ file, env: { CONNECTOR_TARGET_TIMEOUT: "soon" } }).join();
  assert.match(bad, /"soon" from environment CONNECTOR_TARGET_TIMEOUT is not a number of seconds/);
});

for (
  const [given, expected] of [["WARNING", "warning"], ["Warn", "warning"], ["CRITICAL", "error"], [
    "INFO",
    "info",
  ]]
) {
  test(`the old connector's log level ${given} means ${expected}`, (t) => {
    assert.equal(
      load({ file: fileWith(t, { ...needed, log_level: given }) }).settings.log.level,
      expected,
    );
  });
}

const badValues: [key: string, value: unknown, says: RegExp][] = [
  [
    "reconnect_delay",
    0,
    /reconnect_delay: 0 from file .* is not a number of seconds of at least 0.001/,
  ],
  ["reconnect_delay", "1", /reconnect_delay: "1" from file/],
  ["max_reconnect_delay", 0.5, /max_reconnect_delay: must not be less than reconnect_delay/],
  ["heartbeat_timeout", null, /^$/],
  ["poll_timeout", 61, /from 1 to 60/],
  ["max_concurrent_requests", 1.5, /a whole number of at least 1/],
  ["max_concurrent_requests", true, /a whole number/],
  ["verify_ssl", "false", /verify_ssl: "false" from file .* is not true or false/],
  ["protocol", "carrier-pigeon", /one of auto, websocket, sse, long_poll/],
  ["status_listen", "8421x", /neither HOST:PORT nor off/],
  ["status_listen", "::1:8421", /neither HOST:PORT nor off/],
  [
    "token",
    "s3 cret",
    /^token: has characters that no token has: use visible ASCII, without spaces/,
  ],
  ["status_token", "hush\n", /^status_token: has characters that cannot stand in a header: .*/],
  ["status_token", " hush", /^status_token: .* use visible ASCII, and spaces only within/],
  ["status_token", "h\u00fcsh", /^status_token: has characters that cannot stand in a header: .*/],
  ["journal", "sqlite:~/journal", /^journal: "sqlite:~\/journal" from file .*: write the home out/],
  ["targets", [], /targets: must be an object/],
  ["default_target", "http://x", /default_target: /],
  ["heartbeat_timout", 5, /unknown key .*did you mean heartbeat_timeout\?/],
  ["etcd_host", "x", /delivery mode of the old connector/],
];
for (const [key, value, says] of badValues) {
  test(`requirement 10: ${key} = ${JSON.stringify(value)} in a file`, (t) => {
    const { target_url: _, ...rest } = needed;
    const base = key === "default_target" ? rest : needed;
    const problems = problemsOf({ file: fileWith(t, { ...base, [key]: value }) });
    assert.match(problems.join("\n"), says);
  });
}

const badTexts: [variable: string, text: string, says: RegExp][] = [
  ["CONNECTOR_VERIFY_SSL", "maybe", /true or false/],
  ["CONNECTOR_MAX_QUEUE_MESSAGES", "ten", /a whole number of at least 1/],
  ["CONNECTOR_HEARTBEAT_TIMEOUT", "0.5", /at least 1/],
  ["CONNECTOR_PROTOCOL", "ws", /one of auto/],
  ["CONNECTOR_RECONNECT_BACKOFF_MULTIPLIER", "0", /a number of at least 1/],
  ["CONNECTOR_MAX_CONNECT_ATTEMPTS", "-1", /at least 0/],
];
for (const [variable, text, says] of badTexts) {
  test(`requirement 17: ${variable}=${text} names the variable and what is accepted`, () => {
    const problems = problemsOf({ env: { [variable]: text } }).join("\n");
    assert.ok(
      problems.includes(`${JSON.stringify(text)} from environment ${variable} is not`),
      problems,
    );
    assert.match(problems, says);
  });
}

for (
  const [text, expected] of [
    ["1", true],
    ["yes", true],
    ["ON", true],
    ["0", false],
    ["No", false],
    ["off", false],
  ] as const
) {
  test(`a switch understands ${text}`, () => {
    const env = { CONNECTOR_VERIFY_SSL: text, CONNECTOR_ALLOW_INSECURE: "1" };
    const { values } = load({ env, flags: { ...needed, token: undefined }, stdinToken: "t" });
    assert.equal(values.get("verify_ssl"), expected);
  });
}

test("requirement 16: the settings table and the schema are what the option list makes them", () => {
  const root = join(import.meta.dirname ?? ".", "..", "..");
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  for (const [path, content] of generated(read)) assert.equal(read(path), content, path);
  const page = read("docs/CONFIGURATION.md");
  for (const option of options) {
    assert.ok(option.help.length > 5, option.key);
    assert.ok(page.includes(`| \`${option.key}\` | \`${envName(option)}\` |`), option.key);
  }
});

test("a variable that is nearly one of ours is warned of, and told with what is wrong; others are not ours", () => {
  const env = {
    CONNECTOR_MAX_CONCURENT_REQUESTS: "3",
    CONNECTOR_TARGT_URL: "",
    CONNECTOR_PORT: "tcp://10.0.0.1:80", // as Kubernetes says it for a service of that name
    CONNECTOR_SERVICE_HOST: "10.0.0.1",
  };
  const slip = "CONNECTOR_MAX_CONCURENT_REQUESTS: no setting has this variable, did you mean " +
    "CONNECTOR_MAX_CONCURRENT_REQUESTS?";
  const { warnings } = loadConnections({ file: undefined, env, flags: needed });
  assert.deepEqual(warnings, [slip]);
  const { channel: _, ...rest } = needed;
  assert.throws(() => loadConnections({ file: undefined, env, flags: rest }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.deepEqual(error.problems, ["channel: is required", slip]);
    return true;
  });
});

test("a number in a variable, flag or reference is a decimal one: 0x10 is none", (t) => {
  for (const given of ["0x10", "0b11", "0o17", "1_000", "ten"]) {
    assert.deepEqual(
      problemsOf({ env: { CONNECTOR_MAX_CONCURRENT_REQUESTS: given }, flags: needed }),
      [
        `max_concurrent_requests: "${given}" from environment CONNECTOR_MAX_CONCURRENT_REQUESTS is ` +
        "not a whole number of at least 1",
      ],
    );
    const default_target = { url: "http://127.0.0.1:1/", timeout_seconds: "${SECONDS}" };
    const { target_url: _, ...rest } = needed;
    const file = fileWith(t, { ...rest, default_target });
    const [problem, ...others] = problemsOf({ file, env: { SECONDS: given } });
    assert.match(problem ?? "", /^default_target\.timeout_seconds: .*expected number/);
    assert.deepEqual(others, []);
  }
  for (const [given, number] of [[" 16 ", 16], ["1e3", 1_000], ["+7", 7], ["8.0", 8]] as const) {
    const { settings } = load({ env: { CONNECTOR_MAX_CONCURRENT_REQUESTS: given }, flags: needed });
    assert.equal(settings.delivery.maxConcurrentRequests, number);
  }
});

test("that there is no target is told with all else that is wrong; one that is wrong itself is no reason to", (t) => {
  const none = "no target: set default_target, targets, CONNECTOR_TARGET_URL or --target-url";
  const of = (content: Record<string, unknown>) =>
    problemsOf({ file: fileWith(t, { cloud_url: "https://r.example", ...content }) });
  for (const content of [{}, { default_target: null, targets: {} }, { targets: null }]) {
    assert.deepEqual(of(content).slice(-1), [none]);
    assert.equal(of(content).length, 3); // channel, token
  }
  for (
    const content of [
      { default_target: { url: "ftp://x" } },
      { targets: { a: { url: "ftp://x" } } },
      { targets: [] },
      { target_url: "ftp://x" },
      { default_target: "${NOT_SET}" },
    ]
  ) assert.ok(!of(content).includes(none), JSON.stringify(of(content)));
});
