/** The commands of docs/OPERATIONS.md, one after the other, on a machine that is thrown away. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { readPage } from "../../scripts/docs_test/markdown.ts";
import { noOwnSystemd, runUnderSystemd } from "../support/own_systemd.ts";
import { skip, test } from "../support/test.ts";

const page = join(import.meta.dirname ?? ".", "..", "..", "docs", "OPERATIONS.md");
const noSqlite = spawnSync("sqlite3", ["--version"], { stdio: "ignore" }).status === 0
  ? undefined
  : "no sqlite3 on this machine: apt-get install sqlite3";

/** What the page takes for granted: the channels of a relay, another configuration, another version. */
const before = `
mkdir -p /etc/hookferry /var/backups
cd /etc/hookferry
echo '{"orders": {"module": "webhook_connect", "channel": "orders", "channel_token": "t"}}' > webhooks.json
echo '{"cloud_url": "https://relay.example", "channel": "orders", "target_url": "http://127.0.0.1:3000"}' > orders.json
echo t > orders.token
cd /run
cp /usr/local/bin/hookferry hookferry-linux-x64
`;

const title = "the commands of OPERATIONS.md do what they say, in their order";
const noBuilt = process.env["HOOKFERRY_BIN"]
  ? undefined
  : "it is about the built file: HOOKFERRY_BIN";
const why = noOwnSystemd ?? noSqlite ?? noBuilt;
if (why === undefined) {
  test(title, async (t) => {
    const commands = readPage(readFileSync(page, "utf8")).sections
      .flatMap(({ blocks }) => blocks)
      .filter(({ notes }) => notes.some((note) => note.includes("tests/service runs it")))
      .flatMap(({ text }) => text.trim().split("\n"));
    assert.ok(commands.length > 12, `${commands.length} commands`);
    const script = before + commands.map((command) => `${command}\necho "exit $?"`).join("\n") +
      `
hookferry service status
stat -c 'backup %a' /var/backups/hookferry
sqlite3 /var/backups/hookferry/relay.db 'PRAGMA integrity_check' | sed 's/^/integrity /'
`;
    const { log, journal } = await runUnderSystemd(t, script);
    const exits = [...log.matchAll(/^exit (\d+)$/gm)].map(([, code]) => code);
    assert.deepEqual(exits, commands.map(() => "0"), `${log}\n${journal}`);
    for (const name of ["connector", "orders", "relay"]) {
      assert.match(
        log.slice(log.lastIndexOf("exit 0")),
        new RegExp(`^running +hookferry-${name} `, "m"),
      );
    }
    assert.match(log, /^paused for 10m$/m);
    assert.match(log, /^backup 700$/m);
    assert.match(log, /^integrity ok$/m);
  });
} else {
  skip(title, why);
}
