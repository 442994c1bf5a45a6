import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../async/clock.ts";
import { inTurn } from "../async/in_turn.ts";
import type { TokenRecord } from "./directory.ts";

/** What is kept of a token. Tokens are long and random, so that a plain hash is enough. */
export function hashOf(token: string): string {
  return digest(token).toString("hex");
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** The token of an `Authorization` header, or undefined when there is none. A bare token is taken too. */
export function bearerToken(header: string | null | undefined): string | undefined {
  const token = header?.replace(/^Bearer\s+/i, "").trim();
  return token ? token : undefined;
}

export interface RotatedToken {
  readonly token: string;
  /** When the last of the others ends, milliseconds since the epoch. */
  readonly oldUntil: number;
}

/** The tokens of a channel: several may be good at once. */
export class ChannelTokens {
  #records: readonly TokenRecord[];
  readonly #clock: Clock;
  readonly #onEnded: (isGood: (hash: string) => boolean) => void;
  readonly #oneAtATime = inTurn();
  #cancel = () => {};
  #isStopped = false;

  /** `onEnded` is called whenever a token may have ended: at the end of its grace, or when others took its place. */
  constructor(
    records: readonly TokenRecord[],
    clock: Clock,
    onEnded: (isGood: (hash: string) => boolean) => void,
  ) {
    this.#records = records;
    this.#clock = clock;
    this.#onEnded = onEnded;
    this.#awaitNextEnd();
  }

  get records(): readonly TokenRecord[] {
    return this.#records;
  }

  /** The hash of the token if it is good now. All are compared, whichever fits. */
  accepts(given: string): string | undefined {
    const hash = digest(given);
    let accepted: string | undefined;
    for (const record of this.#records) {
      const fits = timingSafeEqual(hash, Buffer.from(record.hash, "hex"));
      if (fits && this.#isGood(record)) accepted = record.hash;
    }
    return accepted;
  }

  replace(records: readonly TokenRecord[]): void {
    this.#records = records;
    this.#ended();
  }

  /** No more is told. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  /**
   * Takes a new one, once `save` has resolved; the others are good for `graceMs` more. One rotation after the other: each
   * builds on what the one before it saved.
   */
  rotate(
    graceMs: number,
    save: (records: readonly TokenRecord[]) => Promise<void>,
  ): Promise<RotatedToken> {
    return this.#oneAtATime(async () => {
      const token = newToken();
      const oldUntil = this.#clock.now() + graceMs;
      const records = this.#rotated(token, oldUntil);
      await save(records);
      this.replace(records);
      return { token, oldUntil };
    });
  }

  /** The records after a rotation: `token` is new, all others end at `endsAt` at the latest. */
  #rotated(token: string, endsAt: number): readonly TokenRecord[] {
    const others = this.#records
      .map((record) => ({ ...record, expiresAt: Math.min(record.expiresAt ?? Infinity, endsAt) }))
      // One of the file is kept for ever, expired: or it would come back with the file.
      .filter(({ expiresAt, origin }) => expiresAt > this.#clock.now() || origin === "file");
    return [...others, { hash: hashOf(token), origin: "made" }];
  }

  #isGood({ expiresAt = Infinity }: TokenRecord): boolean {
    return this.#clock.now() < expiresAt;
  }

  #ended(): void {
    if (this.#isStopped) return;
    const good = new Set(
      this.#records.filter((record) => this.#isGood(record)).map(({ hash }) => hash),
    );
    this.#onEnded((hash) => good.has(hash));
    this.#awaitNextEnd();
  }

  #awaitNextEnd(): void {
    this.#cancel();
    const now = this.#clock.now();
    const ends = this.#records.map(({ expiresAt = Infinity }) => expiresAt);
    const next = Math.min(...ends.filter((end) => end > now));
    if (next < Infinity) this.#cancel = this.#clock.after(next - now, () => this.#ended());
  }
}

/** The records of a channel whose file names `token`: those made since stay, another one of the file goes. */
export function withFileToken(records: readonly TokenRecord[], token: string): TokenRecord[] {
  const hash = hashOf(token);
  const known = records.find((record) => record.origin === "file" && record.hash === hash);
  return [known ?? { hash, origin: "file" }, ...records.filter(({ origin }) => origin === "made")];
}

export function newToken(): string {
  return `ch_tok_${randomBytes(24).toString("hex")}`;
}
