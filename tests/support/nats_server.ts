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
  readonly address: NonNullable<ReturnType<typeof parseNatsAddress>>;
  /** Ends it at once. */
  kill(): Promise<void>;
}

/** A real server with JetStream, on a free port of 127.0.0.1, with a folder of its own; ends with the test. */
export async function startNats(t: Pick<TestContext, "defer">): Promise<TestNats> {
  const folder = mkdtempSync(join(tmpdir(), "nats-"));
  const server = spawn("nats-server", ["-js", "-sd", folder, "-a", "127.0.0.1", "-p", "-1"], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const kill = async () => {
    server.kill("SIGKILL");
    await ended;
  };
  t.defer(async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });
  const port = await new Promise<string>((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (chunk) => {
      log += chunk;
      const port = /client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
      if (port !== undefined && log.includes("Server is ready")) resolve(port);
    });
    server.once("exit", () => reject(new Error(`nats-server ended: ${log}`)));
  });
  const url = `nats://127.0.0.1:${port}`;
  const address = parseNatsAddress(url);
  if (!address) throw new Error(url);
  return { url, address, kill };
}
