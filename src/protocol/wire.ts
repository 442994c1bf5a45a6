import { channelNameRule, isChannelName } from "./channel_name.ts";

/** Header and path names of the wire, said once for both ends. */
export const wireHeaders = {
  connectorId: "X-Connector-ID",
  connectionId: "X-Connection-ID",
  connectorCapabilities: "X-Connector-Capabilities",
  relayCapabilities: "X-Relay-Capabilities",
  maxInFlight: "X-Max-In-Flight",
  maxInFlightBytes: "X-Max-In-Flight-Bytes",
  ackTimeoutSeconds: "X-Ack-Timeout-Seconds",
} as const;

export const ackPath = "/connect/ack";
export const ackBatchPath = "/connect/acks";
export const extendPath = "/connect/extend";
export const drainPath = "/connect/drain";

/**
 * The path of a channel's stream, below the relay's URL. Throws a RangeError for a name that is not a
 * channel name: the check at load is not the only one.
 */
export function streamPath(channel: string, kind: "" | "/sse" | "/poll"): string {
  if (!isChannelName(channel)) {
    throw new RangeError(
      `cannot build a stream URL for the channel ${
        JSON.stringify(channel)
      }: use ${channelNameRule}`,
    );
  }
  return `/connect/stream/${encodeURIComponent(channel)}${kind}`;
}
