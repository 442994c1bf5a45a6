/** The store of a channel on JetStream alone, without its relay. */
import { type Clock, systemClock } from "../../src/async/clock.ts";
import { jetStreamStores } from "../../src/relay/jetstream/jetstream_stores.ts";
import { laneRule } from "../../src/relay/lane.ts";
import type { NewMessage, Store, StoreSettings } from "../../src/relay/store.ts";
import type { TestNats } from "./nats_server.ts";
import type { TestContext } from "./test.ts";
import { messageWith } from "./message.ts";

/** That of the channel "c". */
export async function openStore(
  t: TestContext,
  { address }: TestNats,
  overrides: Partial<StoreSettings> = {},
  clock: Clock = systemClock,
): Promise<Store> {
  const stores = await jetStreamStores(address)(() => {}, clock);
  t.defer(() => stores.close());
  return await stores.open("c", {
    ackTimeoutMs: 30_000,
    maxMessages: 10,
    maxBytes: 1e6,
    maxDeadLetters: 10,
    maxDeadLetterBytes: 1e9,
    ttlMs: 1e6,
    lanes: laneRule({ kind: "none" }),
    ...overrides,
  });
}

/** Answers other relays, as one does that holds what it took and settles nothing. */
export function attach(store: Store, hasRoom = true, wake = () => {}): void {
  store.shared?.attach({
    hasRoom,
    wake,
    settle: () => Promise.resolve("unknown"),
    extend: () => Promise.resolve(0),
  });
}

/** Of the webhook id "hook". */
export function message(id: string): NewMessage {
  return messageWith({ id, receivedAt: new Date().toISOString() });
}
