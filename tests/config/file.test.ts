/** What a file may say beside plain values, and how what is wrong with it is told. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../src/config/config_error.ts";
import { readConfigFile } from "../../src/config/read_config_file.ts";
import { loadSettings } from "../../src/config/load.ts";
import { differences } from "../../src/config/listing.ts";
import { loadConnections } from "../../src/config/load_connections.ts";
import type { Layers } from "../../src/config/merge.ts";
import { test, type TestContext } from "../support/test.ts";

function written(t: TestContext, name: string, text: string): string {
  const path = join(t.folder(), name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function load(path: string, layers: Partial<Layers> = {}) {
  return loadSettings({ file: readConfigFile(path), env: {}, flags: {}, ...layers });
}

function problemsOf(path: string, layers: Partial<Layers> = {}): readonly string[] {
  try {
    load(path, layers);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const jsonc = `{
  // where
  "cloud_url": "ftp://relay.example", /* no
  such */ "chanel": "orders",
  "token": "t",
  "protocol": "carrier-pigeon",
  "ca_cert_path": "/nope",
  "targets": {
    "a.b": {
      "url": "http://127.0.0.1:1/",
      "timeout_seconds": "soon",
      "breaker": { "windw": 5 }
    },
    "c": [
      { "url": "ftp://x" },
      { "url": "http://127.0.0.1:1/", "headers": { "X-Key": 5 } },
    ],
  },
}
`;
const yaml = `
cloud_url: ftp://relay.example


chanel: orders
token: t
protocol: carrier-pigeon
ca_cert_path: /nope
targets:
  a.b:
    url: http://127.0.0.1:1/
    timeout_seconds: soon
    breaker:
      windw: 5
  c:
    - url: ftp://x
    - url: http://127.0.0.1:1/
      headers:
        X-Key: 5
