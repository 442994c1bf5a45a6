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
    "targets.ts": 'import { a } from "./cli/good.ts";',
    "third_root.ts": "",
    "cli/good.ts": 'import { a } from "../connector.ts";\nimport { join } from "node:path";',
    "relay/root_named.ts": 'import { a } from "../connector.ts";',
    "pipeline/package_named.ts": 'import { z } from "zod";',
    "pipeline/loaded_later.ts": 'const { z } = await import("zod");',
    "config/good.ts": 'import { z } from "zod";',
    "relay/sqlite/bad.ts": 'import { a } from "../jetstream/store.ts";',
    "relay/sqlite/good.ts": 'import { a } from "../leases.ts";',
  };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(src, file)), { recursive: true });
    writeFileSync(join(src, file), text);
  }
  assert.deepEqual(violations(src).map((line) => line.split(":", 1)[0]).sort(), [
    "async/utils.ts",
    "pipeline/loaded_later.ts",
    "pipeline/package_named.ts",
    "protocol/bad.ts",
    "relay/root_named.ts",
    "relay/runtime_named.ts",
    "relay/sqlite/bad.ts",
    "sink/bad.ts",
    "targets.ts",
    "third_root.ts",
  ]);
});
