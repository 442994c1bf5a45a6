import { randomBytes } from "node:crypto";
import type { Clock } from "../async/clock.ts";
import { AgedMap } from "../async/aged_map.ts";

/** How long a sign-in lasts. */
export const sessionMs = 8 * 3_600_000;
const maxSessions = 100;

/** Who has shown the token, by a random id; in memory. The oldest makes room. */
export class Sessions {
  readonly #until = new AgedMap<number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  open(): string {
    const id = randomBytes(24).toString("base64url");
    this.#until.set(id, this.#clock.now() + sessionMs);
    this.#until.forgetOldest(maxSessions);
    return id;
  }

  has(id: string): boolean {
    const until = this.#until.get(id);
    if (until === undefined) return false;
    if (this.#clock.now() < until) return true;
    this.#until.delete(id);
    return false;
  }

  close(id: string): void {
    this.#until.delete(id);
  }
}
