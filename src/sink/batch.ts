import { onAbort } from "../async/abort.ts";
import type { Attempt, Envelope } from "../flow.ts";

export interface BatchMessage {
  readonly envelope: Envelope;
  /** Counts from 1. */
  readonly attempt: number;
}

interface Member {
  readonly resolve: (attempt: Attempt) => void;
  readonly reject: (error: unknown) => void;
  /** Stops listening to the message's own signal. */
  readonly release: () => void;
}

/**
 * Messages that go out in one request, in the order they came. Each leaves when its own signal is aborted;
 * when the last has left, nobody wants the request any more and `signal` is aborted.
 */
export class Batch {
  readonly #members = new Map<BatchMessage, Member>();
  readonly #unwanted = new AbortController();
  #bytes = 0;

  /** Aborted when every message has left. */
  get signal(): AbortSignal {
    return this.#unwanted.signal;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Of the bodies. */
  get bytes(): number {
    return this.#bytes;
  }

  get messages(): readonly BatchMessage[] {
    return [...this.#members.keys()];
  }

  /** Has not left, and is not told yet what came of it. */
  has(message: BatchMessage): boolean {
    return this.#members.has(message);
  }

  /** What comes of the message. Rejects with the reason of `abort`, which must not be aborted yet. */
  add(message: BatchMessage, abort: AbortSignal): Promise<Attempt> {
    return new Promise((resolve, reject) => {
      const release = onAbort(abort, () => {
        this.#members.delete(message);
        this.#bytes -= message.envelope.body.byteLength;
        reject(abort.reason);
        if (this.#members.size === 0) this.#unwanted.abort(abort.reason);
      });
      this.#members.set(message, { resolve, reject, release });
      this.#bytes += message.envelope.body.byteLength;
    });
  }

  /** Tells those of these messages that are still here what came of them. */
  settle(messages: readonly BatchMessage[], attemptOf: (message: BatchMessage) => Attempt): void {
    for (const message of messages) this.#take(message)?.resolve(attemptOf(message));
  }

  /** Nothing came of it but an error that nobody expected. */
  fail(error: unknown): void {
    for (const message of this.messages) this.#take(message)?.reject(error);
  }

  #take(message: BatchMessage): Member | undefined {
    const member = this.#members.get(message);
    this.#members.delete(message);
    member?.release();
    return member;
  }
}
