import { Unread } from "../async/unread.ts";
import { closeCodes } from "../protocol/close_codes.ts";
import { maxFrameBytes } from "../protocol/limits.ts";
import { encodeRelayFrame } from "../protocol/relay_codec.ts";
import type { RelayFrame } from "../protocol/frames.ts";
import { encodeSseEvent, eventStreamHeaders } from "../protocol/sse_encoder.ts";
import { wireHeaders } from "../protocol/wire.ts";
import type { Channel } from "./channel.ts";
import { connectedFrame, type Hello, type RelayContext } from "./relay_env.ts";
import { webhookFrame } from "./webhook_frame.ts";

/** A stream that is behind, and whose leases have all ended, is ended after so many ack timeouts. */
const behindTimeouts = 3;

/** A stream of server-sent events; undefined when the channel has all the connections it takes. */
export function sseStream(
  channel: Channel,
  hello: Hello,
  relay: RelayContext,
): Response | undefined {
  const { clock, heartbeatMs } = relay;
  const { connectionId, capabilities } = hello;
  const connectedAt = clock.now();
  let cancelHeartbeat = () => {};
  let behindSince: number | undefined;

  const send = (event: string, data: string, id?: string) => {
    unread.put(encodeSseEvent({ event, data, ...(id !== undefined && { id }) }));
    if (unread.bytes >= maxFrameBytes) behindSince ??= clock.monotonic();
  };
  const sendFrame = (frame: Extract<RelayFrame, { type: "connected" | "heartbeat" }>) =>
    send(frame.type, encodeRelayFrame(frame, new Date(clock.now()).toISOString()));
  const beat = () => {
    if (behindSince === undefined) sendFrame({ type: "heartbeat" });
    else if (readsNoMore(behindSince)) return evict();
    cancelHeartbeat = clock.after(heartbeatMs, beat);
  };
  const readsNoMore = (since: number) =>
    clock.monotonic() - since >= behindTimeouts * channel.settings.ackTimeoutMs &&
    channel.heldBy(connectionId).size === 0;
  const leave = () => {
    cancelHeartbeat();
    channel.unsubscribe(connectionId);
  };
  const evict = () => {
    leave();
    unread.drop();
  };
  const unread = new Unread({
    onRead() {
      if (behindSince === undefined || unread.bytes >= maxFrameBytes) return;
      behindSince = undefined;
      channel.wake();
    },
    onGone: leave,
  });

  const isTaken = channel.subscribe({
    ...hello,
    protocol: "sse",
    connectedAt,
    heardAt: () => connectedAt,
    keepsLeases: false,
    mayResume: capabilities.includes("resume"),
    get isBehind() {
      return behindSince !== undefined;
    },
    // ASCII alone: clients of the old kind cut characters in two at the borders of network chunks.
    hand(envelope) {
      const text = webhookFrame(envelope, channel, hello, true);
      if (text !== undefined) send("webhook", text, String(envelope.sequence));
    },
    disconnect(code) {
      if (code === closeCodes.evicted) return evict();
      leave();
      unread.end();
    },
  }, () => sendFrame(connectedFrame(hello, channel, clock)));
  if (!isTaken) return undefined;
  cancelHeartbeat = clock.after(heartbeatMs, beat);
  return new Response(unread.body, {
    headers: { ...eventStreamHeaders, [wireHeaders.relayCapabilities]: capabilities.join(", ") },
  });
}
