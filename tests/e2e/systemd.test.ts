import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { write } from "../support/configured_program.ts";
import { noNotify, startNotifySocket } from "../support/notify_socket.ts";
import { startProgram } from "../support/program.ts";
import { startDevRelay, startTarget } from "../support/rig.ts";
import { skip, test, type TestContext } from "../support/test.ts";

function connectArgs(relayUrl: string, target: URL): string[] {
  return [
    ...["connect", "--cloud-url", relayUrl, "--channel", "dev", "--to", target.href],
    ...["--journal", "memory", "--status-listen", "off", "--log-level", "debug"],
    ...["--log-format", "json"],
  ];
}

const relayArgs = ["relay", "--listen", "127.0.0.1:0", "--durability", "memory"];

const told = "systemd hears that it is ready, how it is, that it lives, and that it stops";
if (noNotify === undefined) {
  test(told, async (t) => {
    const socket = await startNotifySocket(t);
    const target = await startTarget(t);
    const relay = await startDevRelay(t);
    const connector = startProgram(t, connectArgs(relay.url, target.url), {
      CONNECTOR_TOKEN: "s3cret",
      NOTIFY_SOCKET: socket.path,
      WATCHDOG_USEC: "100000",
    });
    await socket.line(/^READY=1$/);
    await socket.line(/^STATUS=connected over websocket$/);
    await socket.line(/^WATCHDOG=1$/, 3);
    connector.terminate();
    assert.equal(await connector.ended, 0);
    await socket.line(/^STOPPING=1$/);
    const firsts = ["READY=1", "STATUS=connected over websocket", "STOPPING=1"]
      .map((line) => socket.lines.indexOf(line));
    assert.deepEqual(firsts, [...firsts].sort((a, b) => a - b), "in that order");
  });
} else {
  skip(told, noNotify);
}

const several =
  "systemd hears of all connections, and that the process stops only when it does, not when a reload takes one away";
if (noNotify === undefined) {
  test(several, async (t) => {
    const socket = await startNotifySocket(t);
    const target = await startTarget(t);
    const relay = await startDevRelay(t);
    const file = join(t.folder(), "connector.json");
    const configure = (connections: Record<string, unknown>) =>
      write(file, {
        channel: "dev",
        token: "s3cret",
        default_target: { url: target.url.href },
        journal: "memory",
        status_listen: "off",
        connections,
      });
    const stays = { cloud_url: relay.url };
    configure({ gone: { cloud_url: "http://127.0.0.1:1" }, stays });
    const connector = startProgram(t, ["connect", "--config", file], {
      NOTIFY_SOCKET: socket.path,
    });
    await socket.line(/^STATUS=1 of 2 connected; gone: not connected: .*refused/);
    configure({ stays });
    await socket.line(/^STATUS=1 of 1 connected$/);
    connector.terminate();
    assert.equal(await connector.ended, 0);
    await socket.line(/^STOPPING=1$/);
    const at = (line: string) => socket.lines.indexOf(line);
    assert.ok(at("STATUS=1 of 1 connected") < at("STOPPING=1"), socket.lines.join("\n"));
    assert.equal(socket.lines.filter((line) => line === "READY=1").length, 1);
  });
} else {
  skip(several, noNotify);
}

const relayTold = "systemd hears of a relay that it listens, that it lives, and that it stops";
if (noNotify === undefined) {
  test(relayTold, async (t) => {
    const socket = await startNotifySocket(t);
    const relay = startProgram(t, relayArgs, {
      NOTIFY_SOCKET: socket.path,
      WATCHDOG_USEC: "100000",
    });
    await socket.line(/^READY=1$/);
    await socket.line(/^STATUS=listening on http:\/\/127\.0\.0\.1:\d+$/);
    await socket.line(/^WATCHDOG=1$/, 3);
    relay.terminate();
    assert.equal(await relay.ended, 0);
    await socket.line(/^STOPPING=1$/);
  });
} else {
  skip(relayTold, noNotify);
}

/** The PATH with a `systemd-notify` that fails the first time, and then is the real one. */
function failsOnce(t: TestContext): string {
  const folder = t.folder();
  const script = `#!/bin/sh
[ -e "$0.failed" ] || { touch "$0.failed"; exit 1; }
PATH="\${PATH#*:}"
exec systemd-notify "$@"
`;
  writeFileSync(join(folder, "systemd-notify"), script, { mode: 0o755 });
  return folder + delimiter + process.env["PATH"];
}

for (const what of ["connector", "relay"] as const) {
  const title = `a ${what} that could not tell systemd once tells it next time`;
  if (noNotify !== undefined) {
    skip(title, noNotify);
    continue;
  }
  test(title, async (t) => {
    const socket = await startNotifySocket(t);
    const target = await startTarget(t);
    const relay = await startDevRelay(t);
    const args = what === "relay" ? relayArgs : connectArgs(relay.url, target.url);
    const program = startProgram(t, args, {
      CONNECTOR_TOKEN: "s3cret",
      PATH: failsOnce(t),
      NOTIFY_SOCKET: socket.path,
      WATCHDOG_USEC: "100000",
    });
    await program.line(/systemd-notify ended with 1/);
    await Promise.all([socket.line(/^READY=1$/), socket.line(/^WATCHDOG=1$/, 3)]);
    program.terminate();
    assert.equal(await program.ended, 0);
    await socket.line(/^STOPPING=1$/);
    assert.equal(program.stderr.filter((line) => line.includes("systemd-notify")).length, 1);
  });
}

test("a relay whose service manager cannot be told warns once and goes on", async (t) => {
  const relay = startProgram(t, relayArgs, {
    NOTIFY_SOCKET: "/nonexistent/notify",
    WATCHDOG_USEC: "20000",
  });
  await relay.line(/relay\.service_manager_failed/);
  relay.terminate();
  assert.equal(await relay.ended, 0);
  assert.equal(relay.stderr.filter((line) => line.includes("service_manager")).length, 1);
});

test("a service manager that cannot be told is a warning, once, and nothing else", async (t) => {
  const target = await startTarget(t);
  const relay = await startDevRelay(t);
  const connector = startProgram(t, connectArgs(relay.url, target.url), {
    CONNECTOR_TOKEN: "s3cret",
    NOTIFY_SOCKET: "/nonexistent/notify",
    WATCHDOG_USEC: "20000",
  });
  await connector.line(/config\.warning.*systemd cannot be told/);
  await connector.line(/stream\.connected/);
  connector.terminate();
  assert.equal(await connector.ended, 0);
  assert.equal(connector.stderr.filter((line) => line.includes("systemd")).length, 1);
});