`;
for (
  const [name, text, lines] of [
    ["c.jsonc", jsonc, [3, 4, 6, 7, 11, 12, 15, 16]],
    ["c.yaml", yaml, [2, 5, 7, 8, 12, 14, 16, 19]],
  ] as const
) {
  test(`each problem of ${name} tells path, what was found, what is accepted, file and line`, (t) => {
    const path = written(t, name, text);
    const problems = problemsOf(path);
    const says = [
      /^cloud_url: "ftp:\/\/relay\.example" from .*: use a URL with http, https, ws or wss/,
      /^chanel: unknown key in .*, did you mean channel\?/,
      /^protocol: "carrier-pigeon" from .* is not one of auto, websocket, sse, long_poll/,
      /^ca_cert_path: cannot read "\/nope"/,
      /^targets\.a\.b\.timeout_seconds: "soon": expected number, received string/,
      /^targets\.a\.b\.breaker\.windw: unknown key, did you mean window\?/,
      /^targets\.c\.0\.url: "ftp:\/\/x": use a URL beginning with http: or https:/,
      /^targets\.c\.1\.headers\.X-Key: expected string/,
    ];
    for (const [i, pattern] of says.entries()) {
      const found = problems.find((problem) => pattern.test(problem));
      assert.ok(found, `${pattern}:\n${problems.join("\n")}`);
      assert.match(found, new RegExp(`file ${RegExp.escape(path)}:${lines[i]}\\b`), found);
    }
    assert.equal(problems.length, says.length + 1, problems.join("\n")); // the channel is missing
  });
}

test("a problem of a variable or a flag names it, whoever finds it", (t) => {
  const path = written(t, "c.json", `{"cloud_url":"https://r.example","channel":"c","token":"t"}`);
  const problems = problemsOf(path, {
    env: { CONNECTOR_CA_CERT_PATH: "/nope", CONNECTOR_TARGET_URL: "http://x/" },
    flags: { token_file: "/none" },
  });
  assert.equal(problems.length, 2, problems.join("\n"));
  assert.match(problems.join("\n"), /^token_file: .*\(flag --token-file\)$/m);
  assert.match(problems.join("\n"), /^ca_cert_path: .*\(environment CONNECTOR_CA_CERT_PATH\)$/m);
});

test("variables and files stand for values, of every kind and everywhere", (t) => {
  const secret = written(t, "secret", "s3cret\n");
  const path = written(
    t,
    "c.json",
    JSON.stringify({
      cloud_url: "https://${HOST}/base",
      channel: "c",
      token: `\${file:${secret}}`,
      heartbeat_timeout: "${BEAT}",
      ...{ verify_ssl: "${VERIFY}", allow_insecure: true },
      default_target: {
        url: "http://127.0.0.1:${PORT}/",
        timeout_seconds: "${SECONDS}",
        retry_enabled: "${RETRY}",
        headers: { "X-Key": `Bearer \${file:${secret}}`, "X-Plain": "$${HOST}" },
      },
    }),
  );
  const { settings } = load(path, {
    env: {
      ...{ HOST: "relay.example", BEAT: "7", VERIFY: "off", PORT: "3000", SECONDS: "2.5" },
      RETRY: "false",
    },
  });
  assert.equal(settings.source.url.href, "https://relay.example/base");
  assert.equal(settings.source.token.reveal(), "s3cret");
  assert.equal(settings.source.heartbeatTimeoutMs, 7_000);
  assert.equal(settings.source.tls.verify, false);
  const [target] = settings.defaultRoute?.targets ?? [];
  assert.equal(target?.url.href, "http://127.0.0.1:3000/");
  assert.equal(target?.timeoutMs, 2_500);
  assert.equal(target?.retry.maxAttempts, 1);
  assert.deepEqual(target?.headers, [["X-Key", "Bearer s3cret"], ["X-Plain", "${HOST}"]]);
});

test("a reference that leads nowhere is told with its line; what one stands for is never shown", (t) => {
  const secret = written(t, "secret", "marked secret");
  const path = written(
    t,
    "c.yaml",
    [
      "cloud_url: ${RELAY}",
      "channel: ${file:/nope}",
      "token: ${file:" + secret + "}",
      "protocol: ${file:" + secret + "}",
      "connector_id: ${1x}",
      "heartbeat_timeout: ${MARK}",
      "default_target:",
      "  url: ${MARK}",
      "  timeout_seconds: ${MARK}",
      "  method: ${UNSET}",
    ].join("\n"),
  );
  const problems = problemsOf(path, { env: { MARK: "marked by a variable" } });
  const text = problems.join("\n");
  for (
    const says of [
      /^cloud_url: \$\{RELAY\}: the variable RELAY is not set \(file .*:1\)$/m,
      /^channel: cannot read \$\{file:\/nope\}: .*\(file .*:2\)$/m,
      /^protocol: "\$\{file:.*\}" from file .*:4 is not one of/m,
      /^connector_id: \$\{1x\} is neither .*:5\)$/m,
      /^heartbeat_timeout: "\$\{MARK\}" from file .*:6 is not a number of seconds/m,
      /^default_target\.url: "\$\{MARK\}": use a URL .*:8\)$/m,
      /^default_target\.timeout_seconds: "\$\{MARK\}": expected number.*:9\)$/m,
      /^default_target\.method: \$\{UNSET\}: the variable UNSET is not set .*:10\)$/m,
    ]
  ) assert.match(text, says);
  assert.doesNotMatch(text, /marked/);
});

test("what a reference stands for is in no listing, and a listing is another when it is another", (t) => {
  const secret = written(t, "secret", "marked-1");
  const url = `http://127.0.0.1:1/?token=\${file:${secret}}&key=marked&plain=1`;
  const path = written(
    t,
    "c.json",
    JSON.stringify({
      ...{ cloud_url: "https://relay.example", channel: "${file:" + secret + "}", token: "t" },
      ...{ target_url: url, proxy: `http://u:\${file:${secret}}@proxy.example` },
      targets: {
        socket: { url: `unix:/run/x:/\${file:${secret}}?secret=marked` },
        proxied: {
          url: "http://relay.example",
          proxy: `marked:\${file:${secret}}@proxy.example`,
          headers: { "X-Key": `marked \${file:${secret}}` },
        },
      },
    }),
  );
  const listed = () => loadConnections({ file: readConfigFile(path), env: {}, flags: {} }).listing;
  const before = listed();
  const shown = Object.fromEntries(before.map(({ key, shown }) => [key, shown]));
  const safe = JSON.stringify(url.replace("key=marked", "key=[redacted]"));
  assert.equal(shown["target_url"], safe);
  assert.equal(shown["target_url.url"], safe);
  assert.equal(shown["channel"], `"\${file:${secret}}"`);
  assert.equal(
    shown["targets.socket.url"],
    `"unix:/run/x:/\${file:${secret}}?secret=[redacted]"`,
  );
  assert.equal(shown["targets.proxied.proxy"], '"http://***@proxy.example/"');
  writeFileSync(secret, "marked-2");
  const { lines } = differences(before, listed());
  assert.deepEqual(lines.map((line) => line.split(":")[0]).sort(), [
    ...["channel", "proxy", "target_url", "target_url.url"],
    ...["targets.proxied.headers.X-Key", "targets.proxied.proxy", "targets.socket.url"],
  ]);
  assert.doesNotMatch(JSON.stringify([shown, lines]), /marked/);
});

