/** hookferry service: what it writes below a root folder, and what it refuses. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { startProgram } from "../support/program.ts";
import { exposureOf, noSystemdAnalyze, verifyUnit } from "../support/systemd_analyze.ts";
import { certPath } from "../support/tls_front.ts";
import { skip, test, type TestContext } from "../support/test.ts";

const config = `cloud_url: https://relay.example
channel: orders
shutdown_grace_seconds: 50
default_target: { url: "http://127.0.0.1:3000/hooks" }
`;
const webhooks = JSON.stringify({
  orders: { module: "webhook_connect", channel: "orders", channel_token: "tok" },
});

/** A system's root folder with the configuration of a connector and of a relay. */
function systemRoot(t: TestContext): string {
  const root = t.folder();
  put(root, "/etc/hookferry/connector.yaml", config);
  put(root, "/etc/hookferry/orders.yaml", config);
  put(root, "/etc/hookferry/token", "t0ken\n");
  put(root, "/etc/hookferry/webhooks.json", webhooks);
  chmodSync(join(root, "/etc/hookferry/token"), 0o600);
  return root;
}

function put(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

async function service(t: TestContext, root: string, manager: string, ...words: string[]) {
  const [action = "", ...more] = words;
  const program = startProgram(
    t,
    ["service", action, "--root", root, "--manager", manager, ...more],
  );
  const code = await program.ended;
  return { code, stdout: program.stdout.join("\n"), stderr: program.stderr.join("\n") };
}

const connector = ["install", "--program", "/bin/true", "--token-file", "/etc/hookferry/token"];
const relay = [
  ...["install", "relay", "--program", "/bin/true", "--webhooks", "/etc/hookferry/webhooks.json"],
];
const unitPath = (root: string, name: string) =>
  join(root, "etc/systemd/system", `hookferry-${name}.service`);

const cases: Record<string, { readonly words: readonly string[]; readonly name: string }> = {
  "a connector": { words: connector, name: "connector" },
  "a connector of a named user": { words: [...connector, "--user", "daemon"], name: "connector" },
  "a relay": { words: relay, name: "relay" },
  "a relay on port 443": { words: [...relay, "--", "--listen", "0.0.0.0:443"], name: "relay" },
  "words that mean something to systemd": {
    words: [
      ...connector,
      "--",
      "--to",
      "http://127.0.0.1:1/a%20b$HOME",
      "--connector-id",
      '"x y\\',
    ],
    name: "connector",
  },
};
for (const [what, { words, name }] of Object.entries(cases)) {
  const title = `systemd has nothing against the unit of ${what}, which keeps it in`;
  if (noSystemdAnalyze !== undefined) {
    skip(title, noSystemdAnalyze);
    continue;
  }
  test(title, async (t) => {
    const root = systemRoot(t);
    const { code, stderr } = await service(t, root, "systemd", ...words);
    assert.equal(code, 0, stderr);
    assert.equal(verifyUnit(unitPath(root, name)), "");
    // docs/OPERATIONS.md tells these.
    const most = words.includes("0.0.0.0:443") ? 1.7 : 1.3;
    assert.ok(exposureOf(unitPath(root, name)) <= most, `${exposureOf(unitPath(root, name))}`);
  });
}

test("a connector's unit names program, configuration and state, and has the token handed over", async (t) => {
  const root = systemRoot(t);
  const { code, stdout, stderr } = await service(
    t,
    root,
    "systemd",
    ...[...connector, "--name", "orders", "--", "--status-listen", "127.0.0.1:8431"],
  );
  assert.equal(code, 0, stderr);
  const unit = readFileSync(unitPath(root, "orders"), "utf8");
  for (
    const line of [
      "ExecStart=/bin/true connect --output quiet --config /etc/hookferry/orders.yaml " +
      "--status-listen 127.0.0.1:8431",
      "Type=notify",
      "DynamicUser=yes",
      "LoadCredential=token:/etc/hookferry/token",
      "Environment=CONNECTOR_TOKEN_FILE=%d/token",
      "Environment=XDG_STATE_HOME=%S/hookferry/orders",
      "TimeoutStopSec=65",
    ]
  ) assert.ok(unit.split("\n").includes(line), `${line}\n${unit}`);
  const [heading, ...shown] = stdout.split("\n");
  assert.equal(heading, `# ${unitPath(root, "orders")}`);
  assert.ok(shown.join("\n").startsWith(unit), "the file is shown as it is");
  assert.doesNotMatch(stdout, /t0ken/);
});

test("the token's file that the configuration names is handed over, a flag's and one of several are not", async (t) => {
  const root = systemRoot(t);
  const token = join(root, "etc/hookferry/token");
  const install = [...connector.slice(0, 3), "--name", "orders"];
  const handed = `LoadCredential=token:${token}`;
  const unit = async (text: string, ...more: string[]) => {
    put(root, "/etc/hookferry/orders.yaml", text);
    const { code, stderr } = await service(t, root, "systemd", ...install, ...more);
    assert.equal(code, 0, stderr);
    return readFileSync(unitPath(root, "orders"), "utf8");
  };
  assert.ok((await unit(`${config}token_file: ${token}\n`)).includes(handed));
  // These the service reads itself, as anybody.
  const readable = "/etc/hostname";
  const byFlag = await unit(config, "--", "--token-file", readable);
  assert.ok(!byFlag.includes("LoadCredential"));
  const several = config.replace("channel: orders", `token_file: ${readable}`) +
    "connections:\n  a: { channel: a }\n  b: { channel: b }\n";
  assert.ok(!(await unit(several)).includes("LoadCredential"));
});

test("a relay's channels are handed over, and its port decides on its rights", async (t) => {
  const root = systemRoot(t);
  await service(t, root, "systemd", ...relay, "--", "--listen", "0.0.0.0:8420");
  const high = readFileSync(unitPath(root, "relay"), "utf8");
  assert.match(
    high,
    /^ExecStart=\/bin\/true relay --listen 0.0.0.0:8420 --webhooks %d\/webhooks.json$/m,
  );
  assert.match(high, /^LoadCredential=webhooks.json:\/etc\/hookferry\/webhooks.json$/m);
  assert.match(high, /^CapabilityBoundingSet=$/m);
  await service(t, root, "systemd", ...relay, "--", "--listen=0.0.0.0:443");
  const low = readFileSync(unitPath(root, "relay"), "utf8");
  assert.match(low, /^AmbientCapabilities=CAP_NET_BIND_SERVICE$/m);
});

test("a dry run shows the file and writes nothing", async (t) => {
  const root = systemRoot(t);
  const { code, stdout } = await service(t, root, "systemd", ...connector, "--dry-run");
  assert.equal(code, 0);
  assert.match(stdout, /^ExecStart=\/bin\/true connect/m);
  assert.equal(existsSync(unitPath(root, "connector")), false);
});

test("instances stand side by side, and go one by one", async (t) => {
  const root = systemRoot(t);
  await service(t, root, "systemd", ...connector);
  await service(t, root, "systemd", ...connector, "--name", "orders");
  put(root, "/etc/systemd/system/hookferry-other.service", "[Service]\nExecStart=/bin/true\n");
  const both = await service(t, root, "systemd", "status");
  assert.match(both.stdout, /^installed +hookferry-connector .*\ninstalled +hookferry-orders .*$/);
  const gone = await service(t, root, "systemd", "uninstall", "--name", "orders");
  assert.equal(gone.code, 0, gone.stderr);
  assert.match(gone.stdout, /^kept .*var\/lib\/hookferry\/orders /m);
  assert.equal(existsSync(unitPath(root, "orders")), false);
  assert.ok(existsSync(unitPath(root, "connector")));
  const again = await service(t, root, "systemd", "uninstall", "--name", "orders");
  assert.equal(again.code, 1);
  assert.match(again.stderr, /nothing to remove/);
  const none = await service(t, root, "systemd", "status", "--name", "orders");
  assert.equal(none.code, 1);
});

test("what somebody else wrote is neither overwritten nor removed", async (t) => {
  const root = systemRoot(t);
  const theirs = "[Service]\nExecStart=/bin/true\n";
  put(root, "/etc/systemd/system/hookferry-connector.service", theirs);
  for (const words of [connector, ["uninstall"]]) {
    const { code, stderr } = await service(t, root, "systemd", ...words);
    assert.equal(code, 2);
    assert.match(stderr, /was not made by hookferry/);
  }
  assert.equal(readFileSync(unitPath(root, "connector"), "utf8"), theirs);
});

test("a configuration that would not start is not installed", async (t) => {
  const root = systemRoot(t);
  put(root, "/etc/hookferry/connector.yaml", "channel: orders\n");
  const bad = await service(t, root, "systemd", ...connector);
  assert.equal(bad.code, 78);
  assert.match(bad.stderr, /cloud_url: is required/);
  put(root, "/etc/hookferry/webhooks.json", "{");
  const badRelay = await service(t, root, "systemd", ...relay);
  assert.equal(badRelay.code, 78);
  assert.match(badRelay.stderr, /--webhooks .*not JSON/);
  assert.equal(existsSync(join(root, "etc/systemd")), false);
});

test("of the variables those of the service count, not those of who installs it", async (t) => {
  const root = systemRoot(t);
  put(root, "/etc/hookferry/connector.yaml", config.replace("orders", "${CHANNEL}"));
  const words = [
    "service",
    "install",
    "--root",
    root,
    "--manager",
    "systemd",
    ...connector.slice(1),
  ];
  const without = startProgram(t, words, { CHANNEL: "orders" });
  assert.equal(await without.ended, 78);
  put(root, "/etc/hookferry/connector.env", "CHANNEL=orders\n");
  const { code, stderr } = await service(t, root, "systemd", ...connector);
  assert.equal(code, 0, stderr);
});

const fromSource = "from source the program has to be named";
if (process.env["HOOKFERRY_BIN"]) skip(fromSource, "this is the built file");
else {
  test(fromSource, async (t) => {
    const { code, stderr } = await service(t, systemRoot(t), "systemd", "install");
    assert.equal(code, 2);
    assert.match(stderr, /give --program FILE/);
  });
}

const refused: Record<string, { readonly words: readonly string[]; readonly why: RegExp }> = {
  "a program below /home": {
    words: ["install", "--program", "/home/me/hookferry"],
    why: /--program \/home\/me\/hookferry: a service sees nothing of \/home/,
  },
  "a configuration below /root": {
    words: [...connector, "--config", "/root/connector.yaml"],
    why: /--config \/root\/connector.yaml: a service sees nothing of \/root/,
  },
  "a name that is none": { words: [...connector, "--name", "a b"], why: /--name "a b": use / },
  "a role that is none": { words: ["install", "conector"], why: /use connector or relay/ },
  "a relay without channels": {
    words: ["install", "relay", "--program", "/bin/true"],
    why: /give --webhooks FILE/,
  },
  "a relay's --listen that is none": {
    words: [...relay, "--", "--listen", "nonsense"],
    why: /--listen "nonsense": use HOST:PORT/,
  },
  "a flag that a relay does not have": {
    words: [...relay, "--", "--lisen", "0.0.0.0:8420"],
    why: /unknown flag "--lisen", did you mean --listen\?/,
  },
  "a relay's flag without its value": { words: [...relay, "--", "--listen"], why: /--listen/ },
  "a relay's --durability that is none": {
    words: [...relay, "--", "--durability", "paper"],
    why: /--durability "paper": use one of full, normal, memory/,
  },
  "a relay's --store that is none, though not shown": {
    words: [...relay, "--", "--store", "nats://marked@"],
    why: /^hookferry: --store \(HOOKFERRY_STORE\): use nats:[^]*$/,
  },
  "what nobody types": { words: [...connector, "--", "--from", "-"], why: /nobody types/ },
  "an unknown action": { words: ["instal"], why: /did you mean "?install/ },
  "no configuration": {
    words: [...connector, "--name", "x"],
    why: /no \/etc\/hookferry\/x\.\{json/,
  },
};
for (const [what, { words, why }] of Object.entries(refused)) {
  test(`${what} is refused, with the reason`, async (t) => {
    const { code, stderr } = await service(t, systemRoot(t), "systemd", ...words);
    assert.equal(code, 2, stderr);
    assert.match(stderr, why);
  });
}

test("a configuration that the made user cannot read is refused", async (t) => {
  const root = systemRoot(t);
  chmodSync(join(root, "/etc/hookferry/connector.yaml"), 0o600);
  const { code, stderr } = await service(t, root, "systemd", ...connector);
  assert.equal(code, 2);
  assert.match(stderr, /chmod o\+r/);
  const named = await service(t, root, "systemd", ...connector, "--user", "daemon");
  assert.equal(named.code, 0, named.stderr);
});

test("a configuration in a folder that the made user cannot enter is refused", async (t) => {
  const root = systemRoot(t);
  chmodSync(join(root, "/etc/hookferry"), 0o700);
  const { code, stderr } = await service(t, root, "systemd", ...connector);
  assert.equal(code, 2);
  assert.match(stderr, /chmod o\+x \S+\/etc\/hookferry/);
});

/** The installer's folder, rights and sight are not the service's. */
const unseen: Record<string, { more: (root: string) => string; words?: string[]; why: RegExp }> = {
  "a token's file that is looked for in the folder of who installs": {
    more: (root) => `token_file: ${relative(process.cwd(), join(root, "etc/hookferry/token"))}`,
    words: connector.slice(0, 3),
    why: /\/token: a service does not start in this folder: use an absolute path/,
  },
  "a journal in the folder of who installs": {
    more: () => "journal: sqlite:journal",
    why: /journal: a service does not start in this folder: use an absolute path/,
  },
  "a CA that the service does not see": {
    more(root) {
      copyFileSync(certPath("ca"), join(root, "ca.pem"));
      return `ca_cert_path: ${join(root, "ca.pem")}`;
    },
    why: /ca\.pem: a service sees nothing of \/(var\/)?tmp/,
  },
  "a journal that the service does not see": {
    more: () => "journal: sqlite:/root/journal",
    why: /\/root\/journal: a service sees nothing of \/root/,
  },
};
for (const [what, { more, words = connector, why }] of Object.entries(unseen)) {
  test(`${what} is refused, with the reason`, async (t) => {
    const root = systemRoot(t);
    put(root, "/etc/hookferry/connector.yaml", `${config}${more(root)}\n`);
    const { code, stderr } = await service(t, root, "systemd", ...words);
    assert.equal(code, 78, stderr);
    assert.match(stderr, why);
    assert.equal(existsSync(unitPath(root, "connector")), false);
  });
}

test("a token's file in the configuration does not count where another is given", async (t) => {
  const root = systemRoot(t);
  put(root, "/etc/hookferry/connector.yaml", `${config}token_file: token\n`);
  const { code, stderr } = await service(t, root, "systemd", ...connector);
  assert.equal(code, 0, stderr);
});

test("a relay's files are absolute, and where the service sees them", async (t) => {
  const root = systemRoot(t);
  const data = await service(t, root, "systemd", ...relay, "--", "--data", "data");
  assert.equal(data.code, 78, data.stderr);
  assert.match(data.stderr, /data: a service does not start in this folder/);
  const tls = ["--", "--tls-cert", "/home/me/cert.pem", "--tls-key", "key.pem"];
  const { code, stderr } = await service(t, root, "systemd", ...relay, ...tls);
  assert.equal(code, 78, stderr);
  assert.match(stderr, /\/home\/me\/cert.pem: a service sees nothing of \/home/);
  assert.match(stderr, /key.pem: a service does not start in this folder/);
  assert.equal(existsSync(unitPath(root, "relay")), false);
});

const elsewhere = ["--", "--data", "/srv/hook ferry"];
const journal = `${config}journal: sqlite:/srv/hook ferry\n`;

test("a folder that the made user would write into is its state folder, or refused, which names that", async (t) => {
  const root = systemRoot(t);
  put(root, "/etc/hookferry/orders.yaml", journal);
  mkdirSync(join(root, "/srv/hook ferry"), { recursive: true });
  for (
    const [words, state] of [
      [[...relay, ...elsewhere], "relay"],
      [[...connector, "--name", "orders"], "orders"],
    ] as const
  ) {
    const { code, stderr } = await service(t, root, "systemd", ...words);
    assert.equal(code, 78, stderr);
    const why =
      `/srv/hook ferry: the user that the service gets writes into /var/lib/hookferry/${state} alone`;
    assert.ok(stderr.includes(why), stderr);
    assert.equal(existsSync(join(root, "etc/systemd")), false);
  }
  const own = ["--", "--data", "/var/lib/hookferry/relay/messages"];
  const { code, stderr } = await service(t, root, "systemd", ...relay, ...own);
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(readFileSync(unitPath(root, "relay"), "utf8"), /ReadWritePaths/);
});

test("a folder that a named user can write into is open to the unit; one that is not there, or not his, is refused", async (t) => {
  const root = systemRoot(t);
  put(root, "/etc/hookferry/connector.yaml", journal);
  put(root, "/etc/passwd", "root:x:0:0::/:/bin/sh\ndaemon:x:4242:4242::/:/bin/false\n");
  const folder = join(root, "/srv/hook ferry");
  const install = async (words: readonly string[], name: string) => {
    const { code, stderr } = await service(t, root, "systemd", ...words);
    const unit = code === 0 ? readFileSync(unitPath(root, name), "utf8") : "";
    return { code, stderr, unit };
  };
  for (
    const [words, name] of [
      [[...relay, "--user", "daemon", ...elsewhere], "relay"],
      [[...connector, "--user", "daemon"], "connector"],
    ] as const
  ) {
    const absent = await install(words, name);
    assert.equal(absent.code, 78, absent.stderr);
    assert.match(absent.stderr, /no such folder: install -d -o daemon -m 700 '\/srv\/hook ferry'/);
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
    const foreign = await install(words, name);
    assert.equal(foreign.code, 78, foreign.stderr);
    assert.match(foreign.stderr, /daemon cannot write there: chown daemon '\/srv\/hook ferry'/);
    chmodSync(folder, 0o777);
    const { code, stderr, unit } = await install(words, name);
    assert.equal(code, 0, stderr);
    assert.match(unit, /^ReadWritePaths="\/srv\/hook ferry"$/m);
    if (noSystemdAnalyze === undefined) assert.equal(verifyUnit(unitPath(root, name)), "");
    rmSync(folder, { recursive: true });
  }
});

test("where a file cannot be written it is said, with the path", async (t) => {
  const root = systemRoot(t);
  put(root, "/etc/systemd", "a file where a folder has to be");
  const { code, stderr } = await service(t, root, "systemd", ...connector);
  assert.equal(code, 1);
  assert.match(stderr, /cannot write .*hookferry-connector.service: ENOTDIR|EEXIST/);
});

test("OpenRC gets a script that a shell reads, of a user that is named", async (t) => {
  const root = systemRoot(t);
  const anonymous = await service(t, root, "openrc", ...connector);
  assert.equal(anonymous.code, 2);
  assert.match(anonymous.stderr, /give --user/);
  const words = [...connector, "--user", "daemon", "--", "--to", "http://127.0.0.1:1/it's"];
  const { code, stderr } = await service(t, root, "openrc", ...words);
  assert.equal(code, 0, stderr);
  const path = join(root, "etc/init.d/hookferry-connector");
  assert.equal(statSync(path).mode & 0o777, 0o755);
  // What supervise-daemon is given, as OpenRC has the shell read it.
  const { stdout } = spawnSync("sh", [
    "-c",
    '. "$1"; eval "printf %s\\\\\\n $command_args"',
    "-",
    path,
  ], {
    encoding: "utf8",
  });
  assert.deepEqual(stdout.trimEnd().split("\n"), [
    ...["connect", "--output", "quiet", "--config", "/etc/hookferry/connector.yaml"],
    ...["--to", "http://127.0.0.1:1/it's"],
  ]);
});

const plist = "launchd gets a property list that says what to run";
if (spawnSync("python3", ["--version"], { stdio: "ignore" }).status === 0) {
  test(plist, async (t) => {
    const root = systemRoot(t);
    const words = [...connector, "--user", "daemon", "--", "--to", "http://127.0.0.1:1/?a&b<c"];
    const { code, stderr } = await service(t, root, "launchd", ...words);
    assert.equal(code, 0, stderr);
    const path = join(root, "Library/LaunchDaemons/hookferry-connector.plist");
    const read =
      "import json,plistlib,sys; print(json.dumps(plistlib.load(open(sys.argv[1],'rb'))))";
    const list = JSON.parse(spawnSync("python3", ["-c", read, path], { encoding: "utf8" }).stdout);
    assert.deepEqual(list.ProgramArguments, [
      ...["/bin/true", "connect", "--output", "quiet", "--config", "/etc/hookferry/connector.yaml"],
      ...["--to", "http://127.0.0.1:1/?a&b<c"],
    ]);
    assert.equal(list.UserName, "daemon");
    assert.equal(list.EnvironmentVariables.CONNECTOR_TOKEN_FILE, "/etc/hookferry/token");
  });
} else {
  skip(plist, "no python3 to read it");
}

test("on Windows it tells what to enter, and that nothing is installed", async (t) => {
  const root = systemRoot(t);
  const { code, stdout, stderr } = await service(t, root, "windows", ...connector);
  assert.equal(code, 1);
  assert.match(stdout, /Register-ScheduledTask -TaskName 'hookferry-connector'/);
  assert.match(stderr, /nothing is installed/);
  const dry = await service(t, root, "windows", ...connector, "--dry-run");
  assert.equal(dry.code, 0);
});
