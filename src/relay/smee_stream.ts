import { encodeSseEvent, eventStreamHeaders } from "../protocol/sse_encoder.ts";
import { encodeSmeeEvent, type SmeeForm } from "../protocol/smee_codec.ts";
import type { Channel } from "./channel.ts";
import type { RelayContext } from "./relay_env.ts";

/** Messages on their way to one reader: it cannot be asked how many it takes. */
const window = 8;

/** Stands for the id where it is no message. */
const noMessage = "";

export interface SmeeReader {
  readonly connectionId: string;
  readonly remoteAddress: string;
  /** Of the path it came by. */
  readonly pathHash: string;
  readonly form: SmeeForm;
}

/**
 * A channel as a stream of smee.io's kind; undefined when the channel has all the connections it takes. Nothing
 * comes back on it: a message counts as delivered when the socket has taken it and the next is asked for.
 */
export function smeeStream(
  channel: Channel,
  { connectionId, remoteAddress, pathHash, form }: SmeeReader,
  { clock, heartbeatMs }: RelayContext,
): Response | undefined {
  if (channel.isFull) return undefined;
  const connectedAt = clock.now();
  const encoder = new TextEncoder();
  // By message id: one that comes again, since its lease was over before its turn came, takes its old place.
  const waiting = new Map<string, string>();
  let wake = () => {};
  let given = noMessage;
  let isOver = false;
  let isCancelled = false;
  let cancelPing = () => {};

  const put = (text: string, messageId = noMessage) => {
    waiting.set(messageId, text);
    wake();
  };
  const next = (): string | undefined => {
    for (const [messageId, text] of waiting) {
      waiting.delete(messageId);
      // Not this reader's any more, until it is given it again.
      if (messageId !== noMessage && !channel.heldBy(connectionId).has(messageId)) continue;
      given = messageId;
      return text;
    }
    return undefined;
  };
  const ping = () => {
    // To who reads nothing, nothing needs to be said twice.
    if (waiting.size === 0) put(encodeSseEvent({ event: "ping", data: "{}" }));
    cancelPing = clock.after(heartbeatMs, ping);
  };
  const end = () => {
    isOver = true;
    waiting.clear();
    cancelPing();
    channel.unsubscribe(connectionId);
    wake();
  };

  const body = new ReadableStream<Uint8Array>({
    start() {
      put(encodeSseEvent({ event: "ready", data: "{}" }));
      channel.subscribe({
        connectionId,
        connectorId: connectionId,
        protocol: "smee",
        connectedAt,
        remoteAddress,
        tokenHash: pathHash,
        heardAt: () => connectedAt,
        window: { messages: Math.min(window, channel.settings.maxInFlight), bytes: Infinity },
        keepsLeases: false,
        hand: (envelope) =>
          put(
            encodeSseEvent({
              id: String(envelope.sequence),
              data: encodeSmeeEvent(envelope, form),
            }),
            envelope.id,
          ),
        disconnect: end,
      });
      cancelPing = clock.after(heartbeatMs, ping);
    },
    async pull(controller) {
      if (given !== noMessage) {
        void channel.settle({ messageId: given, connectionId, verdict: "ack" }, connectionId);
        waiting.delete(given); // a copy, if its lease was over meanwhile
        given = noMessage;
      }
      let text = next();
      while (text === undefined && !isOver) {
        await new Promise<void>((resolve) => wake = resolve);
        text = next();
      }
      if (isCancelled) return;
      if (text === undefined) return controller.close();
      controller.enqueue(encoder.encode(text));
    },
    cancel() {
      isCancelled = true;
      end();
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: eventStreamHeaders });
}