test("a target that cannot be read is told as it was written, its secrets hidden", (t) => {
  const secret = written(t, "secret", "marked");
  const path = written(
    t,
    "c.json",
    JSON.stringify({
      ...{ cloud_url: "https://relay.example", channel: "c", token: "t" },
      target_url: `http://127.0.0.1:99999/\${file:${secret}}`,
      targets: {
        a: { url: `http://marked:\${file:${secret}}@127.0.0.1:99999/` },
        b: { url: "http://marked:marked@127.0.0.1:99999/?token=marked" },
        c: { url: "ftp://127.0.0.1/?token=marked" },
        d: { url: "http://127.0.0.1/", client_key_passphrase: 5150 },
      },
    }),
  );
  const problems = problemsOf(path).join("\n");
  for (
    const says of [
      /^target_url\.url: "http:\/\/127\.0\.0\.1:99999\/\$\{file:.*\}": use a URL/m,
      /^targets\.a\.url: "http:\/\/\*\*\*@127\.0\.0\.1:99999\/": use a URL/m,
      /^targets\.b\.url: "http:\/\/\*\*\*@127\.0\.0\.1:99999\/\?token=\[redacted\]": use a URL/m,
      /^targets\.c\.url: "ftp:\/\/127\.0\.0\.1\/\?token=\[redacted\]": use a URL/m,
      /^targets\.d\.client_key_passphrase: expected string/m,
    ]
  ) assert.match(problems, says);
  assert.doesNotMatch(problems, /marked|5150/);
});

for (const [name, keys] of [["an array", ["0"]], ["to", ["to", "0"]]] as const) {
  test(`one target in ${name} is listed where it stands, as it was written`, (t) => {
    const url = "http://127.0.0.1:1/${SECRET}";
    const one = [{ url }];
    const path = written(
      t,
      "c.json",
      JSON.stringify({
        ...{ cloud_url: "https://relay.example", channel: "c", token: "t" },
        default_target: name === "to" ? { to: one } : one,
      }),
    );
    const file = readConfigFile(path);
    const { listing } = loadConnections({ file, env: { SECRET: "marked" }, flags: {} });
    const key = ["default_target", ...keys, "url"].join(".");
    const found = listing.find((one) => one.key === key);
    assert.equal(found?.shown, JSON.stringify(url));
    assert.equal(found.origin, `file ${path}:1`);
    assert.doesNotMatch(JSON.stringify(listing.map(({ shown }) => shown)), /marked/);
  });
}

