import type { SourceSettings } from "../config/settings.ts";
import type { Transport, TransportName } from "../flow.ts";
import { longPollTransport } from "./long_poll.ts";
import type { RelayEndpoint } from "./relay_endpoint.ts";
import { smeeTransport } from "./smee.ts";
import { sseTransport } from "./sse.ts";
import { websocketTransport } from "./websocket.ts";

const make: Record<TransportName, (relay: RelayEndpoint) => Transport> = {
  websocket: websocketTransport,
  sse: sseTransport,
  long_poll: longPollTransport,
  smee: smeeTransport,
};

/** Those that the settings mean, best first. */
export function transportsFor(
  protocol: SourceSettings["protocol"],
  relay: RelayEndpoint,
): [Transport, ...Transport[]] {
  if (protocol !== "auto") return [make[protocol](relay)];
  return [make.websocket(relay), make.sse(relay), make.long_poll(relay)];
}
