/**
 * Runs the blocks of a section one after the other, as a reader would: in one folder, with a `hookferry` on the PATH.
 * Ports that are written in the docs stand for free ones, `relay.example` for this machine, and `ch_tok_...` and
 * `msg_...` for what was printed last.
 */
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { readWebhooksFile } from "../../src/relay/webhooks_file.ts";
import { programCommand, programEnv } from "../../tests/support/program.ts";
import { type Command, startCommand } from "./command.ts";
import { comparable, type Run } from "./plan.ts";

const root = join(import.meta.dirname ?? ".", "..", "..");
const documentedPorts = ["3000", "3001", "4000", "4222", "8420", "8421"];

export interface Story extends AsyncDisposable {
  /** Checks it too, if it is a `connector.*` or a `webhooks.json`. */
  saveFile(name: string, text: string): Promise<void>;
  /** Rejects with what did not come as it should. */
  run(block: Run): Promise<void>;
}

export async function beginStory(): Promise<Story> {
  const folder = mkdtempSync(join(tmpdir(), "hookferry-docs-"));
  const work = makeFolder(folder, "work");
  const ports = new Map<string, string>();
  for (const port of documentedPorts) ports.set(port, await freePort());
  const relayHost = `127.0.0.1:${ports.get("8420")}`;
  const env = {
    ...programEnv(join(folder, "state")),
    PATH: `${makeBin(makeFolder(folder, "bin"))}:${process.env["PATH"] ?? ""}`,
    // What a block writes at home is not written in that of whoever runs this; caches are used where they are.
    HOME: makeFolder(folder, "home"),
    DENO_DIR: process.env["DENO_DIR"] ?? join(homedir(), ".cache", "deno"),
    npm_config_cache: process.env["npm_config_cache"] ?? join(homedir(), ".npm"),
    XDG_CONFIG_HOME: join(folder, "config"),
    CONNECTOR_STATUS_LISTEN: `127.0.0.1:${ports.get("8421")}`,
    NO_COLOR: "1",
  };
  const staying: Command[] = [];
  const targets: Server[] = [];
  let printed = "";

  const adapt = (text: string) =>
    text
      .replace(/\b\d{4}\b/g, (port) => ports.get(port) ?? port)
      .replaceAll("hookferry+https://", "hookferry+http://")
      .replaceAll("https://relay.example", `http://${relayHost}`)
      .replaceAll("relay.example", relayHost)
      .replace(/\b(ch_tok_|msg_)\.\.\./g, (placeholder, prefix) => {
        const all = [printed, ...staying.map(({ output }) => output)].join("\n");
        return [...all.matchAll(new RegExp(`\\b${prefix}\\w+`, "g"))].at(-1)?.[0] ?? placeholder;
      });

  const saveFile = (name: string, text: string) => {
    const path = join(work, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${adapt(text)}\n`, { mode: 0o600 });
  };
  const listen = async (port: string, firstStatus = 200) => {
    targets.push(await startTarget(Number(ports.get(port)), firstStatus));
  };
  const start = (script: string) => {
    const fromCheckout = /\bdeno(@[\d.]+)? (task|run)\b|\bmain\.ts\b/.test(script);
    return startCommand(adapt(script), fromCheckout ? root : work, env);
  };
  const stay = async (script: string, ready: RegExp) => {
    const command = start(script);
    staying.push(command);
    await command.until((text) => ready.test(text), ready);
    return command;
  };
  const end = async (script: string, exitCode: number) => {
    const command = start(script);
    try {
      await command.ends(exitCode);
    } finally {
      command.kill();
    }
    printed += command.output;
    return command;
  };
  const startRelay = () => stay("hookferry relay --listen 127.0.0.1:8420", /^connect /m);
  const carry = async (firstStatus: number) => {
    await listen("3000", firstStatus);
    await startRelay();
    saveFile(
      "connector.json",
      `{"cloud_url": "https://relay.example", "channel": "default", "token": "ch_tok_...",
        "default_target": {"url": "http://127.0.0.1:3000"}}`,
    );
    const connector = await stay("hookferry connect", /"connected"/);
    await end("hookferry send https://relay.example/webhook/default", 0);
    await connector.until((text) => /"type":"settled"/.test(text), /"type":"settled"/);
    printed += connector.output;
  };

  return {
    async saveFile(name, text) {
      saveFile(name, text);
      if (name.startsWith("connector.")) await end(`hookferry config check --config ${name}`, 0);
      if (name === "webhooks.json") readWebhooksFile(text);
    },
    async run({ script, relay, target, carrying, stays, then, prints, output, exitCode }) {
      if (relay) await startRelay();
      if (target) await listen(target);
      if (carrying !== undefined) await carry(carrying);
      const before = staying.map((command) => command.output.length);
      const command = stays ? await stay(script, stays) : await end(script, exitCode);
      if (prints && !prints.test(command.output)) {
        throw new Error(`did not print ${prints}:\n${command.output}`);
      }
      if (output) compare(output, command.stdout);
      if (!then) return;
      const found = staying.map((one, at) =>
        one.until((text) => then.test(text.slice(before[at] ?? 0)), then)
      );
      await Promise.any(found).catch(() => {
        const all = staying.map((one) => one.output).join("\n");
        throw new Error(`nothing that goes on running printed ${then}:\n${all}`);
      });
    },
    async [Symbol.asyncDispose]() {
      for (const command of staying) command.kill();
      await Promise.all(staying.map((command) => command.closed));
      for (const target of targets) {
        target.closeAllConnections();
        target.close();
      }
      rmSync(folder, { recursive: true });
    },
  };
}

function compare(documented: readonly string[], printed: string): void {
  const expected = comparable(documented).join("\n");
  const actual = comparable(printed.split("\n").filter((line) => line !== "")).join("\n");
  if (actual !== expected) {
    throw new Error(`the output is not as shown. It was:\n${printed}`);
  }
}

function makeFolder(parent: string, name: string): string {
  const folder = join(parent, name);
  mkdirSync(folder);
  return folder;
}

function makeBin(folder: string): string {
  const words = programCommand([]).map((word) => `'${word}'`).join(" ");
  writeFileSync(join(folder, "hookferry"), `#!/bin/sh\nexec ${words} "$@"\n`);
  chmodSync(join(folder, "hookferry"), 0o755);
  symlinkSync(process.execPath, join(folder, "deno"));
  return folder;
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return String(port);
}

/** Answers the first request with that status, later ones with 200. */
async function startTarget(port: number, firstStatus: number): Promise<Server> {
  let next = firstStatus;
  const server = createHttpServer((request, response) => {
    const status = next;
    next = 200;
    request.resume().on("end", () => response.writeHead(status).end("ok\n"));
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}
