import { closeCodes } from "../protocol/close_codes.ts";
import { decodeConnectorFrame } from "../protocol/connector_codec.ts";
import type { RelayFrame, Settlement } from "../protocol/frames.ts";
import { maxFrameBytes } from "../protocol/limits.ts";
import { encodeRelayFrame } from "../protocol/relay_codec.ts";
import { encodeBinaryWebhook } from "../protocol/webhook_codec.ts";
import type { RequestContext, ServerSocket } from "../runtime/serve.ts";
import type { Channel } from "./channel.ts";
import { connectedFrame, type Hello, type RelayContext } from "./relay_env.ts";
import { webhookFrame } from "./webhook_frame.ts";

/**
 * With so much to read a connection that is told still more is ended, bytes: what it was handed is half of it, and one
 * message.
 */
const maxUnreadBytes = 2 * maxFrameBytes;
/** Heartbeats unanswered for this many intervals end the connection. */
const missedHeartbeats = 3;

/** Upgrades the request to a WebSocket stream; undefined when it does not ask for one. */
export function websocketStream(
  server: RequestContext,
  channel: Channel,
  hello: Hello,
  relay: RelayContext,
): Response | undefined {
  const { clock, heartbeatMs } = relay;
  const { connectionId, connectorId, capabilities } = hello;
  let heardAt = clock.monotonic();
  let cancelHeartbeat = () => {};
  const now = () => new Date(clock.now()).toISOString();
  const silentMs = () => clock.monotonic() - heardAt;

  return server.upgrade({
    open(socket) {
      const isTaken = channel.subscribe({
        ...hello,
        protocol: "websocket",
        connectedAt: clock.now(),
        heardAt: () => clock.now() - silentMs(),
        keepsLeases: false,
        mayResume: capabilities.includes("resume"),
        get isBehind() {
          return socket.bufferedAmount >= maxFrameBytes;
        },
        hand(envelope) {
          const frame = capabilities.includes("binary-body")
            ? encodeBinaryWebhook(envelope)
            : webhookFrame(envelope, channel, hello);
          if (frame !== undefined) socket.send(frame);
        },
        disconnect: (code, reason) => end(socket, code, reason),
      }, () => socket.send(encodeRelayFrame(connectedFrame(hello, channel, clock), now())));
      if (!isTaken) {
        return socket.close(closeCodes.tooManyConnections, "Max connections reached");
      }
      cancelHeartbeat = clock.after(heartbeatMs, () => beat(socket));
    },
    message(socket, data) {
      heardAt = clock.monotonic();
      if (typeof data !== "string") {
        return end(socket, closeCodes.unsupportedData, "only text frames are accepted");
      }
      const frame = decodeConnectorFrame(data, connectionId);
      switch (frame.type) {
        case "heartbeat":
          channel.wake(); // it may have read what it was behind with
          break;
        case "drain":
          channel.drain(connectionId);
          sayGoodbye(socket);
          break;
        case "settle":
          void settle(socket, frame.settlements);
          break;
        case "extend":
          void channel.extend(frame.messageIds, connectorId, frame);
          break;
        case "unknown":
        case "malformed":
          relay.observe({
            type: "relay.frame_ignored",
            channel: channel.settings.name,
            connectionId,
            problem: frame.type === "unknown" ? `unknown type ${frame.name}` : frame.problem,
          });
          break;
      }
    },
    close: leave,
  });

  function leave(): void {
    cancelHeartbeat();
    channel.unsubscribe(connectionId);
  }

  /** Nothing more is given to it, whether or not the peer ever answers. */
  function end(socket: ServerSocket, code: number, reason: string): void {
    leave();
    socket.close(code, reason);
  }

  async function settle(
    socket: ServerSocket,
    settlements: readonly Settlement[],
  ): Promise<void> {
    const outcomes = await Promise.all(
      settlements.map((settlement) => channel.settle(settlement, connectorId)),
    );
    // What the store could not take is not confirmed: it comes again.
    const messageIds = settlements
      .filter((_, i) => outcomes[i] !== "unavailable").map(({ messageId }) => messageId);
    if (capabilities.includes("ack-confirm") && messageIds.length > 0) {
      reply(socket, { type: "settled", messageIds });
    }
    sayGoodbye(socket);
  }

  function sayGoodbye(socket: ServerSocket): void {
    if (channel.isDrained(connectionId)) reply(socket, { type: "goodbye" });
  }

  /** What a connector says again and again is not answered for ever. */
  function reply(
    socket: ServerSocket,
    frame: Extract<RelayFrame, { type: "settled" | "goodbye" }>,
  ): void {
    if (socket.bufferedAmount >= maxUnreadBytes) {
      return end(socket, closeCodes.evicted, "it does not read");
    }
    socket.send(encodeRelayFrame(frame, now()));
  }

  function beat(socket: ServerSocket): void {
    if (silentMs() >= missedHeartbeats * heartbeatMs) {
      return end(socket, closeCodes.evicted, "no heartbeat from the connector");
    }
    socket.send(encodeRelayFrame({ type: "heartbeat" }, now()));
    cancelHeartbeat = clock.after(heartbeatMs, () => beat(socket));
  }
}
