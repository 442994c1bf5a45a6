import { encodeRelayFrame } from "../protocol/relay_codec.ts";
import { encodeWebhook } from "../protocol/webhook_codec.ts";
import type { RelayFrame } from "../protocol/frames.ts";
import { encodeSseEvent } from "../protocol/sse_encoder.ts";
import { wireHeaders } from "../protocol/wire.ts";
import type { Channel } from "./channel.ts";
import { connectedFrame, type Hello, type RelayContext } from "./relay_env.ts";

/** A stream of server-sent events; undefined when the channel has all the connections it takes. */
export function sseStream(
  channel: Channel,
  hello: Hello,
  relay: RelayContext,
): Response | undefined {
  const { clock, heartbeatMs } = relay;
  const { connectionId, capabilities } = hello;
  const connectedAt = clock.now();
  const encoder = new TextEncoder();
  const exactBody = capabilities.includes("exact-body");
  let cancelHeartbeat = () => {};
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  const send = (event: string, data: string, id?: string) =>
    controller?.enqueue(
      encoder.encode(encodeSseEvent({ event, data, ...(id !== undefined && { id }) })),
    );
  const sendFrame = (frame: Extract<RelayFrame, { type: "connected" | "heartbeat" }>) =>
    send(frame.type, encodeRelayFrame(frame, new Date(clock.now()).toISOString()));
  const beat = () => {
    sendFrame({ type: "heartbeat" });
    cancelHeartbeat = clock.after(heartbeatMs, beat);
  };
  const end = () => {
    cancelHeartbeat();
    controller = undefined;
    channel.unsubscribe(connectionId);
  };

  if (channel.isFull) return undefined;
  const body = new ReadableStream<Uint8Array>({
    start(opened) {
      controller = opened;
      channel.subscribe({
        ...hello,
        protocol: "sse",
        connectedAt,
        heardAt: () => connectedAt,
        keepsLeases: false,
        // ASCII alone: clients of the old kind cut characters in two at the borders of network chunks.
        hand: (envelope) =>
          send(
            "webhook",
            encodeWebhook(envelope, { exactBody, ascii: !exactBody }),
            String(envelope.sequence),
          ),
        disconnect() {
          const open = controller;
          end();
          open?.close();
        },
      }, () => sendFrame(connectedFrame(hello, channel, clock)));
      cancelHeartbeat = clock.after(heartbeatMs, beat);
    },
    cancel: end,
  });
  return new Response(body, {
    headers: {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache",
      "X-Accel-Buffering": "no",
      [wireHeaders.relayCapabilities]: capabilities.join(", "),
    },
  });
}
