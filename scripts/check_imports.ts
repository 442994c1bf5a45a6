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
/** What put the parts of a connector together, beside them: nobody but the command line imports one. */
const roots: readonly string[] = [
  ...["connector.ts", "downstream.ts", "targets.ts", "way_to_relay.ts"],
  ...["with_grace.ts", "settings_change.ts"],
];
/** Two ways to do the same, which know nothing of each other. */
const apart = [["relay/sqlite/", "relay/jetstream/"]] as const;
/** The packages, and modules of the runtime, that a folder may use; none where it is not named. */
const packages: Record<string, RegExp> = {
  protocol: /^(zod|node:(crypto|net))$/,
  sqlite: /^node:(fs|path|sqlite)$/,
  metrics: /^prom-client$/,
  config: /^(zod|yaml|strip-json-comments|node:(crypto|fs|net|os|path))$/,
  runtime: /^node:/,
  sink: /^zod$/,
  observe: /^@(logtape|opentelemetry)\//,
  output: /^(zod|string-width|node:(process|readline|tty|util))$/,
  page: /^(hono\b|node:crypto$)/,
  status: /^(hono\b|zod$)/,
  journal: /^node:(crypto|fs|path|sqlite)$/,
  relay: /^(hono\b|zod$|@nats-io\/|node:(crypto|fs|net|path|sqlite)$)/,
  cli: /^(zod$|node:)/,
};
const forbiddenNames = /^(utils|helpers|common|misc|types)\.tsx?$/;

const maxLines = 250;
/** Files that are longer, and why. */
const long = new Map([
  ["config/options.ts", "the one list of options"],
  ["observe/metrics.ts", "every metric is declared and driven in it"],
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
    return [...found, ...badImports(file, text)];
  });
}

function badImports(file: string, text: string): string[] {
  const [folder = ""] = file.split("/", 1);
  const self = partOf(file);
  const allowed = rules[self];
  const found: string[] = [];
  if (!file.includes("/") && !allowed && !roots.includes(file)) {
    found.push(`${file}: is in no folder; scripts/check_imports.ts names those that may`);
  }
  for (const [, , target = ""] of text.matchAll(/\b(from\s+|import\s*\(?)"([^"]+)"/g)) {
    const complain = (why: string) => found.push(`${file}: imports ${target}; ${why}`);
    if (!target.startsWith(".")) {
      if (!packages[folder]?.test(target)) complain(`not one of the packages of ${folder}`);
      continue;
    }
    if (target.includes("/node_modules/")) {
      if (folder !== "runtime") complain("packages go by their names");
      continue;
    }
    const path = normalize(join(dirname(file), target));
    const part = partOf(path);
    const other = apart.find((pair) => pair.some((one) => file.startsWith(one)))
      ?.find((one) => !file.startsWith(one));
    if (other && path.startsWith(other)) complain("each is to work without the other");
    if (roots.includes(part) && !roots.includes(file) && folder !== "cli") {
      complain("only the command line may");
    } else if (roots.includes(file) && (part === "cli" || part === "relay")) {
      complain("a connector knows neither");
    } else if (allowed && part !== self && !allowed.includes(part)) {
      complain(`${self} may import ${allowed.join(", ") || "nothing"}`);
    }
  }
  return found;
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
