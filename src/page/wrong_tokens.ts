import type { Clock } from "../async/clock.ts";

/** Wrong tokens a minute after which none of that client is looked at. */
const maxWrong = 10;
const windowMs = 60_000;
/** Of more clients than that in a minute the others count as one. */
const maxClients = 10_000;

/** Who has lately given wrong tokens, by the client's address: nobody is kept out by what others do. */
export class WrongTokens {
  readonly #clock: Clock;
  readonly #counts = new Map<string, number>();
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  areTooMany(client: string): boolean {
    if (this.#clock.monotonic() - this.#since >= windowMs) {
      this.#counts.clear();
      this.#since = this.#clock.monotonic();
    }
    return (this.#counts.get(this.#keyOf(client)) ?? 0) >= maxWrong;
  }

  add(client: string): void {
    const key = this.#keyOf(client);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  #keyOf(client: string): string {
    return this.#counts.has(client) || this.#counts.size < maxClients ? client : "";
  }
}
