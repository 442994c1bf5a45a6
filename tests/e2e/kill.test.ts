/** What was answered 202 arrives, whatever happens to the relay. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import process from "node:process";
import { noNats, startNats } from "../support/nats_server.ts";
import { type Program, startProgram } from "../support/program.ts";
import { settings, startConnector, startTarget } from "../support/rig.ts";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { skip, test, type TestContext } from "../support/test.ts";

/** Fewer with the built file: it is the same program, and has been through it from source. */
const rounds = process.env["HOOKFERRY_BIN"] ? 5 : 20;
const senders = 8;
const messagesPerRound = 2_000;

/** Posts one body; the message id when it was answered 202, undefined when it was not. */
function post(url: string, agent: http.Agent, body: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = http.request(url, { method: "POST", agent });
    request.on("socket", () => {
      // Without this Deno would send the request a second time by itself: one body, two message ids.
      (request as { reusedSocket: boolean }).reusedSocket = false;
    });
    request.on("error", () => resolve(undefined));
    request.on("response", (response) => {
      let text = "";
      response.on("data", (chunk) => text += chunk);
      response.on("error", () => resolve(undefined));
      response.on("close", () => {
        if (response.statusCode !== 202 || !response.complete) return resolve(undefined);
        resolve((JSON.parse(text) as { message_id: string }).message_id);
      });
    });
    request.end(body);
  });
}

interface Node {
  readonly url: string;
  readonly relay: Program;
}

/** What every round does the same, whatever keeps the messages. */
async function killRounds(
  t: TestContext,
  seed: number,
  start: (listen: string) => Promise<Node>,
  nodes: Node[],
): Promise<void> {
  const random = seededRandom(seed);
  const arrived = new Map<string, Set<string>>();
  let wanted: { missing: Set<string>; resolve: () => void } | undefined;
  const target = await startTarget(t, (_n, { headers, body }) => {
    const text = new TextDecoder().decode(body);
    const ids = arrived.get(text) ?? new Set();
    arrived.set(text, ids.add(String(headers["x-webhook-message-id"])));
    if (wanted?.missing.delete(text) && wanted.missing.size === 0) wanted.resolve();
    return 200;
  });
  const connectors = nodes.map(({ url }) =>
    startConnector(t, settings(url, target.url, "websocket"))
  );
  const accepted = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: senders });
    const killAfter = Math.floor(random() * messagesPerRound * 0.8) + 1;
    const victim = round % nodes.length;
    let acceptedNow = 0;
    let isDead = false;
    const send = async (sender: number) => {
      for (let n = 0; n < messagesPerRound / senders; n++) {
        const to = (sender + n) % nodes.length;
        if (isDead && to === victim) continue;
        const body = `${round}/${sender}/${n}`;
        const id = await post(`${nodes[to]?.url}/webhook/hook`, agent, body);
        if (id === undefined) continue;
        accepted.set(body, id);
        if (++acceptedNow === killAfter) {
          isDead = true;
          nodes[victim]?.relay.kill();
        }
      }
    };
    await Promise.all(Array.from({ length: senders }, (_, sender) => send(sender)));
    agent.destroy();
    const { url = "", relay } = nodes[victim] ?? {};
    await relay?.ended;
    nodes[victim] = await start(new URL(url).host);
  }
  const missing = new Set([...accepted.keys()].filter((body) => !arrived.has(body)));
  if (missing.size > 0) await new Promise<void>((resolve) => wanted = { missing, resolve });

  assert.ok(accepted.size > rounds * 10, `only ${accepted.size} accepted`);
  for (const [body, id] of accepted) {
    assert.deepEqual([...arrived.get(body) ?? []], [id], body);
  }
  for (const { drain } of connectors) drain.abort();
  for (const { ended } of connectors) assert.deepEqual(await ended, { abandoned: 0 });
}

/** Starts relays, all with the same channel and the same store. */
function relays(t: TestContext, store: (folder: string) => string[]) {
  const folder = t.folder();
  const webhooks = join(folder, "webhooks.json");
  const entry = {
    module: "webhook_connect",
    channel: "dev",
    channel_token: "s3cret",
    max_queue_size: 100_000,
    // A relay that is killed gives nothing back: its leases have to end.
    ack_timeout_seconds: 2,
  };
  writeFileSync(webhooks, JSON.stringify({ hook: entry }));
  return async (listen: string): Promise<Node> => {
    const relay = startProgram(t, [
      ...["relay", "--listen", listen, "--webhooks", webhooks, ...store(folder)],
    ]);
    return { relay, url: (await relay.line(/^listening /)).split(/\s+/)[1] ?? "" };
  };
}

test(`kill -9 of the relay, ${rounds} times during ingest: every message answered 202 arrives, none twice under another id`, async (t) => {
  const start = relays(t, (folder) => ["--data", join(folder, "data")]);
  await killRounds(t, 3, start, [await start("127.0.0.1:0")]);
});

const onJetStream =
  `kill -9 of one of two relays on JetStream, ${rounds} times during ingest: the same`;
if (noNats) skip(onJetStream, noNats);
else {
  test(onJetStream, async (t) => {
    const { url } = await startNats(t);
    const start = relays(t, () => ["--store", url]);
    await killRounds(t, 4, start, [await start("127.0.0.1:0"), await start("127.0.0.1:0")]);
  });
}
