/** The far side of `far/stub.ts`, started for one benchmark. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { farCore, onCore } from "./cores.ts";
import { scriptCommand } from "./runtimes.ts";

export interface TurnResult {
  readonly settled: number;
  readonly seconds: number;
  /** From the relay's sending to the target's reading, milliseconds. */
  readonly latencies: readonly number[];
}

export interface Stub {
  readonly url: string;
  /** Resolves when the channel's connector is there. */
  idle(channel: string): Promise<void>;
  turn(channel: string, query: Record<string, number>): Promise<TurnResult>;
  /** How many spans came to this collector, by its URL, in OTLP's JSON. */
  spans(collector: string): Promise<number>;
  stop(): void;
}

/** On Bun, whose server is the faster one, whatever is measured. */
export async function startStub(): Promise<Stub> {
  const [program = "", ...args] = onCore(
    farCore,
    scriptCommand("bun", "scripts/bench/far/stub.ts"),
  );
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const [url] = await once(createInterface({ input: child.stdout }), "line") as [string];
  return {
    url,
    async idle(channel) {
      await (await fetch(`${url}/idle/${channel}`)).text();
    },
    async turn(channel, query) {
      const text = new URLSearchParams(
        Object.entries(query).map(([name, value]) => [name, String(value)]),
      );
      return await (await fetch(`${url}/turn/${channel}?${text}`)).json() as TurnResult;
    },
    spans: async (collector) => await (await fetch(collector)).json() as number,
    stop: () => child.stdin.end(),
  };
}
