import type { KV } from "@nats-io/kv";
import type { FailedDelivery } from "../store.ts";
import { token } from "./names.ts";

/** Deliveries of one message that came to nothing: how many, and what is known of them. */
export interface Past {
  readonly deliveries: number;
  readonly history: readonly FailedDelivery[];
}

export const noPast: Past = { deliveries: 0, history: [] };

/** The past of a channel's messages, until each is settled. */
export class Histories {
  readonly #bucket: KV;
  readonly #channel: string;

  constructor(bucket: KV, channel: string) {
    this.#bucket = bucket;
    this.#channel = channel;
  }

  async of(messageId: string): Promise<Past> {
    return (await this.#bucket.get(this.#keyOf(messageId)))?.json() ?? noPast;
  }

  async keep(messageId: string, past: Past): Promise<void> {
    await this.#bucket.put(this.#keyOf(messageId), JSON.stringify(past));
  }

  /** Not waited for: what stays is forgotten with the bucket's own time. */
  forget(messageId: string): void {
    this.#bucket.purge(this.#keyOf(messageId)).catch(() => {});
  }

  #keyOf(messageId: string): string {
    return `${token(this.#channel)}.${token(messageId)}`;
  }
}
