import { type Delivery, StreamFailure } from "../flow.ts";
import { climb, type ClimbOptions } from "./climb.ts";
import { type OpenStream, openStream } from "./open_stream.ts";
import { readStream, type ReadStreamOptions } from "./read_stream.ts";
import { renewWhenQuiet } from "./renew_when_quiet.ts";

/** One connection to the relay, from the attempt to open it to its end; and why it ended. */
export class Visit {
  readonly #way: ClimbOptions;
  readonly #stop: AbortSignal;
  readonly #onDrained: () => void;
  readonly #overtaken = new AbortController();
  #stream: OpenStream | undefined;
  #replacement: OpenStream | undefined;
  #connectedAt: number | undefined;
  #failure: StreamFailure | undefined;
  #hasOpened = false;
  #isLeaving = false;
  #isLeft = false;
  #isRenewed = false;
  /** Drains that the relay has been told, and may still answer with messages. */
  #drains = 0;
  /** Somebody asked to connect since it began. */
  isAsked = false;

  /** `opened`: what the visit before has found to get through again. `onDrained` is told when `isDraining` may have changed. */
  constructor(
    way: ClimbOptions,
    stop: AbortSignal,
    opened: OpenStream | undefined,
    onDrained: () => void,
  ) {
    this.#way = way;
    this.#stop = stop;
    this.#stream = opened;
    this.#onDrained = onDrained;
  }

  /** Undefined before it is open, and when it is over. */
  get stream(): OpenStream | undefined {
    return this.#stream;
  }

  /** When the relay greeted us, by the clock that never jumps; undefined = it did not. */
  get connectedAt(): number | undefined {
    return this.#stream?.connectedAt ?? this.#connectedAt;
  }

  /** Why it broke, or could not be opened; undefined when the relay ended it, or we did. */
  get failure(): StreamFailure | undefined {
    return this.#failure;
  }

  /** The kind of stream does not get through: it was open, and the relay was not heard. */
  get hasCarriedNothing(): boolean {
    return this.#hasOpened && this.connectedAt === undefined;
  }

  /** A better kind of stream that gets through again: this one was ended for it. */
  get replacement(): OpenStream | undefined {
    return this.#replacement;
  }

  /** It gets nothing more: we are paused. It is left when nothing is in hand. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** We have ended it, and nothing keeps us from the next one. */
  get isOurEnd(): boolean {
    return this.#overtaken.signal.aborted || (this.#isLeft && !this.#failure);
  }

  /** What it brings, to its end. Throws what is no `StreamFailure`. */
  async *deliveries(reading: ReadStreamOptions): AsyncGenerator<Delivery, void> {
    const way = this.#way;
    try {
      const stream = this.#stream ??= await openStream(
        way.transports.current,
        way,
        AbortSignal.any([this.#stop, this.#overtaken.signal]),
      );
      this.#hasOpened = true;
      const stopClimbing = climb(way, this.#stop, (better) => {
        this.#replacement = better;
        void stream.close();
      });
      const stopLooking = renewWhenQuiet(stream, reading.clock, () => {
        this.#isRenewed = true;
        this.leave();
      });
      try {
        yield* readStream(stream, reading);
      } finally {
        stopClimbing();
        stopLooking();
      }
    } catch (error) {
      if (!(error instanceof StreamFailure)) throw error;
      this.#failure = error;
    } finally {
      this.#connectedAt = this.#stream?.connectedAt;
      await this.#stream?.close();
      this.#stream = undefined;
    }
  }

  /** It was told to send nothing more, and what it had sent before is not here yet. */
  get isDraining(): boolean {
    return this.#drains > 0 && this.#stream !== undefined;
  }

  /** The relay is to send nothing more over it. */
  tellDrain(): void {
    if (!this.#stream) return;
    // Where there is no name of the connection yet it is said again when the relay greets us.
    const { connection, connectionId, transport } = this.#stream;
    const told = connection.send({ type: "drain", connectionId }).catch(() => {});
    // The end of any other stream gives back what is on its way.
    if (transport.name !== "long_poll") return;
    this.#drains++;
    void told.then(() => {
      this.#drains--;
      this.#onDrained();
    });
  }

  beginLeaving(): void {
    this.#isLeaving = true;
    this.tellDrain();
  }

  leave(): void {
    this.#isLeft = true;
    void this.#stream?.close();
  }

  /** The settings of this connection, or of the attempt to open it, count no more. */
  overtake(): void {
    this.#overtaken.abort(new DOMException("the settings have changed", "AbortError"));
    void this.#stream?.close();
  }

  /** Why we ended it, if we did. */
  ownReason(isPaused: boolean): string | undefined {
    if (this.#stop.aborted) return "stopped";
    if (this.#overtaken.signal.aborted) return "the settings have changed";
    if (this.#replacement) return `${this.#replacement.transport.name} gets through again`;
    if (!this.#isLeft) return undefined;
    if (this.#isRenewed) return "nothing came for long: an old relay may have forgotten it";
    return isPaused ? "paused" : "the pause is over";
  }

  /** For the visit that follows; nobody else closes it. */
  takeReplacement(): OpenStream | undefined {
    const replacement = this.#replacement;
    this.#replacement = undefined;
    return replacement;
  }

  async close(): Promise<void> {
    await this.#stream?.close();
    await this.takeReplacement()?.close();
  }
}
