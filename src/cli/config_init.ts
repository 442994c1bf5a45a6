import { existsSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline/promises";
import { configSchema } from "../config/schema.ts";
import { exitCode } from "./exit_code.ts";
import { parseFlags } from "./flags.ts";
import { targetUrl } from "./target_flag.ts";
import { UsageError } from "./usage_error.ts";

interface Answers {
  url: string;
  channel: string;
  tokenFile: string;
  target: string;
}

const samples: Readonly<Answers> = {
  url: "https://relay.example",
  channel: "orders",
  tokenFile: "/run/secrets/hookferry-token",
  target: "http://127.0.0.1:3000/hooks",
};

/**
 * Writes a commented file, and the schema by which an editor completes it beside it. Asks on a terminal, or with
 * `--ask`; else it is a sample to be changed. Never writes over a file. Resolves with the exit code.
 */
export async function initConfig(args: readonly string[]): Promise<number> {
  const { positionals: [path = "connector.jsonc"], isOn } = parseFlags(args, {
    ask: "boolean",
  }, 1);
  if (!/\.jsonc?$/.test(path)) throw new UsageError(`config init ${path}: name a .jsonc file`);
  const schema = join(dirname(path), "connector.schema.json");
  if (existsSync(path)) throw new UsageError(`config init: ${path} is there already`);
  const asks = isOn("ask") ?? (process.stdin.isTTY && process.stdout.isTTY);
  const answers = asks ? await ask() : samples;
  if (!answers) {
    process.stdout.write("\n");
    process.stderr.write(`hookferry config init: given up, ${path} is not written\n`);
    return exitCode.givenUp;
  }
  const text = fileText(answers, `./${basename(schema)}`);
  try {
    // The large one first: where it finds no room, nothing is in the way of the next try.
    writeFileSync(schema, `${JSON.stringify(configSchema(), null, 2)}\n`);
    writeFileSync(path, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`config init: cannot write ${path}: ${why}`);
  }
  process.stdout.write(`wrote ${path} and ${schema}\nhookferry config check --config ${path}\n`);
  return exitCode.ok;
}

const questions: readonly (readonly [keyof Answers, string])[] = [
  ["url", "URL of the relay"],
  ["channel", "channel"],
  ["tokenFile", "file that holds the channel's token"],
  ["target", "where webhooks go, a port or a URL"],
];

/** Undefined when somebody gives up: by Ctrl-C, or at the end of input. */
async function ask(): Promise<Answers | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const waiting = lines[Symbol.asyncIterator]();
  const answers = { ...samples };
  try {
    for (const [key, question] of questions) {
      process.stdout.write(`${question} [${samples[key]}] `);
      const { value, done } = await waiting.next();
      if (done) return undefined;
      answers[key] = value.trim() || samples[key];
    }
    return { ...answers, target: targetUrl(answers.target) ?? answers.target };
  } finally {
    lines.close();
  }
}

function fileText({ url, channel, tokenFile, target }: Answers, schema: string): string {
  return `{
  "$schema": ${JSON.stringify(schema)},

  // Where the webhooks come from.
  "cloud_url": ${JSON.stringify(url)},
  "channel": ${JSON.stringify(channel)},
  // For its owner alone: chmod 600. Or "token": "\${MY_VARIABLE}".
  "token_file": ${JSON.stringify(tokenFile)},

  // Where they go. "targets" names others by webhook id.
  "default_target": {
    "url": ${JSON.stringify(target)},
    // "headers": { "X-Api-Key": "\${file:/run/secrets/key}" },
    // "timeout_seconds": 30,
    // "retry_max_attempts": 3,
  },
  // "targets": {
  //   "stripe": { "url": "http://127.0.0.1:3001/stripe" },
  // },

  // What cannot be delivered: "nack" gives it back to the relay, "dead_letter" keeps it here.
  // "on_exhausted": "nack",
  // "max_concurrent_requests": 10,
  // "status_listen": "127.0.0.1:8421",
  // "log_level": "info",
}
`;
}
