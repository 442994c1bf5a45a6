/** What `hookferry service` gives orders to, and what Deno lets it run. */
import assert from "node:assert/strict";
import { startFlags } from "../../scripts/start_flags.ts";
import { findManager, managerNames } from "../../src/cli/service/find_manager.ts";
import type { Instance } from "../../src/cli/service/instance.ts";
import { test } from "../support/test.ts";

const instance: Instance = {
  name: "orders",
  role: "connector",
  program: "/usr/local/bin/hookferry",
  user: "daemon",
  config: "/etc/hookferry/orders.yaml",
  tokenFile: undefined,
  webhooksFile: undefined,
  written: [],
  more: [],
  stopSeconds: 65,
  isPrivileged: false,
};

test("each service manager is run by programs that Deno lets the program run, and no shell is", () => {
  const allowed = startFlags.find((flag) => flag.startsWith("--allow-run="))?.slice(12).split(",");
  for (const name of managerNames) {
    const manager = findManager(name);
    if (!manager) continue;
    const commands = [
      ...manager.unload("hookferry-orders"),
      ...manager.start(instance),
      ...manager.stop("hookferry-orders"),
      ...manager.forget("hookferry-orders"),
      manager.isRunning("hookferry-orders"),
    ];
    for (const [program = ""] of commands) assert.ok(allowed?.includes(program), `${program}`);
  }
  assert.ok(!allowed?.includes("sh"));
});
