/** So many full answers have to come whole before more is asked for; twice as many each time that it was too much. */
const firstTrial = 4;
const lastTrial = 1_024;

/**
 * How many messages a poll asks for. An answer may be more than we, or a proxy on the way, let through: with fewer of
 * them there is one that comes whole.
 */
export class AtOnce {
  readonly #most: number;
  #messages: number;
  /** Full answers that came whole since the number changed. */
  #whole = 0;
  #wanted = firstTrial;
  #isTrial = false;

  constructor(most: number) {
    this.#most = most;
    this.#messages = most;
  }

  get messages(): number {
    return this.#messages;
  }

  /** An answer came whole, with so many messages. */
  cameWhole(messages: number): void {
    if (messages < this.#messages || ++this.#whole < this.#wanted) return;
    this.#isTrial = this.#messages < this.#most;
    this.#messages = Math.min(this.#most, 2 * this.#messages);
    this.#whole = 0;
  }

  /** An answer did not come whole. */
  brokeOff(): void {
    if (this.#isTrial) this.#wanted = Math.min(lastTrial, 2 * this.#wanted);
    this.#isTrial = false;
    this.#messages = Math.ceil(this.#messages / 2);
    this.#whole = 0;
  }
}
