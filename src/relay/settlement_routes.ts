/** What connectors say by HTTP: acks, nacks, extensions, drains (docs/PROTOCOL.md, sections 7 and 9). */
import { type Context, Hono } from "hono";
import { decodeAckBatch, decodeExtension } from "../protocol/connector_codec.ts";
import type { Settlement } from "../protocol/frames.ts";
import { ackBatchPath, ackPath, drainPath, extendPath, wireHeaders } from "../protocol/wire.ts";
import type { Channel } from "./channel.ts";
import type { RegisteredChannel } from "./registry.ts";
import type { RelayContext, RelayEnv } from "./relay_env.ts";
import type { SettleOutcome } from "./store.ts";
import { bearerToken } from "./tokens.ts";

/** Of one request with settlements or extensions: ids and reasons by the ten thousand. */
const maxSettlementBytes = 16 * 1024 * 1024;

interface Settling {
  readonly channels: readonly Channel[];
  readonly connectionId: string;
  readonly connectorId: string;
}

export function settlementRoutes(relay: RelayContext): Hono<RelayEnv> {
  const app = new Hono<RelayEnv>();

  app.post(ackPath, async (c) => {
    const found = settlingOf(c);
    if (found instanceof Response) return found;
    const messageId = c.req.query("message_id");
    if (!messageId) return c.json({ detail: "message_id is required" }, 422);
    const { connectionId } = found;
    const isAck = (c.req.query("status") ?? "ack") === "ack";
    const retry = (c.req.query("retry") ?? "true") !== "false";
    const result = await settle(
      found,
      isAck
        ? { messageId, connectionId, verdict: "ack" }
        : { messageId, connectionId, verdict: "nack", retry },
    );
    if (result === "unavailable") return unavailable(c);
    return result === "settled"
      ? c.json({ status: "ok", message_id: messageId })
      : c.json({ detail: "Message not in flight" }, 404);
  });
  app.post(ackBatchPath, async (c) => {
    const found = settlingOf(c);
    if (found instanceof Response) return found;
    const text = await bodyText(c);
    if (text instanceof Response) return text;
    const batch = decodeAckBatch(text, found.connectionId);
    if (typeof batch === "string") return c.json({ detail: batch }, 422);
    const results = await Promise.all(batch.map(async (settlement) => ({
      message_id: settlement.messageId,
      status: await settle(found, settlement),
    })));
    // All of it again: what was settled is unknown then, which ends it too.
    if (results.some(({ status }) => status === "unavailable")) return unavailable(c);
    return c.json({ results });
  });
  app.post(extendPath, async (c) => {
    const found = settlingOf(c);
    if (found instanceof Response) return found;
    const text = await bodyText(c);
    if (text instanceof Response) return text;
    const { channels, connectionId, connectorId } = found;
    const extension = decodeExtension(text, connectionId);
    if (typeof extension === "string") return c.json({ detail: extension }, 422);
    const counts = await Promise.all(
      channels.map((channel) => channel.extend(extension.messageIds, connectorId, extension)),
    );
    return c.json({ extended: counts.reduce((sum, count) => sum + count, 0) });
  });
  app.post(drainPath, (c) => {
    const found = settlingOf(c);
    if (found instanceof Response) return found;
    for (const channel of found.channels) channel.drain(found.connectionId);
    return c.json({ status: "ok" });
  });
  return app;

  /**
   * Who settles, and where: the headers name the connector, the token its channel. Of channels with one token it is
   * that of the connection, or any of them when that has ended.
   */
  function settlingOf(c: Context<RelayEnv>): Settling | Response {
    const token = bearerToken(c.req.header("authorization"));
    const connectionId = c.req.header(wireHeaders.connectionId);
    if (token === undefined || !connectionId) {
      return c.json({ detail: `Authorization and ${wireHeaders.connectionId} are required` }, 422);
    }
    const { registry } = relay;
    const opens = ({ tokens }: RegisteredChannel) => tokens.accepts(token) !== undefined;
    // A connection is looked up, a token is hashed and compared with all there are.
    const own = registry.withConnection(connectionId);
    const opened = own && opens(own) ? [own] : registry.all.filter(opens);
    if (opened.length === 0) return c.json({ detail: "Invalid token" }, 401);
    const channels = opened.map(({ channel }) => channel);
    const connectorId = c.req.header(wireHeaders.connectorId) ??
      channels[0]?.connectorOf(connectionId);
    if (connectorId === undefined) return c.json({ detail: "Connection not found" }, 404);
    return { channels, connectionId, connectorId };
  }

  async function settle(
    { channels, connectorId }: Settling,
    settlement: Settlement,
  ): Promise<SettleOutcome> {
    const outcomes = await Promise.all(
      channels.map((channel) => channel.settle(settlement, connectorId)),
    );
    return outcomes.find((outcome) => outcome !== "unknown") ?? "unknown";
  }

  async function bodyText(c: Context<RelayEnv>): Promise<string | Response> {
    const body = await relay.bodies.read(c.req.raw, maxSettlementBytes);
    switch (body) {
      case "too_large":
        return c.json({ detail: `at most ${maxSettlementBytes} bytes` }, 413);
      case "too_slow":
        return c.json({ detail: "the body did not come in time" }, 408);
      case "too_many":
      case "stopping":
        return c.json({ detail: "not now" }, 503, { "Retry-After": "5" });
      case "aborted":
        return c.json({ detail: "the body ended early" }, 400);
    }
    return new TextDecoder().decode(body);
  }
}

function unavailable(c: Context<RelayEnv>): Response {
  return c.json({ detail: "the store is not available" }, 503, { "Retry-After": "1" });
}
