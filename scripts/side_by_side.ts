/**
 * Runs commands at the same time, and shows what they print one after the other, the first one's as it comes. Fails when
 * one of them has failed; the others go on to their end.
 *
 *   side_by_side.ts "COMMAND WORD …" "COMMAND WORD …" …
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";

class Job {
  readonly #command: string;
  readonly #kept: Uint8Array[] = [];
  #show = (chunk: Uint8Array) => void this.#kept.push(chunk);
  readonly #ended = Promise.withResolvers<boolean>();

  constructor(command: string) {
    this.#command = command;
  }

  /** `deno` is the one that runs this, which need not be found by its name. Resolves when the command has ended. */
  async run(): Promise<void> {
    const [name = "", ...words] = this.#command.split(" ");
    const program = name === "deno" && "Deno" in globalThis ? process.execPath : name;
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Uint8Array) => this.#show(chunk));
    }
    const isWell = await once(child, "close").then(
      ([code]) => code === 0,
      (error) => {
        const problem = `cannot run "${this.#command}": ${error.message}\n`;
        this.#show(new TextEncoder().encode(problem));
        return false;
      },
    );
    this.#ended.resolve(isWell);
  }

  /** Resolves with whether it went well. */
  shown(): Promise<boolean> {
    this.#show = (chunk) => void process.stdout.write(chunk);
    for (const chunk of this.#kept) this.#show(chunk);
    return this.#ended.promise;
  }
}

const jobs = process.argv.slice(2).map((command) => new Job(command));
for (const job of jobs) void job.run();
for (const job of jobs) if (!await job.shown()) process.exitCode = 1;
