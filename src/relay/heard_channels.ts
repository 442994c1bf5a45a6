import type { Clock } from "../async/clock.ts";
import type { ChannelRecord } from "./directory.ts";

/** Until a channel that could not be opened is tried again, milliseconds. */
const againMs = 1_000;

export interface HeardChannelsOptions {
  readonly clock: Clock;
  readonly open: (record: ChannelRecord) => Promise<void>;
  /** Something newer was heard while it was being opened. */
  readonly changed: (record: ChannelRecord) => void;
  readonly onFailed: (channel: string, error: unknown) => void;
}

/** Channels that another relay made and this one has not opened yet, each as it was last heard of. */
export class HeardChannels {
  readonly #options: HeardChannelsOptions;
  readonly #waiting = new Map<string, ChannelRecord>();
  #isOpening = false;
  #cancel = () => {};
  #isStopped = false;

  constructor(options: HeardChannelsOptions) {
    this.#options = options;
  }

  has(name: string): boolean {
    return this.#waiting.has(name);
  }

  isFedBy(webhookId: string): boolean {
    return [...this.#waiting.values()].some(({ webhookIds }) => webhookIds.includes(webhookId));
  }

  /** Opens it, sooner or later. */
  add(record: ChannelRecord): void {
    if (this.#isStopped) return;
    this.#waiting.set(record.settings.name, record);
    void this.#openAll();
  }

  /** What is being opened is the last. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  /** One after the other; what fails is tried again until it works. */
  async #openAll(): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    this.#cancel();
    const { clock, open, changed, onFailed } = this.#options;
    for (const [name, record] of this.#waiting) {
      try {
        await open(record);
        const newest = this.#waiting.get(name);
        this.#waiting.delete(name);
        if (newest && newest !== record) changed(newest);
      } catch (error) {
        onFailed(name, error);
      }
      if (this.#isStopped) return;
    }
    this.#isOpening = false;
    if (this.#waiting.size > 0) this.#cancel = clock.after(againMs, () => void this.#openAll());
  }
}
