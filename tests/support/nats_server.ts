import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseNatsAddress } from "../../src/relay/jetstream/address.ts";
import { skip, test, type TestContext } from "./test.ts";

// Debian has it where only root's path leads.
const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` };

/** Why tests that need a NATS server are skipped here; undefined when they are not. */
export const noNats: string | undefined =
  spawnSync("nats-server", ["--version"], { env, stdio: "ignore" }).status === 0
    ? undefined
    : "no nats-server on this machine: apt-get install nats-server";

/** A test, where there is a NATS server. */
export function onNats(name: string, body: (t: TestContext) => Promise<void>): void {
  if (noNats) skip(name, noNats);
  else test(name, body);
}

export interface TestNats {
  /** As `--store` takes it. */
  readonly url: string;
  /** Where it keeps its streams. */
  readonly folder: string;
  readonly address: NonNullable<ReturnType<typeof parseNatsAddress>>;
  /** Ends it at once. */
  kill(): Promise<void>;
  /** After that: with the same port and folder. */
  startAgain(): Promise<void>;
}

/** A real server with JetStream, on a free port of 127.0.0.1, with a folder of its own; ends with the test. */
export async function startNats(t: Pick<TestContext, "defer">): Promise<TestNats> {
  const folder = mkdtempSync(join(tmpdir(), "nats-"));
  let running = await startServer(folder, "-1");
  t.defer(async () => {
    await running.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  const { port } = running;
  const url = `nats://127.0.0.1:${port}`;
  const address = parseNatsAddress(url);
  if (!address) throw new Error(url);
  return {
    url,
    folder,
    address,
    kill: () => running.kill(),
    async startAgain() {
      running = await startServer(folder, port);
    },
  };
}

async function startServer(folder: string, askedPort: string) {
  const server = spawn("nats-server", ["-js", "-sd", folder, "-a", "127.0.0.1", "-p", askedPort], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const port = await new Promise<string>((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (chunk) => {
      log += chunk;
      const port = /client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
      if (port !== undefined && log.includes("Server is ready")) resolve(port);
    });
    server.once("exit", () => reject(new Error(`nats-server ended: ${log}`)));
  });
  return {
    port,
    async kill() {
      server.kill("SIGKILL");
      await ended;
    },
  };
}
