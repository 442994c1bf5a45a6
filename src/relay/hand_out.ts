import type { Clock } from "../async/clock.ts";
import type { Member, Members } from "./members.ts";
import { type Store, type StoredMessage, StoreUnavailableError } from "./store.ts";

/** How long after the store failed it is tried again. */
const storeRetryMs = 1_000;

export interface HandOutOptions {
  readonly store: Store;
  readonly members: Members;
  readonly clock: Clock;
  /** The message is the member's now. */
  readonly lease: (message: StoredMessage, member: Member) => void;
  readonly onStoreFailed: (error: StoreUnavailableError) => void;
}

/**
 * Gives what is ready to the connection with the fewest unsettled messages, one at a time, so that messages are
 * offered in sequence. While nobody has room nothing is tried.
 */
export class HandOut {
  readonly #options: HandOutOptions;
  #pumping = false;
  #pumpAgain = false;
  #isStopped = false;
  #cancelWake = () => {};

  constructor(options: HandOutOptions) {
    this.#options = options;
  }

  /** Something may be ready, or somebody may have room. */
  wake(): void {
    void this.#pump();
  }

  /** What could not be read or written is tried again in a moment; anything else is a bug and not caught. */
  failed(error: unknown): void {
    if (!(error instanceof StoreUnavailableError)) throw error;
    this.#options.onStoreFailed(error);
    this.#wakeIn(storeRetryMs);
  }

  /** What is under way ends; nothing is tried again. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelWake();
  }

  async #pump(): Promise<void> {
    if (this.#isStopped) return;
    if (this.#pumping) {
      this.#pumpAgain = true;
      return;
    }
    this.#pumping = true;
    try {
      do {
        this.#pumpAgain = false;
        while (await this.#handOutNext());
      } while (this.#pumpAgain);
      this.#wakeWhenReady();
    } catch (error) {
      this.failed(error);
    } finally {
      this.#pumping = false;
    }
  }

  /** False when nothing is ready, or nobody has room. */
  async #handOutNext(): Promise<boolean> {
    const { store, members, clock, lease } = this.#options;
    if (!members.haveRoom) return false;
    const message = await store.take(clock.now());
    if (!message) return false;
    const member = members.leastLoaded; // the one of before may be gone
    if (member) lease(message, member);
    else await store.release(message.envelope.id, 0);
    return true;
  }

  #wakeWhenReady(): void {
    this.#cancelWake();
    const { store, members } = this.#options;
    const ms = store.readyInMs();
    if (ms !== undefined && members.haveRoom) this.#wakeIn(ms);
  }

  #wakeIn(ms: number): void {
    this.#cancelWake();
    if (this.#isStopped) return;
    this.#cancelWake = this.#options.clock.after(ms, () => this.wake());
  }
}
