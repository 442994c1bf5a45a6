/** What `deno task start` gives Deno: permissions, and a flag of V8 (docs/decisions/0007). */
import config from "../deno.json" with { type: "json" };

export const startFlags: readonly string[] = config.tasks.start.split(" ")
  .filter((word) => word.startsWith("--"));
export const v8Flags = startFlags.filter((flag) => flag.startsWith("--v8-flags="));
