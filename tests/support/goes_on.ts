import assert from "node:assert/strict";
import type { Relay } from "../../src/relay/relay.ts";
import type { Program } from "./program.ts";
import { publish, type Target } from "./rig.ts";

/** The connector still delivers, and ends as it should. */
export async function goesOn(connector: Program, relay: Relay, target: Target): Promise<void> {
  for (let n = 1; n <= 3; n++) {
    await publish(relay, "{}");
    await Promise.race([target.arrived(n), connector.ended]);
    assert.equal(target.got.length, n, "it ended");
  }
  connector.terminate();
  assert.equal(await connector.ended, 0);
}
