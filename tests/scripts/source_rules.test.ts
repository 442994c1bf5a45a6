/** Requirements about the source itself. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadedLater } from "../../scripts/loaded_later.ts";
import { test } from "../support/test.ts";

const src = join(import.meta.dirname ?? ".", "..", "..", "src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => ({ file, text: withoutComments(readFileSync(join(src, file), "utf8")) }));

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/(?! deno-lint|\s*@ts).*$/gm, "");
}

function filesWith(pattern: RegExp): string[] {
  return files.filter(({ text }) => pattern.test(text)).map(({ file }) => file).sort();
}

test("requirement 8: no any, no silenced check", () => {
  assert.deepEqual(filesWith(/[:<]\s*any\b|\bas any\b/), []);
  assert.deepEqual(filesWith(/@ts-(ignore|expect-error|nocheck)|deno-lint-ignore/), []);
});

test("requirement 12: a settlement is put on each wire in one place", () => {
  assert.deepEqual(filesWith(/type: "nack"/), ["protocol/connector_codec.ts"]);
  const usesAckPath = filesWith(/\backPath\b/).filter((file) => !file.startsWith("relay/"));
  assert.deepEqual(usesAckPath, ["protocol/wire.ts", "transport/post_frames.ts"]);
});

test("requirement 13: only the command line writes to standard output, and nothing uses the console", () => {
  assert.deepEqual(filesWith(/process\.stdout/).filter((file) => !file.startsWith("cli/")), []);
  assert.deepEqual(filesWith(/\bconsole\./), []);
});

test("OpenTelemetry is loaded by one module, and that one only when traces are asked for", () => {
  assert.deepEqual(filesWith(/"@opentelemetry\//), ["observe/otlp.ts"]);
  assert.deepEqual(filesWith(/from "[^"]*\/otlp\.ts"/), []);
  assert.deepEqual(filesWith(/await import\("\.\/otlp\.ts" as string\)/), ["observe/tracing.ts"]);
});

test("what is loaded later is no literal to Deno, which would read it before it begins, and is known to a build", () => {
  const main = readFileSync(join(src, "..", "main.ts"), "utf8");
  const isLiteral = /[^f] import\(\s*"\.[^"]*"\s*\)/;
  assert.match('(await import("./a.ts"))', isLiteral);
  assert.deepEqual(filesWith(isLiteral), []);
  assert.doesNotMatch(main, isLiteral);
  const later = loadedLater();
  const whole = [main, ...files.map(({ text }) => text)].join("");
  assert.equal(new Set(whole.match(/"[^"]*(?=" as string)/g)).size, later.length);
  for (const file of later) assert.ok(existsSync(join(src, "..", file)), file);
});

test("secrets are compared in constant time: never by ===", () => {
  const compared =
    /(token|secret|password|signature)\s*[!=]==\s*(?!undefined|null)\w|\w\s*[!=]==\s*(\w+\.)*\w*(token|secret|password|signature)\b/i;
  assert.match("if (given !== options.adminToken)", compared);
  assert.match("token === given", compared);
  assert.doesNotMatch("token === undefined", compared);
  assert.deepEqual(filesWith(compared), []);
  assert.deepEqual(filesWith(/\btimingSafeEqual\(/), ["protocol/signatures.ts", "relay/tokens.ts"]);
});
