/** connect and dev on a real terminal. */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import process from "node:process";
import { shellWord } from "../../src/cli/quoting.ts";
import { recordSchema } from "../../src/output/record.ts";
import { publish, startDevRelay, startTarget } from "../support/rig.ts";
import { skip, test as run, type TestContext } from "../support/test.ts";
import { noTmux, startPane } from "../support/tmux.ts";

const test = noTmux === undefined ? run : (name: string) => skip(name, noTmux ?? "");

/** A connector on a terminal, and what is around it; `answer` is what the target says. */
async function startShown(
  t: TestContext,
  { more = [], env = {}, shell }: {
    readonly more?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly shell?: (command: string) => string;
  } = {},
) {
  const answer = { status: 200, hold: undefined as Promise<unknown> | undefined };
  const target = await startTarget(t, async () => {
    await answer.hold;
    return answer.status;
  });
  const told = new EventEmitter();
  const relay = await startDevRelay(t, {}, { observe: ({ type }) => void told.emit(type) });
  const pane = startPane(
    t,
    ["connect", "--status-listen", "off", "--to", target.url.href, ...more],
    {
      CONNECTOR_CLOUD_URL: relay.url,
      CONNECTOR_CHANNEL: "dev",
      CONNECTOR_TOKEN: "s3cret",
      ...env,
    },
    shell,
  );
  return { answer, target, relay, pane, happened: (type: string) => once(told, type) };
}

/** The same with a webhook at the target, which answers when the test says so. */
async function startHeld(t: TestContext) {
  const shown = await startShown(t);
  const { answer, target, relay, pane } = shown;
  await pane.until(/no message has come yet/);
  const { promise, resolve: goOn } = Promise.withResolvers<void>();
  t.defer(goOn);
  answer.hold = promise;
  await publish(relay, "slow");
  await target.arrived(1);
  return { ...shown, goOn };
}

test("the live view has a line for each message, the newest first, and what there is to know of one", async (t) => {
  const { relay, pane, answer } = await startShown(t, { more: ["--inspect"] });
  await pane.until(/no message has come yet/);
  const one = await publish(relay, "the first body");
  await pane.until(/POST +\/hook .* 200 /);
  answer.status = 422;
  const two = await publish(relay, "the second body");
  const screen = await pane.until(/422 dead letter/);
  assert.match(screen, /TIME +METHOD +PATH +STATUS +DURATION +ATTEMPTS/);
  assert.match(screen, /^>\d\d:\d\d:\d\d {2}POST +\/hook +422 dead letter +\d+ ms +1$/m);
  assert.match(screen, /^ \d\d:\d\d:\d\d {2}POST +\/hook +200 +\d+ ms +1$/m);
  assert.ok(screen.indexOf("422 dead letter") < screen.indexOf("200  "));
  assert.match(screen, /^ dev at 127\.0\.0\.1:\d+$/m);
  assert.match(
    screen,
    /websocket for .* \| in flight 0 \| \d.*\/s \| failed 1 \| dead letters 1$/m,
  );

  pane.press("Enter");
  assert.match(await pane.until(/Attempts: 1/), new RegExp(two));
  pane.press("End");
  await pane.until(/the second body|Answer of default/);
  pane.press("Escape");
  await pane.until(/TIME +METHOD/);
  pane.press("Down", "Enter");
  await pane.until(new RegExp(one));
  pane.press("PageDown");
  await pane.until(/the first body/);
  pane.press("q");
  await pane.until(/1 delivered, 1 failed\n(.*\n)*exit 0/);
});

test("r delivers a dead letter again, and with --inspect any of the last messages", async (t) => {
  const { relay, pane, answer, target } = await startShown(t, { more: ["--inspect"] });
  await pane.until(/no message has come yet/);
  await publish(relay, "fine");
  await pane.until(/ 200 /);
  pane.press("r");
  await pane.until(/replayed -> default: delivered/);
  assert.equal(target.got.length, 2);
  answer.status = 422;
  await publish(relay, "refused");
  await pane.until(/422 dead letter/);
  pane.press("r");
  await pane.until(/replayed -> default: the target answered 422/);
  answer.status = 200;
  pane.press("r");
  await pane.until(/replayed -> default: delivered/);
  assert.deepEqual(
    target.got.map(({ body }) => new TextDecoder().decode(body)),
    ["fine", "fine", "refused", "refused", "refused"],
  );
});

