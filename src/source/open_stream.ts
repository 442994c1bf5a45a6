import { onAbort } from "../async/abort.ts";
import type { Clock } from "../async/clock.ts";
import { type Connection, StreamFailure, type Transport } from "../flow.ts";
import { GuardedLink } from "./guarded_link.ts";

/** A connection with what keeps it honest. */
export interface OpenStream {
  readonly transport: Transport;
  readonly link: GuardedLink;
  readonly connection: Connection;
  /** As the relay calls it; "" before its `connected` came. */
  connectionId: string;
  /** When the relay's `connected` came, by the clock that never jumps. */
  connectedAt: number | undefined;
  /** The relay has said that it can nothing beyond the old wire. */
  isOld: boolean;
  /** Of an old relay: when it last sent a webhook, or greeted us, by the clock that never jumps. */
  lastWebhookAt: number | undefined;
  /** Ends the connection, politely where it still answers. */
  close(): Promise<void>;
}

export interface OpenStreamOptions {
  readonly heartbeatTimeoutMs: number;
  readonly connectionTimeoutMs: number;
  /** Called for any bytes from the relay. */
  readonly onHeard: (at: number) => void;
  /** Closes what waits for the next request to the relay: called when a link is found dead, and that may be too. */
  readonly dropIdle: () => void;
  readonly clock: Clock;
}

/** One attempt. Rejects with a `StreamFailure`, also when `stop` is aborted meanwhile. */
export async function openStream(
  transport: Transport,
  { heartbeatTimeoutMs, connectionTimeoutMs, onHeard, dropIdle, clock }: OpenStreamOptions,
  stop: AbortSignal,
): Promise<OpenStream> {
  const link = new GuardedLink(heartbeatTimeoutMs, clock, onHeard);
  onAbort(link.abort, () => {
    if (link.failure) dropIdle();
  });
  // Until there is a connection to close, a stop cuts the attempt.
  const forgetStop = onAbort(stop, () => link.end("on_purpose"));
  const cancelTimeout = clock.after(connectionTimeoutMs, () =>
    link.end(
      new StreamFailure("protocol", `no stream within ${connectionTimeoutMs / 1000} s`),
    ));
  try {
    const connection = await transport.connect(link);
    let closing: Promise<void> | undefined;
    let forgetClose = () => {};
    const close = () => closing ??= closeOnce();
    const closeOnce = async () => {
      forgetClose();
      if (!link.abort.aborted) await connection[Symbol.asyncDispose]();
      link.end("on_purpose");
    };
    // Called at once where it was aborted just now.
    forgetClose = onAbort(stop, () => void close());
    return {
      ...{ transport, link, connection, close },
      ...{ connectionId: "", connectedAt: undefined, isOld: false, lastWebhookAt: undefined },
    };
  } catch (error) {
    link.end("on_purpose");
    throw link.failure ?? error;
  } finally {
    forgetStop();
    cancelTimeout();
  }
}
