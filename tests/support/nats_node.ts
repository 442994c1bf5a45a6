/** A relay of several on one JetStream. */
import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../src/async/clock.ts";
import type { Ordering } from "../../src/protocol/ordering.ts";
import { jetStreamStores } from "../../src/relay/jetstream/jetstream_stores.ts";
import { type Relay, startRelay } from "../../src/relay/relay.ts";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import { channelConfig } from "../../src/relay/webhooks_file.ts";
import { lastOf } from "./cleanup.ts";
import type { TestNats } from "./nats_server.ts";
import type { TestContext } from "./test.ts";

const adminToken = "adm1n";

export interface Node {
  readonly relay: Relay;
  readonly events: RelayEvent[];
  /** To a channel's admin routes. */
  admin(path: string, body: unknown): Promise<Response>;
  post(webhookId: string, body: string): Promise<string>;
}

export async function startNode(
  t: TestContext,
  { address }: TestNats,
  ordering: Ordering = { kind: "none" },
  clock: Clock = systemClock,
): Promise<Node> {
  const events: RelayEvent[] = [];
  t.explain(() => lastOf("a relay on JetStream saw", events));
  const relay = await startRelay({
    hostname: "127.0.0.1",
    port: 0,
    channels: [{
      ...channelConfig({ name: "dev", token: "s3cret", webhookIds: ["hook"] }),
      ordering,
    }],
    clock,
    observe: (event) => void events.push(event),
    stores: jetStreamStores(address),
    heartbeatMs: 30_000,
    adminToken,
  });
  t.defer(() => relay.stop(1_000));
  return {
    relay,
    events,
    admin: (path, body) =>
      fetch(`${relay.url}/admin/webhook-connect${path}`, {
        method: "POST",
        headers: { Authorization: `Bearer ${adminToken}`, "Content-Type": "application/json" },
        body: JSON.stringify(body),
      }),
    async post(webhookId, body) {
      const answer = await fetch(`${relay.url}/webhook/${webhookId}`, { method: "POST", body });
      assert.equal(answer.status, 202);
      return (await answer.json()).message_id;
    },
  };
}
