/** Enforces who may import whom (docs/ARCHITECTURE.md), and that Deno and Bun are named in src/runtime/ alone. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import process from "node:process";

const base = [
  ...["protocol", "async", "sqlite", "metrics", "config"],
  ...["flow.ts", "observe/events.ts", "observe/picture.ts", "observe/wording.ts"],
];
/** By folder or file below src/: what it may import beside itself. */
const rules: Record<string, readonly string[]> = {
  protocol: [],
  async: [],
  sqlite: [],
  metrics: [],
  "flow.ts": ["protocol", "async"],
  "observe/events.ts": ["protocol", "async", "flow.ts"],
  "observe/picture.ts": ["protocol"],
  "observe/wording.ts": [],
  config: ["protocol", "async", "flow.ts"],
  runtime: base,
  chaos: base,
  transport: [...base, "runtime"],
  source: [...base, "runtime"],
  pipeline: [...base, "runtime"],
  sink: [...base, "runtime"],
  observe: [...base, "runtime"],
  output: base,
  page: [...base, "runtime"],
  status: [...base, "runtime", "page"],
  journal: [...base, "runtime"],
  relay: [...base, "runtime", "page"],
};
const forbiddenNames = /^(utils|helpers|common|misc|types)\.tsx?$/;

const maxLines = 250;
/** Files that are longer, and why. */
const long = new Map([
  ["config/options.ts", "the one list of options"],
  ["relay/sqlite/sqlite_store.ts", "one class that fulfils the whole of the store's contract"],
  ["observe/metrics.ts", "every metric is declared and driven in it"],
  ["relay/jetstream/jetstream_store.ts", "the same, for several relays"],
]);

/** All violations in a source tree, as "file: what". */
export function violations(src: string): string[] {
  const files = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file));
  return files.flatMap((file) => {
    const text = readFileSync(join(src, file), "utf8");
    const found: string[] = [];
    if (forbiddenNames.test(file.split("/").at(-1) ?? "")) {
      found.push(`${file}: name the file after the idea inside`);
    }
    if (!file.startsWith("runtime/") && /\b(Deno|Bun)\./.test(withoutText(text))) {
      found.push(`${file}: names a runtime; only src/runtime/ may`);
    }
    const lines = text.split("\n").length - 1;
    if (lines > maxLines && !long.has(file)) {
      found.push(
        `${file}: ${lines} lines; over ${maxLines} it needs a reason in scripts/check_imports.ts`,
      );
    }
    const self = partOf(file);
    const allowed = rules[self];
    if (!allowed) return found;
    for (
      const [, target = ""] of text.matchAll(/\bfrom\s+"(\.[^"]+)"|\bimport\s*\(?"(\.[^"]+)"/g)
    ) {
      const part = partOf(normalize(join(dirname(file), target)));
      const isPackage = target.includes("/node_modules/");
      if (part === self || allowed.includes(part) || (isPackage && self === "runtime")) continue;
      found.push(
        `${file}: imports ${target}; ${self} may import ${allowed.join(", ") || "nothing"}`,
      );
    }
    return found;
  });
}

function partOf(file: string): string {
  return rules[file] ? file : file.split("/", 1)[0] ?? file;
}

/** The code without comments and string literals. */
function withoutText(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\/|\/\/.*$|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/gm, "");
}

if (import.meta.main) {
  const src = join(import.meta.dirname ?? ".", "..", "src");
  const found = violations(src);
  for (const line of found) console.error(`${relative(process.cwd(), src)}/${line}`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
