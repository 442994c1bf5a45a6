import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { violations } from "../../scripts/check_imports.ts";
import { test } from "../support/test.ts";

test("the import rules find a forbidden import, a named runtime and a meaningless file name", (t) => {
  const src = t.folder();
  const files: Record<string, string> = {
    "protocol/good.ts": 'import { a } from "./frames.ts"; // Deno.serve in a comment is fine',
    "protocol/bad.ts": 'import { a } from "../async/clock.ts";',
    "sink/bad.ts": 'import { a } from "../source/source.ts";',
    "sink/good.ts":
      'import { a } from "../flow.ts";\nimport type { Observe } from "../observe/events.ts";',
    "relay/runtime_named.ts": 'Deno.serve({});\nconst text = "Bun.serve";',
    "runtime/good.ts": "Deno.serve({});",
    "async/utils.ts": "",
    "connector.ts": 'import { a } from "./sink/good.ts";',
  };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(src, file)), { recursive: true });
    writeFileSync(join(src, file), text);
  }
  assert.deepEqual(violations(src).map((line) => line.split(":", 1)[0]).sort(), [
    "async/utils.ts",
    "protocol/bad.ts",
    "relay/runtime_named.ts",
    "sink/bad.ts",
  ]);
});
