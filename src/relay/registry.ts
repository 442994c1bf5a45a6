import type { Clock } from "../async/clock.ts";
import { Channel, type ChannelSettings } from "./channel.ts";
import type { ObserveRelay } from "./relay_events.ts";
import type { Stores } from "./store.ts";
import { ChannelToken } from "./tokens.ts";

/** A channel as configured: its limits, its secret, and the webhook ids that feed it. */
export interface ChannelConfig extends ChannelSettings {
  readonly token: string;
  readonly webhookIds: readonly string[];
}

export interface RegisteredChannel {
  readonly channel: Channel;
  readonly token: ChannelToken;
  readonly webhookIds: readonly string[];
  readonly createdAt: number;
}

const maxDeadLetters = 1_000;

/** The channels of this relay. All exist from the start, whether or not a webhook has come. */
export class Registry {
  readonly #byName = new Map<string, RegisteredChannel>();
  readonly #byWebhookId = new Map<string, RegisteredChannel>();

  constructor(
    configs: readonly ChannelConfig[],
    stores: Stores,
    clock: Clock,
    observe: ObserveRelay,
  ) {
    for (const config of configs) {
      const { token, webhookIds, ...settings } = config;
      const store = stores.open(settings.name, {
        maxMessages: settings.maxMessages,
        maxBytes: settings.maxQueueBytes,
        maxDeadLetters,
      });
      const registered = {
        channel: new Channel(settings, store, clock, observe),
        token: new ChannelToken(token, clock),
        webhookIds,
        createdAt: clock.now(),
      };
      this.#byName.set(settings.name, registered);
      for (const webhookId of webhookIds) this.#byWebhookId.set(webhookId, registered);
    }
  }

  get all(): readonly RegisteredChannel[] {
    return [...this.#byName.values()];
  }

  named(name: string): RegisteredChannel | undefined {
    return this.#byName.get(name);
  }

  fedBy(webhookId: string): RegisteredChannel | undefined {
    return this.#byWebhookId.get(webhookId);
  }
}
