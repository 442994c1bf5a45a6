import type { Clock } from "../async/clock.ts";
import type { DeadLetter, LetterSummary } from "../flow.ts";
import type { GroupCommit } from "../sqlite/group_commit.ts";
import type { DeadLetterBox, KeptLetter } from "./dead_letter_box.ts";

/** The dead letters for people and programs. Everything may reject with `JournalUnavailable`. */
export class DeadLetters {
  readonly #box: DeadLetterBox;
  readonly #commit: GroupCommit;
  readonly #clock: Clock;

  constructor(box: DeadLetterBox, commit: GroupCommit, clock: Clock) {
    this.#box = box;
    this.#commit = commit;
    this.#clock = clock;
  }

  get count(): number {
    return this.#box.count;
  }

  get bytes(): number {
    return this.#box.bytes;
  }

  /** The newest first. */
  list(limit: number): LetterSummary[] {
    return this.#commit.read(() => this.#box.list(limit));
  }

  /** One for each target that could not be given the message. */
  of(messageId: string): KeptLetter[] {
    return this.#commit.read(() => this.#box.of(messageId));
  }

  /** The ids of messages with letters, the oldest first. */
  ids(): string[] {
    return this.#commit.read(() => this.#box.ids());
  }

  /** Forgets the letter for a target, or all of the message. Resolves with how many there were. */
  drop(messageId: string, target?: string): Promise<number> {
    return this.#run(() => this.#box.drop(messageId, target));
  }

  /** Keeps a letter in place of the one for the same message and target. */
  replace(letter: DeadLetter): Promise<void> {
    return this.#run(() => this.#box.put(letter, this.#clock.now()));
  }

  async #run<T>(write: () => T): Promise<T> {
    try {
      return await this.#commit.run(write, "power");
    } catch (error) {
      this.#box.recount();
      throw error;
    }
  }
}
