import type { StoreStats } from "./store.ts";

/** What a store counts: the messages in it, and what became of the others since it was opened. */
export class Tally {
  messages = 0;
  /** Of their bodies. */
  bytes = 0;
  delivered = 0;
  expired = 0;
  deadLettered = 0;
  deadLettersDropped = 0;
  /** Messages not settled, by webhook id. */
  readonly #pending = new Map<string, number>();

  add(webhookId: string, messages: number, bytes: number): void {
    this.messages += messages;
    this.bytes += bytes;
    this.#pending.set(webhookId, (this.#pending.get(webhookId) ?? 0) + messages);
  }

  /** One message is gone. */
  remove(webhookId: string, bytes: number): void {
    this.messages = Math.max(0, this.messages - 1);
    this.bytes -= bytes;
    const pending = (this.#pending.get(webhookId) ?? 0) - 1;
    if (pending <= 0) this.#pending.delete(webhookId);
    else this.#pending.set(webhookId, pending);
  }

  /** Forgets the messages in it: they are counted anew. */
  clear(): void {
    this.messages = 0;
    this.bytes = 0;
    this.#pending.clear();
  }

  stats(
    { inFlight, deadLetters, oldestAt }: Pick<StoreStats, "inFlight" | "deadLetters" | "oldestAt">,
  ): StoreStats {
    return {
      queued: Math.max(0, this.messages - inFlight),
      inFlight,
      delivered: this.delivered,
      expired: this.expired,
      deadLettered: this.deadLettered,
      deadLettersDropped: this.deadLettersDropped,
      deadLetters,
      oldestAt: this.messages === 0 ? undefined : oldestAt,
      pendingByWebhookId: this.#pending,
    };
  }
}
