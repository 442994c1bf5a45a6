import type { Clock } from "../../async/clock.ts";
import { GrowingBytes } from "../../protocol/growing_bytes.ts";

/**
 * `too_large`: for this request; `too_slow`: not here in time; `too_many`: bodies under way hold enough memory;
 * `stopping`: not here when the relay stopped; `aborted`: the sender went away, or broke off its chunks.
 */
export type BodyRefusal = "too_large" | "too_slow" | "too_many" | "stopping" | "aborted";

export interface BodyIntakeOptions {
  readonly clock: Clock;
  /** For one body, from its first look to its last byte, milliseconds. */
  readonly timeoutMs: number;
  /** Of memory that all bodies under way hold together, bytes. */
  readonly maxBytes: number;
}

/**
 * Reads the bodies of requests. Whoever sends them is a stranger still: how long one takes is bounded, and what
 * all of them together hold.
 */
export class BodyIntake {
  readonly #options: BodyIntakeOptions;
  readonly #underWay = new Set<() => void>();
  #bytes = 0;

  constructor(options: BodyIntakeOptions) {
    this.#options = options;
  }

  /** Of memory that bodies which are not complete hold now, bytes: up to twice what has come of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The whole body, or why not; what is refused is not read to its end. */
  async read(
    request: Request,
    maxBytes: number,
  ): Promise<Uint8Array<ArrayBuffer> | BodyRefusal> {
    const most = Number(request.headers.get("content-length")) || maxBytes;
    if (most > maxBytes) return "too_large";
    if (!request.body) return new Uint8Array();
    const reader = request.body.getReader();
    // Chunks are copied: on Deno each of them, of one byte or many, keeps 64 KiB.
    const body = new GrowingBytes(most);
    let refusal: BodyRefusal | undefined;
    const refuse = (why: BodyRefusal) => {
      refusal ??= why;
      // A server that stops would wait on Deno 2.9.6 for the rest of what was cancelled.
      if (why === "stopping") reader.releaseLock();
      else void reader.cancel().catch(() => {});
    };
    const stop = () => refuse("stopping");
    const cancelTimeout = this.#options.clock.after(
      this.#options.timeoutMs,
      () => refuse("too_slow"),
    );
    this.#underWay.add(stop);
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (refusal) return refusal;
        if (done) return body.whole();
        if (body.length + value.length > maxBytes) refuse("too_large");
        else this.#bytes += body.add(value);
        if (this.#bytes > this.#options.maxBytes) refuse("too_many");
      }
    } catch {
      return refusal ?? "aborted";
    } finally {
      cancelTimeout();
      this.#underWay.delete(stop);
      this.#bytes -= body.held;
    }
  }

  /** Refuses what is under way. */
  stop(): void {
    for (const stop of this.#underWay) stop();
  }
}
