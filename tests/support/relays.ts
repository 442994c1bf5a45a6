/** The two relays the contract is tested against, behind one face. */
import type { ChannelConfig } from "../../src/relay/registry.ts";
import { fastClock } from "./fast_clock.ts";
import { startOldRelay } from "./old_relay.ts";
import { startDevRelay } from "./rig.ts";
import type { TestContext } from "./test.ts";

export interface RelayUnderTest {
  readonly url: string;
  /** Takes a webhook; gives the message id. */
  publish(body: string | Uint8Array<ArrayBuffer>): Promise<string>;
  /** Acks accepted so far. */
  acked(): number;
  /** Resolves when `settled` messages are acked or dead: over the old socket nothing tells the connector. */
  hasSettled(settled: number): Promise<void>;
  /** Message ids. */
  deadLetters(): Promise<readonly string[]>;
}

export interface RelayKind {
  readonly name: string;
  /** False for the old relay's long poll: it has forgotten a message before it can be acknowledged. */
  takesAcks(protocol: string): boolean;
  start(t: TestContext, channel?: Partial<ChannelConfig>): Promise<RelayUnderTest>;
}

export const ourRelay: RelayKind = {
  name: "our relay",
  takesAcks: () => true,
  async start(t, overrides) {
    const relay = await startDevRelay(t, overrides);
    const channel = () => {
      const registered = relay.registry.named("dev");
      if (!registered) throw new Error("the relay has no channel dev");
      return registered.channel;
    };
    return {
      url: relay.url,
      async publish(body) {
        const response = await fetch(`${relay.url}/webhook/hook`, { method: "POST", body });
        const { message_id } = await response.json() as { message_id: string };
        return message_id;
      },
      acked: () => channel().stats.delivered,
      // What the connector has seen confirmed is settled here.
      hasSettled: () => Promise.resolve(),
      deadLetters: async () =>
        (await channel().deadLetters(10)).map(({ message }) => message.envelope.id),
    };
  },
};

export const oldRelay: RelayKind = {
  name: "old relay",
  takesAcks: (protocol) => protocol !== "long_poll",
  async start(t) {
    // Its half minutes (ghosts, heartbeats, polls) pass in a third of a second.
    const relay = await startOldRelay(t, { clock: fastClock(100) });
    return {
      url: relay.url,
      publish: (body) =>
        Promise.resolve(
          relay.publish(typeof body === "string" ? body : new TextDecoder().decode(body)),
        ),
      acked: () => relay.acked.length,
      hasSettled: (settled) =>
        relay.until(() => relay.acked.length + relay.deadLetters.length >= settled),
      deadLetters: () => Promise.resolve(relay.deadLetters),
    };
  },
};
