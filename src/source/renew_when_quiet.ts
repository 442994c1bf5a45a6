import type { Clock } from "../async/clock.ts";
import type { OpenStream } from "./open_stream.ts";

/** An old relay forgets after a day who got nothing; this is well before. */
const quietMs = 12 * 3_600_000;
const lookMs = 3_600_000;

/**
 * A stream of an old relay that nothing has come over for long may be forgotten there, and beats on all the same: it is to be
 * opened anew. The result ends it. Of smee nothing is told that came meanwhile; a poll is always a new one.
 */
export function renewWhenQuiet(stream: OpenStream, clock: Clock, renew: () => void): () => void {
  const { name } = stream.transport;
  if (name === "smee" || name === "long_poll") return () => {};
  let cancel = clock.after(lookMs, look);
  function look(): void {
    const { isOld, lastWebhookAt = Infinity } = stream;
    if (isOld && clock.monotonic() - lastWebhookAt >= quietMs) renew();
    else cancel = clock.after(lookMs, look);
  }
  return () => cancel();
}
