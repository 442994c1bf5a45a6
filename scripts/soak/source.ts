import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import type { TestContext } from "../../tests/support/cleanup.ts";

export interface ScriptedSource {
  readonly url: string;
  readonly sent: number;
  /** Message ids the connector has acknowledged; each is confirmed to it. */
  readonly acked: ReadonlySet<string>;
  /** The most messages that were sent and not acked at a time. */
  readonly mostOpen: number;
  /** Resolves when all messages are acked; rejects when the connector ends before that. */
  finished(ended: Promise<unknown>): Promise<void>;
}

/**
 * A relay that knows no window: it sends `messages` webhooks as fast as the socket takes them, and confirms what is
 * acknowledged. It costs less than our own relay, so that more of the machine is left to the connector.
 */
export async function startScriptedSource(
  t: TestContext,
  messages: number,
  bodyBytes: number,
): Promise<ScriptedSource> {
  const acked = new Set<string>();
  let sent = 0;
  let mostOpen = 0;
  let finish = () => {};
  const done = new Promise<void>((resolve) => finish = resolve);
  const server = http.createServer();
  const wss = new WebSocketServer({ server });
  const body = "x".repeat(bodyBytes);
  wss.on("connection", async (socket) => {
    socket.on("message", (data) => {
      const { type, message_id, message_ids } = JSON.parse(String(data)) as {
        type: string;
        message_id?: string;
        message_ids?: string[];
      };
      if (type !== "ack") return;
      const ids = message_ids ?? [message_id ?? ""];
      for (const id of ids) acked.add(id);
      socket.send(JSON.stringify({ type: "settled", message_ids: ids }));
      if (acked.size === messages) finish();
    });
    const capabilities = ["ack-batch", "ack-confirm"];
    socket.send(
      JSON.stringify({ type: "connected", connection_id: "c", channel: "dev", capabilities }),
    );
    while (sent < messages && socket.readyState === socket.OPEN) {
      const frame = JSON.stringify({
        type: "webhook",
        message_id: `m${sent++}`,
        webhook_id: "hook",
        sequence: sent,
        timestamp: "",
        headers: {},
        payload: body,
      });
      mostOpen = Math.max(mostOpen, sent - acked.size);
      await new Promise((resolve) => socket.send(frame, resolve));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.defer(() => {
    wss.close();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    acked,
    get sent() {
      return sent;
    },
    get mostOpen() {
      return mostOpen;
    },
    finished: (ended) =>
      Promise.race([
        done,
        ended.then((code) => {
          throw new Error(`the connector ended with ${code}`);
        }),
      ]),
  };
}