test("a listing tells who set what is put in the place of a default target's own value", (t) => {
  const path = written(
    t,
    "c.json",
    JSON.stringify({
      ...{ cloud_url: "https://relay.example", channel: "c", token: "t" },
      default_target: { url: "http://127.0.0.1:1/", method: "${METHOD}" },
    }),
  );
  const flags = { target_method: "PUT" };
  const { listing } = loadConnections({
    ...{ file: readConfigFile(path), env: { METHOD: "POST" }, flags },
  });
  const found = listing.find(({ key }) => key === "default_target.method");
  assert.deepEqual([found?.shown, found?.origin], ['"PUT"', "flag --target-method"]);
});

const profiles = `
cloud_url: https://relay.example
channel: orders
token: t
reconnect_delay: 3
default_target: { url: "http://127.0.0.1:1/", headers: { A: b } }
targets:
  kept: { url: "http://127.0.0.1:2/" }
  changed: { url: "http://127.0.0.1:3/" }
profiles:
  staging:
    channel: orders-staging
    default_target:
      url: http://127.0.0.1:4/
    targets:
      changed:
        url: http://127.0.0.1:5/
  broken:
    protocol: pigeon
    profile: x
`;

test("a profile puts its values in the place of the file's; variables and flags are stronger", (t) => {
  const path = written(t, "c.yaml", profiles);
  const plain = load(path);
  assert.equal(plain.settings.source.channel, "orders");
  for (
    const layers of [{ flags: { profile: "staging" } }, { env: { CONNECTOR_PROFILE: "staging" } }]
  ) {
    const { settings, values } = load(path, layers);
    assert.equal(settings.source.channel, "orders-staging");
    assert.equal(values.origin("channel")?.origin, `profile staging in file ${path}:12`);
    assert.equal(values.origin("reconnect_delay")?.origin, `file ${path}:5`);
    assert.equal(settings.defaultRoute?.targets[0].url.port, "4");
    assert.deepEqual(settings.defaultRoute?.targets[0].headers, []);
    assert.equal(settings.routes.get("kept")?.targets[0].url.port, "2");
    assert.equal(settings.routes.get("changed")?.targets[0].url.port, "5");
  }
  const both = load(path, {
    flags: { profile: "staging", channel: "flagged" },
    env: { CONNECTOR_CHANNEL: "variable" },
  });
  assert.equal(both.settings.source.channel, "flagged");
});

for (const place of ["profile", "connection"] as const) {
  test(`of two keys that say the same, the choice of a ${place} counts, whichever the file's own is`, (t) => {
    const secret = written(t, "token", "own-token");
    const settingsOf = (top: Record<string, unknown>, own: Record<string, unknown>) => {
      const base = {
        ...{ cloud_url: "https://relay.example", channel: "c", token: "t" },
        target_url: "http://top.example/",
      };
      const content = { ...base, ...top, [`${place}s`]: { one: own } };
      const flags: Record<string, string> = place === "profile" ? { profile: "one" } : {};
      return loadConnections({ file: { path: "/c.json", content }, env: {}, flags }).first.settings;
    };
    const byFile = { token: null, token_file: written(t, "other", "other-token") };
    for (
      const [top, own] of [[{}, { token_file: secret }], [byFile, { token: "own-token" }]] as const
    ) assert.equal(settingsOf(top, own).source.token.reveal(), "own-token");
    const byRoute = { target_url: null, default_target: { url: "http://top.example/" } };
    const url = "http://own.example/";
    for (
      const [top, own] of [[{}, { default_target: { url } }], [byRoute, {
        target_url: url,
      }]] as const
    ) assert.equal(settingsOf(top, own).defaultRoute?.targets[0].url.href, url);
    const both = { url, method: "POST", timeout_seconds: 9 };
    const byOptions = { target_method: "PUT", target_timeout: 5 };
    const [mine] = settingsOf(byOptions, { default_target: both }).defaultRoute?.targets ?? [];
    assert.deepEqual([mine?.method, mine?.timeoutMs], ["POST", 9_000]);
    const [theirs] = settingsOf(byOptions, { default_target: { url } }).defaultRoute?.targets ?? [];
    assert.deepEqual([theirs?.method, theirs?.timeoutMs], ["PUT", 5_000]);
    const [beside] = settingsOf({}, { ...byOptions, default_target: both }).defaultRoute?.targets ??
      [];
    assert.deepEqual([beside?.method, beside?.timeoutMs], ["PUT", 5_000]);
    const nothing = settingsOf({}, { token_file: null, default_target: null });
    assert.equal(nothing.source.token.reveal(), "t");
    assert.equal(nothing.defaultRoute?.targets[0].url.href, "http://top.example/");
  });
}