test("details stay with their message, and r is about it, when 200 others have come since", async (t) => {
  const { relay, pane, answer, happened } = await startShown(t);
  await pane.until(/no message has come yet/);
  answer.status = 422;
  const refused = await publish(relay, "refused");
  await pane.until(/422 dead letter/);
  pane.press("Enter");
  await pane.until(/Attempts: 1/);
  answer.status = 200;
  for (let i = 0; i < 201; i++) {
    const acked = happened("relay.acked");
    await publish(relay, "another one");
    await acked;
  }
  pane.press("r");
  assert.match(
    await pane.until(/replayed -> default: delivered/),
    new RegExp(`^ ${refused}$`, "m"),
  );
});

test("in details the keys upwards work at the end as well", async (t) => {
  const { relay, pane } = await startShown(t, { more: ["--inspect"] });
  await pane.until(/no message has come yet/);
  await publish(relay, "line\n".repeat(50));
  await pane.until(/ 200 /);
  pane.press("Enter", "End");
  const [, last] = /lines (\d+) to/.exec(await pane.until(/lines \d\d+ to/)) ?? [];
  pane.press("Down", "Up");
  await pane.until(new RegExp(`lines ${Number(last) - 1} to`));
  pane.press("End", "Home");
  await pane.until(/lines 1 to/);
});

