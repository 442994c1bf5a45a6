import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../async/clock.ts";

/** Compares without telling by the time it takes how much of a guess was right. */
export function sameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

/** The token of an `Authorization` header, or undefined when there is none. A bare token is taken too. */
export function bearerToken(header: string | null | undefined): string | undefined {
  const token = header?.replace(/^Bearer\s+/i, "").trim();
  return token ? token : undefined;
}

/** A channel's token, and the one before it for a while after a rotation. */
export class ChannelToken {
  #current: string;
  #previous: { token: string; until: number } | undefined;
  readonly #clock: Clock;

  constructor(token: string, clock: Clock) {
    this.#current = token;
    this.#clock = clock;
  }

  accepts(given: string): boolean {
    const isCurrent = sameSecret(given, this.#current);
    const previous = this.#previous;
    const isPrevious = previous !== undefined && sameSecret(given, previous.token) &&
      this.#clock.now() < previous.until;
    return isCurrent || isPrevious;
  }

  /** A new token; the old one is good for `graceMs` more. */
  rotate(graceMs: number): { readonly token: string; readonly oldUntil: number } {
    const oldUntil = this.#clock.now() + graceMs;
    this.#previous = { token: this.#current, until: oldUntil };
    this.#current = newToken();
    return { token: this.#current, oldUntil };
  }
}

export function newToken(): string {
  return `ch_tok_${randomBytes(24).toString("hex")}`;
}
