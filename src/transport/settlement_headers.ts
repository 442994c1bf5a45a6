import type { Secret } from "../config/secret.ts";
import { wireHeaders } from "../protocol/wire.ts";
import { HeaderLines } from "../runtime/header_lines.ts";
import type { RelayEndpoint } from "./relay_endpoint.ts";

/** What goes with a settlement of what this connection brought: who we are. */
export type SettlementHeaders = (connectionId: string) => HeaderLines;

/** Those of the request before, unless the token or the connection is another one since. */
export function settlementHeaders(relay: RelayEndpoint): SettlementHeaders {
  const known = new WeakMap<Secret, Made>();
  return (connectionId) => {
    const { token, connectorId } = relay;
    const last = known.get(token);
    if (last?.connectionId === connectionId) return last.lines;
    const lines = new HeaderLines({
      "Authorization": `Bearer ${token.reveal()}`,
      [wireHeaders.connectionId]: connectionId,
      [wireHeaders.connectorId]: connectorId,
    });
    known.set(token, { connectionId, lines });
    return lines;
  };
}

interface Made {
  readonly connectionId: string;
  readonly lines: HeaderLines;
}
