import {
  type Connection,
  type ConnectorFrame,
  type Link,
  type RelayFrame,
  StreamFailure,
  type Transport,
} from "../flow.ts";
import { closeCodes } from "../protocol/close_codes.ts";
import { encodeConnectorFrame } from "../protocol/connector_codec.ts";
import { decodeBinaryFrame, decodeRelayFrame } from "../protocol/relay_codec.ts";
import type { Capability } from "../protocol/frames.ts";
import { maxFrameBytes } from "../protocol/limits.ts";
import { type ClientSocket, HandshakeRefused, openWebSocket } from "../runtime/websocket.ts";
import { type RelayEndpoint, streamHeaders, streamUrl } from "./relay_endpoint.ts";
import { brokenStream, type Doing, refusedStream } from "./stream_failure.ts";

/** How long the closing handshake may take before the connection is cut. */
const closeGraceMs = 1_000;

/** One socket both ways: messages down, settlements and heartbeats up. */
export function websocketTransport(relay: RelayEndpoint): Transport {
  const url = streamUrl(relay, "");
  const doing: Doing = { what: "open the WebSocket stream", url };
  return {
    name: "websocket",
    async connect(link: Link): Promise<Connection> {
      const target = new URL(url.href.replace(/^http/, "ws"));
      try {
        const socket = await openWebSocket(target, {
          headers: streamHeaders(relay),
          tls: relay.tls,
          proxy: relay.proxy,
          maxFrameBytes,
          signal: link.abort,
          heard: () => link.heard(),
        });
        return websocketConnection(socket, relay, doing);
      } catch (error) {
        if (error instanceof HandshakeRefused) {
          const { status, headers, body } = error;
          throw refusedStream(doing, status, headers, body, relay.clock.now());
        }
        throw brokenStream(doing, error);
      }
    },
  };
}

function websocketConnection(socket: ClientSocket, relay: RelayEndpoint, doing: Doing): Connection {
  let capabilities: readonly Capability[] = [];
  /** What the relay can do is known: ours greets first, an old one may send webhooks before. Or nothing comes any more. */
  const greeted = Promise.withResolvers<void>();
  return {
    async *[Symbol.asyncIterator](): AsyncGenerator<RelayFrame> {
      try {
        for await (const { bytes, isBinary } of socket) {
          if (isBinary && !capabilities.includes("binary-body")) {
            yield { type: "malformed", problem: "a binary message" };
            continue;
          }
          const frame = isBinary ? decodeBinaryFrame(bytes) : decodeRelayFrame(bytes);
          if (frame.type === "connected") capabilities = frame.capabilities;
          greeted.resolve();
          yield frame;
        }
      } finally {
        greeted.resolve();
      }
      const failure = failureOfClose(socket, doing);
      if (failure) throw failure;
    },
    async send(frame: ConnectorFrame): Promise<readonly string[]> {
      if (frame.type === "settle") await greeted.promise;
      const timestamp = new Date(relay.clock.now()).toISOString();
      await socket.send(encodeConnectorFrame(frame, capabilities, timestamp));
      if (frame.type !== "settle" || capabilities.includes("ack-confirm")) return [];
      return frame.settlements.map(({ messageId }) => messageId);
    },
    [Symbol.asyncDispose]: () => socket.close(closeCodes.normal, closeGraceMs),
  };
}

/** Undefined for an ordinary end: the relay went away and may come back. */
function failureOfClose(socket: ClientSocket, doing: Doing): StreamFailure | undefined {
  const { code = 1006, reason = "", error } = socket.closed ?? {};
  const said = `the relay closed the stream at ${doing.url.href} with code ${code}${
    reason && ` (${JSON.stringify(reason)})`
  }`;
  switch (code) {
    case closeCodes.normal:
    case closeCodes.goingAway:
    case closeCodes.serviceRestart:
    case closeCodes.evicted:
    case 1005: // no code given
      return undefined;
    case closeCodes.badToken:
    case closeCodes.unknownChannel:
      return new StreamFailure("rejected", `${said}; check the token and the channel name`);
    case closeCodes.tooManyConnections:
      return new StreamFailure("unavailable", said);
    case 1006:
      return new StreamFailure(
        "network",
        error === undefined
          ? `the stream at ${doing.url.href} broke off without a closing handshake`
          : `the stream at ${doing.url.href} broke off: ${brokenOff(error)}`,
      );
    default:
      return new StreamFailure("network", said);
  }
}

function brokenOff(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
