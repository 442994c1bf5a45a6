/**
 * Runs a benchmark, or all of them one after the other:
 *
 *   deno task bench [--write] [--on bun] [NAME [CHOICE …]]
 *
 * `--on bun` runs what is measured in its own process on Bun. `--write` puts what was printed into docs/BENCHMARKS.md,
 * between the marks of that command.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { repository, scriptCommand } from "./tools/runtimes.ts";

const folder = import.meta.dirname ?? ".";
const page = join(repository, "docs/BENCHMARKS.md");
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".ts") && file !== "main.ts")
  .map((file) => file.slice(0, -3)).sort();
const { values: { write, on }, positionals: [wanted, ...choices] } = parseArgs({
  options: {
    write: { type: "boolean", default: false },
    on: { type: "string", default: "deno" },
  },
  allowPositionals: true,
});
if ((wanted !== undefined && !names.includes(wanted)) || (on !== "deno" && on !== "bun")) {
  console.error(
    `bench: [--write] [--on bun] [NAME [CHOICE ...]]; NAME is one of ${names.join(", ")}`,
  );
  process.exit(2);
}

let failed = 0;
for (const name of wanted === undefined ? names : [wanted]) {
  const command = ["deno task bench", ...(on === "bun" ? ["--on bun"] : []), name, ...choices]
    .join(" ");
  console.log(`== ${command}`);
  const [program = "", ...args] = scriptCommand(on, `scripts/bench/${name}.ts`);
  const child = spawn(program, [...args, ...choices], { stdio: ["inherit", "pipe", "inherit"] });
  let printed = "";
  child.stdout.on("data", (chunk) => {
    process.stdout.write(chunk);
    printed += chunk;
  });
  const [code] = await once(child, "close");
  if (code !== 0) failed++;
  else if (write) record(command, printed);
}
process.exitCode = failed === 0 ? 0 : 1;

/** In place of what the same command printed before, or at the end. */
function record(command: string, printed: string): void {
  const today = new Date().toISOString().slice(0, 10);
  const begin = `<!-- ${command} -->`;
  const end = "<!-- end -->";
  const block =
    `${begin}\n\n\`${command}\`, ${today}:\n\n\`\`\`text\n${printed.trimEnd()}\n\`\`\`\n\n${end}`;
  const text = readFileSync(page, "utf8");
  const at = text.indexOf(begin);
  writeFileSync(
    page,
    at === -1
      ? `${text.trimEnd()}\n\n${block}\n`
      : text.slice(0, at) + block + text.slice(text.indexOf(end, at) + end.length),
  );
}
