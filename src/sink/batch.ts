import { onAbort } from "../async/abort.ts";
import type { Attempt, Envelope } from "../flow.ts";

export interface BatchMessage {
  readonly envelope: Envelope;
  /** Counts from 1. */
  readonly attempt: number;
}

interface Member {
  readonly message: BatchMessage;
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
  readonly #members = new Set<Member>();
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
    return [...this.#members].map(({ message }) => message);
  }

  /** What comes of the message. Rejects with the reason of `abort`, which must not be aborted yet. */
  add(message: BatchMessage, abort: AbortSignal): Promise<Attempt> {
    return new Promise((resolve, reject) => {
      const release = onAbort(abort, () => {
        this.#members.delete(member);
        this.#bytes -= message.envelope.body.byteLength;
        reject(abort.reason);
        if (this.#members.size === 0) this.#unwanted.abort(abort.reason);
      });
      const member: Member = { message, resolve, reject, release };
      this.#members.add(member);
      this.#bytes += message.envelope.body.byteLength;
    });
  }

  /** Tells every message that is still here what came of it. */
  settle(attemptOf: (message: BatchMessage) => Attempt): void {
    this.#release(({ message, resolve }) => resolve(attemptOf(message)));
  }

  /** Nothing came of it but an error that nobody expected. */
  fail(error: unknown): void {
    this.#release(({ reject }) => reject(error));
  }

  #release(tell: (member: Member) => void): void {
    for (const member of this.#members) {
      member.release();
      tell(member);
    }
    this.#members.clear();
  }
}
