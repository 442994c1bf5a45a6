/**
 * What the relay hands out: webhooks of 1 KiB that wait, to connectors that acknowledge them in groups as ours do; and
 * taking in and handing out at once. The relay is on one core, who sends and who reads on the other: who is slower holds
 * the other up, so the CPU time of the relay is what to reckon with. Five interleaved rounds, medians.
 *
 *   deno task bench deliver [deno|bun]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { WebSocket } from "ws";
import { noNats, startNats } from "../../tests/support/nats_server.ts";
import { chosenFrom } from "./tools/choices.ts";
import { farCore, holdOnCore } from "./tools/cores.ts";
import { type RelayProcess, startRelay, streamOf, webhookUrl } from "./tools/relay.ts";
import { report } from "./tools/report.ts";
import type { Runtime } from "./tools/runtimes.ts";
import { send } from "./tools/senders.ts";
import { median } from "./tools/statistics.ts";

const rounds = 5;
const messages = 10_000;
const senders = 64;
const readers = [1, 10, 100];

interface Figure {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

holdOnCore(farCore);
const wanted = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "bench-"));
const cleanups: (() => unknown)[] = [];
const nats = noNats === undefined
  ? (await startNats({ defer: (cleanup) => cleanups.push(cleanup) })).url
  : undefined;
const kinds = ["full", "memory", ...(nats === undefined ? [] : ["jetstream"])];
const figures = new Map<string, Figure[]>();
const runtimes = chosenFrom<Runtime>(["deno", "bun"], wanted);
for (let round = 0; round < rounds; round++) {
  for (const runtime of runtimes) {
    for (const durability of kinds) {
      const relay = await startRelay({ runtime, durability, nats, folder });
      await oneRound(relay, (what, figure) => {
        const name = `${runtime} ${durability} ${what}`;
        figures.set(name, [...figures.get(name) ?? [], figure]);
      });
      await relay.subject.stop("SIGTERM");
    }
  }
}
for (const cleanup of cleanups) await cleanup();
rmSync(folder, { recursive: true });
const rows = runtimes.flatMap((runtime) =>
  kinds.map((durability) => ({
    relay: `${runtime} ${durability}`,
    ...cellsOf(`${runtime} ${durability} in`, `in, ${senders} senders`),
    ...Object.assign(
      {},
      ...readers.map((count) =>
        cellsOf(`${runtime} ${durability} out ${count}`, `out, ${count} readers`)
      ),
    ),
    ...cellsOf(`${runtime} ${durability} both`, "both at once"),
  }))
);
report("deliver", wanted.join(" "), rows, Object.fromEntries(figures));
process.exit();

async function oneRound(relay: RelayProcess, tell: (what: string, figure: Figure) => void) {
  // Until it has compiled what it runs often.
  await fill(relay);
  await empty(relay, 10);
  for (const count of readers) {
    const taken = await measured(relay, () => fill(relay));
    if (count === 1) tell("in", taken);
    tell(`out ${count}`, await measured(relay, () => empty(relay, count)));
  }
  tell("both", await measured(relay, () => Promise.all([empty(relay, 1), fill(relay)])));
}

async function fill(relay: RelayProcess): Promise<void> {
  await send(webhookUrl(relay), senders, messages);
}

/** Resolves when all that was sent has been read and acknowledged by so many readers. */
async function empty(relay: RelayProcess, count: number): Promise<void> {
  const { url, headers } = streamOf(relay);
  const done = Promise.withResolvers<void>();
  let read = 0;
  const sockets = Array.from({ length: count }, () => new WebSocket(url, { headers }));
  for (const socket of sockets) {
    let ids: string[] = [];
    const acknowledge = () => {
      const acks = { type: "ack", message_ids: ids };
      ids = [];
      read += acks.message_ids.length;
      socket.send(JSON.stringify(acks), () => read === messages && done.resolve());
    };
    socket.on("message", (data: Buffer) => {
      const id = /"message_id":"([^"]+)"/.exec(data.toString("latin1", 0, 256))?.[1];
      if (id !== undefined && ids.push(id) === 1) setImmediate(acknowledge);
    });
  }
  await done.promise;
  // A closing handshake: the relay has read the acknowledgements before it.
  await Promise.all(sockets.map((socket) =>
    new Promise((resolve) => {
      socket.on("close", resolve);
      socket.close();
    })
  ));
}

async function measured(
  { subject }: RelayProcess,
  run: () => Promise<unknown>,
): Promise<Figure> {
  const cpuBefore = subject.cpuSeconds;
  const startedAt = performance.now();
  await run();
  return {
    perSecond: messages / ((performance.now() - startedAt) / 1000),
    cpuMicroseconds: (subject.cpuSeconds - cpuBefore) * 1e6 / messages,
  };
}

function cellsOf(name: string, column: string): Record<string, string> {
  const found = figures.get(name) ?? [];
  return {
    [`${column} /s`]: median(found.map(({ perSecond }) => perSecond)).toFixed(0),
    [`${column}, CPU µs`]: median(found.map(({ cpuMicroseconds }) => cpuMicroseconds)).toFixed(0),
  };
}