const [eu, us] = ["eu", "us"].map((name) => ({
  cloud_url: `https://${name}.example`,
  channel: `${name}-own`,
}));
for (
  const [says, top, inProfile, names] of [
    ["the file has none", { cloud_url: "https://top.example" }, { eu, us }, ["eu", "us"]],
    ["the file has another", { connections: { eu } }, { eu: { ...eu, channel: "x" }, us }, [
      "eu",
      "us",
    ]],
    ["it leaves one out", { connections: { eu } }, { us }, ["us"]],
  ] as const
) {
  test(`the connections of a profile take the place of the file's: ${says}`, () => {
    const content = {
      ...{ channel: "top", token: "t", default_target: { url: "http://127.0.0.1:1/" } },
      ...{ ...top, profiles: { both: { connections: inProfile } } },
    };
    const layers = { file: { path: "/c.json", content }, env: {} };
    const { connections } = loadConnections({ ...layers, flags: { profile: "both" } });
    assert.deepEqual([...connections.keys()], names);
    for (const [name, { settings: { source } }] of connections) {
      assert.equal(source.url.href, `https://${name}.example/`);
      assert.equal(source.channel, inProfile[name as keyof typeof inProfile]?.channel);
    }
    const without = [...loadConnections({ ...layers, flags: {} }).connections.keys()];
    assert.deepEqual(without, "connections" in top ? ["eu"] : [""]);
  });
}

test("what is wrong with the connections of a profile is told by its path and line", (t) => {
  const path = written(
    t,
    "c.yaml",
    [
      "token: t",
      "default_target: { url: 'http://127.0.0.1:1/' }",
      "profiles:",
      "  both:",
      "    connections:",
      "      eu: { cloud_url: https://eu.example }",
      "      us: { cloud_url: ftp://us.example, channel: c }",
    ].join("\n"),
  );
  assert.throws(
    () => loadConnections({ file: readConfigFile(path), env: {}, flags: { profile: "both" } }),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /- connections\.eu\.channel: is required$/m);
      assert.match(
        error.message,
        /- connections\.us\.cloud_url: "ftp.* from profile both in file .*:7: use a URL/m,
      );
      assert.equal(error.problems.length, 2, error.message);
      return true;
    },
  );
});

test("a profile that is not there, or holds what it must not, is told", (t) => {
  const path = written(t, "c.yaml", profiles);
  assert.match(
    problemsOf(path, { flags: { profile: "stagin" } }).join("\n"),
    /^profile: "stagin" from flag --profile is not one of the profiles staging, broken, did you mean staging\?/m,
  );
  const broken = problemsOf(path, { flags: { profile: "broken" } }).join("\n");
  assert.match(broken, /^protocol: "pigeon" from profile broken in file .*:19 is not one of/m);
  assert.match(broken, /^profiles\.broken\.profile: /m);
});

