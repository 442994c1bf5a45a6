import { onAbort } from "../async/abort.ts";
import type { Clock } from "../async/clock.ts";
import type { BatchSettings } from "../config/settings.ts";
import type { Attempt } from "../flow.ts";
import { Batch, type BatchMessage } from "./batch.ts";

/** How long after a refusal larger batches are tried again. */
const growAfterMs = 60_000;

/** The batch that messages join, until it is closed. */
interface Open {
  readonly batch: Batch;
  /** It has been given to `send`; what comes before it is closed still joins it. */
  isDue: boolean;
  cancelWait(): void;
}

/**
 * Puts messages together. A batch is given to `send` once: when it is full, when its first message has waited
 * as long as allowed, or when the connector begins to drain. One that is not full goes on taking messages
 * until `close`, so that those that come while it waits for its turn need no request of their own.
 */
export class Gathering {
  readonly #limits: BatchSettings;
  readonly #send: (batch: Batch) => void;
  readonly #drain: AbortSignal;
  readonly #clock: Clock;
  readonly #forgetDrain: () => void;
  #open: Open | undefined;
  #maxMessages: number;
  #refusedAt = 0;

  constructor(
    limits: BatchSettings,
    { send, drain, clock }: {
      readonly send: (batch: Batch) => void;
      readonly drain: AbortSignal;
      readonly clock: Clock;
    },
  ) {
    this.#limits = limits;
    this.#maxMessages = limits.maxMessages;
    this.#send = send;
    this.#drain = drain;
    this.#clock = clock;
    this.#forgetDrain = onAbort(drain, () => this.#open && this.#due(this.#open));
  }

  /** In a request now: fewer than allowed after the target found one too large. */
  get maxMessages(): number {
    return this.#maxMessages;
  }

  /** What comes of the message. Rejects with the signal's reason. */
  add(message: BatchMessage, abort: AbortSignal): Promise<Attempt> {
    if (abort.aborted) return Promise.reject(abort.reason);
    this.#growAgain();
    const bytes = message.envelope.body.byteLength;
    if (this.#open && !this.#fits(this.#open.batch, bytes)) this.#full(this.#open);
    const open = this.#open ?? this.#begin();
    const attempt = open.batch.add(message, abort);
    // Not one message and not one byte more would fit.
    if (!this.#fits(open.batch, 1)) this.#full(open);
    return attempt;
  }

  /** Its messages are about to be written: what comes now begins another one. */
  close(batch: Batch): void {
    if (this.#open?.batch === batch) this.#open = undefined;
  }

  /** The target found a batch of `size` messages too large: for a while there will be half of it at most. */
  tooLarge(size: number): void {
    this.#maxMessages = Math.max(1, Math.min(this.#maxMessages, Math.floor(size / 2)));
    this.#refusedAt = this.#clock.monotonic();
  }

  dispose(): void {
    this.#forgetDrain();
  }

  #begin(): Open {
    const batch = new Batch();
    const waitMs = this.#drain.aborted ? 0 : this.#limits.maxWaitMs;
    const open: Open = {
      batch,
      isDue: false,
      cancelWait: this.#clock.after(waitMs, () => this.#due(open)),
    };
    onAbort(batch.signal, () => {
      open.cancelWait();
      this.close(batch);
    });
    this.#open = open;
    return open;
  }

  #fits(batch: Batch, bytes: number): boolean {
    return batch.size < this.#maxMessages && batch.bytes + bytes <= this.#limits.maxBytes;
  }

  #full(open: Open): void {
    this.close(open.batch);
    this.#due(open);
  }

  #due(open: Open): void {
    if (open.isDue) return;
    open.isDue = true;
    open.cancelWait();
    this.#send(open.batch);
  }

  #growAgain(): void {
    const { maxMessages } = this.#limits;
    if (this.#maxMessages === maxMessages) return;
    if (this.#clock.monotonic() - this.#refusedAt < growAfterMs) return;
    this.#maxMessages = Math.min(maxMessages, this.#maxMessages * 2);
    this.#refusedAt = this.#clock.monotonic();
  }
}
