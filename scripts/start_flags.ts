/**
 * What `deno task start` gives Deno, and so do executables and the npm package: permissions, flags of V8
 * (docs/decisions/0007), and to say nothing of the service managers that this machine does not have.
 */
import config from "../deno.json" with { type: "json" };

export const startFlags: readonly string[] = config.tasks.start.split(" ")
  .filter((word) => word.startsWith("--"));
export const v8Flags = startFlags.filter((flag) => flag.startsWith("--v8-flags="));
