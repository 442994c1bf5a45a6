import type { KV } from "@nats-io/kv";
import type { FailedDelivery } from "../store.ts";
import { token } from "./names.ts";

/** The deliveries of a channel's messages that came to nothing, until the message is settled. */
export class Histories {
  readonly #bucket: KV;
  readonly #channel: string;

  constructor(bucket: KV, channel: string) {
    this.#bucket = bucket;
    this.#channel = channel;
  }

  async of(messageId: string): Promise<readonly FailedDelivery[]> {
    return (await this.#bucket.get(this.#keyOf(messageId)))?.json() ?? [];
  }

  async keep(messageId: string, history: readonly FailedDelivery[]): Promise<void> {
    await this.#bucket.put(this.#keyOf(messageId), JSON.stringify(history));
  }

  /** Not waited for: what stays is forgotten with the bucket's own time. */
  forget(messageId: string): void {
    this.#bucket.purge(this.#keyOf(messageId)).catch(() => {});
  }

  #keyOf(messageId: string): string {
    return `${token(this.#channel)}.${token(messageId)}`;
  }
}