test("a dead letter that is delivered while the journal cannot be written says so, and all goes on", async (t) => {
  const folder = t.folder();
  const { relay, pane, answer, target } = await startShown(t, {
    env: { CONNECTOR_JOURNAL: `sqlite:${folder}` },
  });
  await pane.until(/no message has come yet/);
  answer.status = 422;
  await publish(relay, "refused");
  await pane.until(/422 dead letter/);
  const other = new DatabaseSync(join(folder, "journal.db"));
  t.defer(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  answer.status = 200;
  pane.press("r");
  await pane.until(/may be delivered, but the journal is not available: .*locked/);
  other.exec("ROLLBACK");
  await publish(relay, "goes on");
  await target.arrived(3);
  pane.press("q");
  await pane.until(/exit 0/);
});

test("p stops the intake and takes it up again; f shows the messages that have the words", async (t) => {
  const { relay, pane, answer } = await startShown(t);
  await pane.until(/no message has come yet/);
  pane.press("p");
  await pane.until(/PAUSED/);
  await publish(relay, "while paused");
  assert.doesNotMatch(pane.screen(), /POST/);
  pane.press("p");
  assert.doesNotMatch(await pane.until(/ 200 /), /WRN/);
  answer.status = 422;
  await publish(relay, "refused");
  await pane.until(/422 dead letter/);
  pane.press("f");
  await pane.until(/filter: _/);
  pane.press("d", "e", "a", "d", "BSpace", "x");
  await pane.until(/no message has "deax" in it/);
  pane.press("BSpace", "d", "Enter");
  const screen = await pane.until(/422 dead letter[\s\S]*f filter: dead/);
  assert.doesNotMatch(screen, / 200 /);
  pane.press("Escape");
  await pane.until(/ 200 /);
});

test("q finishes what is in hand, q again gives it back; Ctrl-C is the same", async (t) => {
  const { pane } = await startHeld(t);
  pane.press("q");
  await pane.until(/STOPPING[^]*q again stops now/);
  pane.press("C-c");
  await pane.until(/0 delivered, 0 failed, 1 given back\n(.*\n)*exit 75/);
});

test("a third Ctrl-C exits at once, and gives the terminal back", async (t) => {
  const { pane } = await startHeld(t);
  pane.press("C-c", "C-c", "C-c");
  assert.doesNotMatch(await pane.until(/exit 75/), /TIME +METHOD/);
});

test("a terminal that is closed ends the connector, and what is in hand is finished first", async (t) => {
  const { relay, pane, happened, goOn } = await startHeld(t);
  pane.hangUp();
  goOn();
  await happened("relay.disconnected");
  assert.equal(relay.registry.named("dev")?.channel.stats.delivered, 1);
});

test("SIGHUP on a terminal that is still there gives it back, and the program ends", async (t) => {
  const pidFile = join(t.folder(), "pid");
  const { pane } = await startShown(t, {
    shell: (command) => `sh -c ${shellWord(`echo $$ > ${pidFile}; exec ${command}`)}`,
  });
  await pane.until(/no message has come yet/);
  process.kill(Number(readFileSync(pidFile, "utf8")), "SIGHUP");
  assert.doesNotMatch(await pane.until(/0 delivered, 0 failed\n(.*\n)*exit 0/), /TIME +METHOD/);
});

test("a terminal that takes nothing holds up no delivery, and shows what there is when it does again", async (t) => {
  const { relay, pane, happened } = await startShown(t);
  await pane.until(/no message has come yet/);
  // Much to draw: what is between the program and the terminal takes some of it.
  pane.resize(300, 60);
  await publish(relay, "the first");
  await pane.until(/ 200 /);
  const goOn = pane.stall();
  for (let i = 0; i < 1_000; i++) {
    const acked = happened("relay.acked");
    await publish(relay, "another one");
    await acked;
  }
  goOn();
  pane.press("q");
  await pane.until(/1001 delivered, 0 failed\n(.*\n)*exit 0/);
});

test("on a narrow terminal nothing wraps, and a new size is taken at once", async (t) => {
  const { relay, pane } = await startShown(t);
  await pane.until(/no message has come yet/);
  await publish(relay, "x");
  await pane.until(/ 200 /);
  pane.resize(50, 8);
  const screen = await pane.until(/^ dev at .*\n TIME[^]*\n up\/down.*\n$/);
  assert.equal(screen.split("\n").length, 8 + 1);
});

test("NO_COLOR has no colours", async (t) => {
  for (const [env, has] of [[{ NO_COLOR: "1" }, false], [{}, true]] as const) {
    const { relay, pane } = await startShown(t, { env });
    await publish(relay, "x");
    await publish(relay, "y");
    await pane.until(/ 200 [^]* 200 /);
    // deno-lint-ignore no-control-regex
    assert.equal(/\x1b\[[\d;]*3[1-7]/.test(pane.screen("styles")), has);
  }
});

test("what is piped, and what runs in CI, is one record of JSON a line, and nothing else", async (t) => {
  for (const by of ["pipe", "ci"] as const) {
    const { relay, pane, happened } = await startShown(t, {
      env: by === "ci" ? { CI: "true" } : {},
      shell: (command) => by === "ci" ? `${command} 2>/dev/null` : `${command} 2>/dev/null | cat`,
    });
    await publish(relay, "x");
    pane.resize(400, 24);
    const screen = await pane.until(/"verdict":"ack"/);
    const records = screen.trimEnd().split("\n").map((line) =>
      recordSchema.parse(JSON.parse(line))
    );
    assert.deepEqual(records.map(({ type }) => type), ["connection", "message", "settled"]);
    // A window that is closed ends it in this way too: SIGHUP is no reload there.
    pane.hangUp();
    await happened("relay.disconnected");
  }
});

test("dev on a terminal shows its sample, and inside it that the signature still holds", async (t) => {
  const pane = startPane(t, ["dev"]);
  const screen = await pane.until(/POST +\/dev +200/);
  assert.match(screen, /post to +http:\/\/127\.0\.0\.1:\d+\/webhook\/dev$/m);
  assert.match(screen, /page +http:\/\/127\.0\.0\.1:\d+\/$/m);
  pane.press("Enter", "End");
  await pane.until(/ok, signature valid/);
  pane.press("q");
  await pane.until(/1 delivered, 0 failed\n(.*\n)*exit 0/);
});

test("a connection that cannot be made is told with its reason", async (t) => {
  const pane = startPane(t, ["connect", "--to", "3000", "--status-listen", "off"], {
    CONNECTOR_CLOUD_URL: "http://127.0.0.1:1",
    CONNECTOR_CHANNEL: "dev",
    CONNECTOR_TOKEN: "s3cret",
  });
  pane.resize(60, 24);
  await pane.until(
    /not connected yet:\n(.*\n)*.*127\.0\.0\.1:1\/[^]*not connected for .* \| cannot open/,
  );
  pane.press("q");
  await pane.until(/0 delivered, 0 failed\n(.*\n)*exit 0/);
});
