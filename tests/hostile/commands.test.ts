/** Commands that print what a relay or a connector says, before somebody at a terminal. */
import assert from "node:assert/strict";
import { startHttpServer } from "../support/http_server.ts";
import { startProgram } from "../support/program.ts";
import { httpAnswer, startRawServer } from "../support/raw_peer.ts";
import { test, type TestContext } from "../support/test.ts";

const said = "owned \x1b[2J\x1b]0;x\x07\x9b31m\x9d0;x\x9c\x7f\u202e";
const obeyed = /\p{Cc}|\p{Bidi_Control}/u;

const letter = {
  ...{ message_id: "m1", webhook_id: said, target: "a", at: "now", attempts: 1, bytes: 1 },
  reason: { message: said },
};

/** Says the same of everything, with 200 where a command goes on from there. */
async function startPeer(t: TestContext) {
  return await startHttpServer(t, (request, response) => {
    const path = request.url ?? "";
    const good = path.startsWith("/-/dead-letters?")
      ? { dead_letters: [letter] }
      : path.endsWith("/replay")
      ? { results: [{ target: "a", outcome: "rejected", reason: said }] }
      : undefined;
    // To 401 from a connector a command says what it knows itself.
    const refusal = path.startsWith("/-/") ? 409 : 401;
    response.writeHead(good ? 200 : refusal, { "Content-Type": "application/json; charset=utf-8" });
    response.end(JSON.stringify(good ?? { detail: said }));
  });
}

async function printed(t: TestContext, words: string[]) {
  const { url } = await startPeer(t);
  const program = startProgram(t, words.map((word) => word.replace("URL", url)), {
    CONNECTOR_CLOUD_URL: url,
    ...{ CONNECTOR_CHANNEL: "dev", CONNECTOR_TOKEN: "t", CONNECTOR_TARGET_URL: url },
    ...{ CONNECTOR_JOURNAL: "memory", WEBHOOK_CONNECT_ADMIN_TOKEN: "a" },
    CONNECTOR_STATUS_LISTEN: new URL(url).host,
  });
  await program.ended;
  return [...program.stdout, ...program.stderr];
}

for (
  const words of [
    ["doctor"],
    ["status"],
    ["pause"],
    ["dead-letters", "list"],
    ["dead-letters", "replay", "m1"],
    ["dead-letters", "drop", "m1"],
    ["send", "URL/webhook/hook"],
    ["rotate-token", "dev", "--url", "URL"],
  ]
) {
  test(`${words.join(" ")} prints nothing that a terminal would obey, whatever it is told`, async (t) => {
    const lines = await printed(t, words);
    assert.ok(lines.some((line) => line.includes("owned")), lines.join("\n"));
    for (const line of lines) assert.doesNotMatch(line, obeyed);
  });
}

test("dead-letters list --json tells what was said as it was", async (t) => {
  const lines = await printed(t, ["dead-letters", "list", "--json"]);
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [letter]);
});

const noConnector = [
  [
    "answers with a page",
    /no connector of this version: it said "<p>/,
    httpAnswer("200 OK", "<p>"),
  ],
  [
    "answers with other JSON",
    /no connector of this version: it said "\[\]"/,
    httpAnswer("200 OK", "[]"),
  ],
  ["breaks off", /the answer broke off: /, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<p>"],
] as const;

for (const [what, said, answer] of noConnector) {
  test(`of a server in a connector's place that ${what} a command says so in a line`, async (t) => {
    const { url } = await startRawServer(t, async ({ socket, write }) => {
      await write(answer);
      socket.end();
    });
    const listen = ["--status-listen", new URL(url).host];
    for (
      const words of [
        ["status"],
        ["status", "--json"],
        ["pause"],
        ["resume"],
        ["dead-letters", "list"],
        ["dead-letters", "replay", "m1"],
        ["dead-letters", "drop", "m1"],
      ]
    ) {
      const program = startProgram(t, [...words, ...listen]);
      assert.equal(await program.ended, 1);
      assert.equal(program.stderr.length, 1, program.stderr.join("\n"));
      assert.match(program.stderr[0] ?? "", said);
      assert.deepEqual(program.stdout, []);
    }
  });
}
