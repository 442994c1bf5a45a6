import type { Secret } from "../config/secret.ts";
import { wireHeaders } from "../protocol/wire.ts";
import { HeaderLines } from "../runtime/header_lines.ts";
import type { RelayEndpoint } from "./relay_endpoint.ts";

/** What goes with a settlement of what this connection brought: who we are. */
export type SettlementHeaders = (connectionId: string) => HeaderLines;

/** The same lines for as long as the token and the connection are. */
export function settlementHeaders(relay: RelayEndpoint): SettlementHeaders {
  const made = new WeakMap<Secret, Made>();
  return (connectionId) => {
    const { token, connectorId } = relay;
    const before = made.get(token);
    if (before?.connectionId === connectionId) return before.lines;
    const lines = new HeaderLines({
      "Authorization": `Bearer ${token.reveal()}`,
      [wireHeaders.connectionId]: connectionId,
      [wireHeaders.connectorId]: connectorId,
    });
    made.set(token, { connectionId, lines });
    return lines;
  };
}

interface Made {
  readonly connectionId: string;
  readonly lines: HeaderLines;
}
