import { onAbort } from "../async/abort.ts";
import {
  type Connection,
  type ConnectorFrame,
  type Link,
  type RelayFrame,
  SettlementsUnsent,
  StreamFailure,
  type Transport,
  type TransportName,
} from "../flow.ts";
import type { Faults } from "./chaos.ts";

/**
 * `transport` over a bad network: settlements are lost on the way up, and the connection breaks in the place
 * of a frame, which is lost with it. The socket is then cut, without a closing handshake.
 */
export function chaoticTransport(transport: Transport, faults: Faults): Transport {
  return {
    name: transport.name,
    async connect(link) {
      // The end of the link is the end of what is inside, also after the connection has been closed.
      const cut = new AbortController();
      onAbort(link.abort, () => cut.abort(link.abort.reason));
      const inner: Link = {
        abort: cut.signal,
        heard: () => link.heard(),
        pause: () => link.pause(),
      };
      return chaoticConnection(await transport.connect(inner), transport.name, faults, cut);
    },
  };
}

function chaoticConnection(
  connection: Connection,
  name: TransportName,
  faults: Faults,
  cut: AbortController,
): Connection {
  let isConfirmed = false;
  return {
    async *[Symbol.asyncIterator](): AsyncGenerator<RelayFrame> {
      for await (const frame of connection) {
        if (faults.killsConnection()) {
          const failure = new StreamFailure("network", "chaos: the connection was cut");
          cut.abort(failure);
          throw failure;
        }
        if (frame.type === "connected") isConfirmed = frame.capabilities.includes("ack-confirm");
        yield frame;
      }
    },
    async send(frame: ConnectorFrame): Promise<readonly string[]> {
      if (frame.type !== "settle") return await connection.send(frame);
      const kept = frame.settlements.filter(() => !faults.dropsAck());
      const lost = frame.settlements.filter((settlement) => !kept.includes(settlement))
        .map(({ messageId }) => messageId);
      const taken = kept.length === 0
        ? []
        : await connection.send({ type: "settle", settlements: kept });
      return lost.length === 0 ? taken : afterLoss(taken, lost);
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };

  /**
   * What a sender hears of lost settlements depends on the wire. A request without an answer has failed. A
   * socket has taken them; whether the relay has is told later, by a relay that confirms, or never.
   */
  function afterLoss(taken: readonly string[], lost: readonly string[]): readonly string[] {
    if (name !== "websocket") {
      throw new SettlementsUnsent(
        taken,
        new StreamFailure("network", `chaos: no answer for ${lost.length} settlements`),
      );
    }
    return isConfirmed ? taken : [...taken, ...lost];
  }
}