test("a file that cannot be parsed says where, and shows nothing of what it holds", (t) => {
  const cases: readonly [name: string, text: string, told: string][] = [
    [
      "c.json",
      '{\n  "channel": "c"\n  "token": "s3cret"\n}',
      'line 3, column 3: "," or "}" is expected',
    ],
    ["c.jsonc", '{\n  // ours\n  "token": s3cret\n}', "line 3, column 12: a value is expected"],
    [
      "c.yaml",
      "channel: c\ntoken: s3cret: x\n",
      "line 2, column 8: Nested mappings are not allowed",
    ],
    ["c.yml", 'token: "s3cret" x\n', "line 1, column 17: Unexpected scalar at node end"],
    ["c.yaml", "token: *s3cret\n", "Unresolved alias"],
  ];
  for (const [name, text, told] of cases) {
    const path = written(t, name, text);
    const problem = problemsOf(path).join("\n");
    const start = `cannot read the file ${JSON.stringify(path)}: ${told}`;
    assert.equal(problem.slice(0, start.length), start);
    assert.doesNotMatch(problem, /s3cret/);
  }
});

for (const [name, text] of [["c.json", `{"channel": "c"}`], ["c.yaml", "channel: c"]] as const) {
  test(`a byte order mark at the beginning of ${name} is no part of it`, (t) => {
    assert.deepEqual(readConfigFile(written(t, name, `\ufeff${text}`)).content, { channel: "c" });
  });
}

const repeatedJson = `{
  "channel": "a", // the first
  "targets": {
    "a": { "url": "http://127.0.0.1:1/", "url": "http://127.0.0.1:2/" },
    "b": [{ "headers": { "X": "1",
      "X": "2" } }],
  },
  "channel": "b",
}`;
const repeatedYaml = `channel: a
targets:
  a: { url: "http://127.0.0.1:1/", url: "http://127.0.0.1:2/" }
  b:
    - headers:
        X: "1"
        X: "2"
channel: b
`;
for (
  const [name, text, lines] of [
    ["c.jsonc", repeatedJson, [[4, 4], [5, 6], [2, 8]]],
    ["c.yaml", repeatedYaml, [[3, 3], [6, 7], [1, 8]]],
  ] as const
) {
  test(`a key that stands twice in ${name} is refused, each with its path and lines`, (t) => {
    const path = written(t, name, text);
    const paths = ["targets.a.url", "targets.b.0.headers.X", "channel"];
    assert.deepEqual(
      problemsOf(path),
      paths.map((key, i) =>
        `${key}: stands twice in file ${path}, in lines ${lines[i]?.join(" and ")}`
      ),
    );
  });
}

test("a YAML value that contains itself is no configuration", (t) => {
  for (const text of ["a: &a\n  b: *a\n", "targets: &a\n  - url: x\n  - *a\n"]) {
    const path = written(t, "self.yaml", text);
    assert.deepEqual(problemsOf(path), [
      `cannot read the file ${JSON.stringify(path)}: an anchor stands within itself`,
    ]);
  }
});

test("a header of a target that cannot be sent is a problem of the file; its value is not shown", (t) => {
  const headers = {
    "X-Fine": "Müller",
    "Host": "internal.example",
    "X-City": "Łódź",
    "Authorization": "Bearer s3cret\n",
    "Bad Name": "x",
    "Connection": "close",
  };
  const path = written(
    t,
    "c.json",
    JSON.stringify({
      ...{ cloud_url: "https://relay.example", channel: "c", token: "t" },
      default_target: { url: "http://127.0.0.1:1/", headers },
    }),
  );
  const problems = problemsOf(path).map((problem) => problem.replace(/ \(file .*/, ""));
  const unsendable = "has characters that no header may have: use those of Latin-1, on one line";
  assert.deepEqual(problems, [
    `default_target.headers.X-City: ${unsendable}`,
    `default_target.headers.Authorization: ${unsendable}`,
    "default_target.headers.Bad Name: is no name of a header",
    "default_target.headers.Connection: hookferry makes it itself",
  ]);
});
