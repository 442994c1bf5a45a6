import type { KV, KvEntry } from "@nats-io/kv";
import type { Clock } from "../../async/clock.ts";
import { delay } from "../../async/delay.ts";
import type { NatsServer } from "./connection.ts";

/** Until a watch that ended is begun again, milliseconds. */
const againMs = 1_000;

/**
 * What is in a bucket and, from then on, what changes in it, until the signal. When the connection was lost all of it
 * is told again: the server forgets who watches, and the library finds that out only a minute later.
 */
export async function* bucketEntries(
  server: NatsServer,
  bucket: KV,
  clock: Clock,
  signal: AbortSignal,
  /** After each attempt to begin. */
  onTried: () => void,
): AsyncGenerator<KvEntry> {
  while (!signal.aborted) {
    try {
      const entries = await server.attempt("watch the channels", () => bucket.watch())
        .finally(onTried);
      const stop = () => entries.stop();
      const forget = server.onReconnect(stop);
      signal.addEventListener("abort", stop);
      if (signal.aborted) stop();
      yield* entries;
      signal.removeEventListener("abort", stop);
      forget();
    } catch {
      // What is wrong shows in the server's `problem`.
    }
    await delay(againMs, { signal, clock }).catch(() => {});
  }
}
