import { encodeSseEvent } from "../protocol/sse_encoder.ts";
import { encodeSmeeEvent, type SmeeForm } from "../protocol/smee_codec.ts";
import type { Channel } from "./channel.ts";
import type { RelayContext } from "./relay_env.ts";

/** Messages on their way to one reader: it cannot be asked how many it takes. */
const window = 8;

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
  const waiting: { readonly text: string; readonly messageId?: string }[] = [];
  let wake = () => {};
  let given: string | undefined;
  let isOver = false;
  let isCancelled = false;
  let cancelPing = () => {};

  const put = (text: string, messageId?: string) => {
    waiting.push({ text, ...(messageId !== undefined && { messageId }) });
    wake();
  };
  const ping = () => {
    // To who reads nothing, nothing needs to be said twice.
    if (waiting.length === 0) put(encodeSseEvent({ event: "ping", data: "{}" }));
    cancelPing = clock.after(heartbeatMs, ping);
  };
  const end = () => {
    isOver = true;
    waiting.length = 0;
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
      if (given !== undefined) {
        void channel.settle({ messageId: given, connectionId, verdict: "ack" }, connectionId);
        given = undefined;
      }
      while (waiting.length === 0 && !isOver) {
        await new Promise<void>((resolve) => wake = resolve);
      }
      if (isCancelled) return;
      const next = isOver ? undefined : waiting.shift();
      if (!next) return controller.close();
      given = next.messageId;
      controller.enqueue(encoder.encode(next.text));
    },
    cancel() {
      isCancelled = true;
      end();
    },
  }, { highWaterMark: 0 });
  return new Response(body, {
    headers: {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache",
      "X-Accel-Buffering": "no",
    },
  });
}
