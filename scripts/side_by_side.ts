/**
 * Runs commands at the same time and shows what they print one after the other, the first one's as it comes. Fails when
 * one of them has failed; the others go on to their end.
 *
 *   side_by_side.ts "COMMAND WORD …" "COMMAND WORD …" …
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";

/** `deno` is the one that runs this, which need not be found by its name. */
function start(command: string) {
  const [name = "", ...words] = command.split(" ");
  const program = name === "deno" && "Deno" in globalThis ? process.execPath : name;
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
  const kept: Uint8Array[] = [];
  let show = (chunk: Uint8Array) => void kept.push(chunk);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Uint8Array) => show(chunk));
  }
  const ended = once(child, "close").then(
    ([code]) => code === 0,
    (error) => {
      show(new TextEncoder().encode(`cannot run "${command}": ${error.message}\n`));
      return false;
    },
  );
  return {
    /** Resolves with whether it went well. */
    shown(): Promise<boolean> {
      show = (chunk) => void process.stdout.write(chunk);
      for (const chunk of kept) show(chunk);
      return ended;
    },
  };
}

const running = process.argv.slice(2).map(start);
for (const one of running) if (!await one.shown()) process.exitCode = 1;
