/** The admin API (docs/PROTOCOL.md, section 10): look at channels, rotate a token, end a connection. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import { isoTime } from "../async/iso_time.ts";
import { limitedBody } from "../page/limited_body.ts";
import { closeCodes } from "../protocol/close_codes.ts";
import { sameText } from "../protocol/signatures.ts";
import type { ConnectionInfo } from "./members.ts";
import { deadLetterList } from "./dead_letter_list.ts";
import { ChannelExistsError } from "./directory.ts";
import type { RegisteredChannel } from "./registry.ts";
import type { RelayContext, RelayEnv } from "./relay_env.ts";
import { bearerToken } from "./tokens.ts";
import { readChannel } from "./webhooks_file.ts";

const grace = z.number().min(0).max(31_536_000).default(3_600); // a year at most
const rotation = z.object({ grace_period_seconds: grace });
const replay = z.object({
  message_ids: z.union([z.literal("all"), z.array(z.string()).max(10_000)]),
});
const maxDeadLetters = 1_000;

/** Routes below `/admin/webhook-connect`. Without an admin token all but `health` answer 403. */
export function adminRoutes(relay: RelayContext, adminToken: string | undefined): Hono<RelayEnv> {
  const { registry, clock } = relay;
  const app = new Hono<RelayEnv>();

  app.get("/health", (c) =>
    c.json({
      status: "healthy",
      buffer: true,
      channels_count: registry.all.length,
      connections_count: registry.all.reduce((n, { channel }) => n + channel.openCount, 0),
      timestamp: isoTime(clock.now()),
    }));

  app.use(async (c, next) => {
    const off = "Admin API disabled: set WEBHOOK_CONNECT_ADMIN_TOKEN";
    if (!adminToken) return c.json({ detail: off }, 403);
    const header = c.req.header("authorization");
    if (header === undefined) return c.json({ detail: "Missing authorization header" }, 401);
    if (!sameText(bearerToken(header) ?? "", adminToken)) {
      return c.json({ detail: "Invalid admin token" }, 401);
    }
    await next();
  });

  app.use(limitedBody(1024 * 1024));
  app.use(async (_, next) => {
    await Promise.all(registry.all.map(({ channel }) => channel.refresh("all")));
    await next();
  });
  app.get("/overview", (c) => c.json({ channels: registry.all.map(statsOf) }));
  app.get("/channels", (c) => c.json(registry.all.map(summaryOf)));
  app.post("/channels", async (c) => {
    const read = readChannel(await c.req.json().catch(() => undefined));
    if (typeof read === "string") return c.json({ detail: read }, 422);
    try {
      const token = await registry.create(read.settings, read.webhookIds);
      return c.json({ name: read.settings.name, webhook_ids: read.webhookIds, token }, 201);
    } catch (error) {
      if (!(error instanceof ChannelExistsError)) throw error;
      return c.json({ detail: error.message }, 409);
    }
  });
  app.get("/channels/:channel", (c) =>
    withChannel(c, (found) =>
      c.json({
        name: found.channel.settings.name,
        webhook_id: found.webhookIds[0] ?? "",
        created_at: isoTime(found.createdAt),
        config: configOf(found, relay.heartbeatMs),
        stats: {
          ...statsOf(found),
          webhook_stats: Object.fromEntries(found.channel.stats.pendingByWebhookId),
        },
        connected_clients: found.channel.connections.map((info) =>
          connectionOf(info, found.channel.settings.name)
        ),
      })));
  app.get("/channels/:channel/stats", (c) => withChannel(c, (found) => c.json(statsOf(found))));
  app.get("/channels/:channel/webhook-stats", (c) =>
    withChannel(c, ({ channel }) =>
      c.json({
        channel: channel.settings.name,
        webhooks: Object.fromEntries(
          [...channel.stats.pendingByWebhookId].map(([id, pending]) => [id, { pending }]),
        ),
      })));
  app.get("/channels/:channel/dead-letters", (c) =>
    withChannel(c, async ({ channel }) => {
      const limit = Number(c.req.query("limit") ?? 100);
      if (!Number.isInteger(limit) || limit < 1 || limit > maxDeadLetters) {
        return c.json({ detail: `limit: 1 to ${maxDeadLetters}` }, 422);
      }
      const type = { "Content-Type": "application/json" };
      return c.body(await deadLetterList(channel, limit), 200, type);
    }));
  app.post("/channels/:channel/dead-letters/replay", (c) =>
    withChannel(c, async ({ channel }) => {
      const body = replay.safeParse(await c.req.json().catch(() => undefined));
      if (!body.success) {
        return c.json({ detail: 'a JSON body is required: {"message_ids": [...]} or "all"' }, 422);
      }
      return c.json({ replayed: await channel.replay(body.data.message_ids) });
    }));
  app.delete(
    "/channels/:channel/dead-letters",
    (c) =>
      withChannel(c, async ({ channel }) => c.json({ purged: await channel.purgeDeadLetters() })),
  );
  app.post("/channels/:channel/rotate-token", (c) =>
    withChannel(c, async (found) => {
      if (found.hasLeft) return c.json({ detail: "the webhooks file names it no more" }, 409);
      const body = rotation.safeParse(await c.req.json().catch(() => undefined));
      if (!body.success) {
        return c.json({ detail: 'use JSON: {"grace_period_seconds": 0 to 31536000}' }, 422);
      }
      const rotated = await registry.rotate(found, body.data.grace_period_seconds * 1000);
      return c.json({
        channel: found.channel.settings.name,
        new_token: rotated.token,
        old_token_expires_at: isoTime(rotated.oldUntil),
        message: "Token rotated; the old one works until it expires",
      });
    }));
  app.delete("/channels/:channel/connections/:connection", (c) =>
    withChannel(c, ({ channel }) => {
      const id = c.req.param("connection") ?? "";
      const find = (one: typeof channel) =>
        one.connections.find(({ subscriber }) => subscriber.connectionId === id);
      const found = find(channel);
      if (found) {
        found.subscriber.disconnect(closeCodes.evicted, "disconnected by an administrator");
        return c.json({ status: "disconnected", connection_id: id });
      }
      return registry.all.some(({ channel: other }) => find(other))
        ? c.json({ detail: "Connection not on this channel" }, 400)
        : c.json({ detail: "Connection not found" }, 404);
    }));
  return app;

  function withChannel(
    c: Context<RelayEnv>,
    answer: (found: RegisteredChannel) => Response | Promise<Response>,
  ): Response | Promise<Response> {
    const found = registry.named(c.req.param("channel") ?? "");
    return found ? answer(found) : c.json({ detail: "Channel not found" }, 404);
  }
}

/** The statistics that `/connect/status` and the admin API show. */
export function statsOf({ channel }: RegisteredChannel) {
  const { stats } = channel;
  return {
    channel: channel.settings.name,
    messages_queued: stats.queued,
    messages_in_flight: stats.inFlight,
    messages_delivered: stats.delivered,
    messages_expired: stats.expired,
    messages_dead_lettered: stats.deadLettered,
    connected_clients: channel.openCount,
  };
}

function summaryOf({ channel, webhookIds, createdAt }: RegisteredChannel) {
  const { name, ttlMs, maxMessages, maxConnections } = channel.settings;
  return {
    name,
    webhook_id: webhookIds[0] ?? "",
    created_at: isoTime(createdAt),
    ttl_seconds: ttlMs / 1000,
    max_queue_size: maxMessages,
    max_connections: maxConnections,
    connected_clients: channel.openCount,
  };
}

function configOf({ channel, webhookIds, createdAt }: RegisteredChannel, heartbeatMs: number) {
  const { settings } = channel;
  return {
    name: settings.name,
    webhook_id: webhookIds[0] ?? "",
    ttl_seconds: settings.ttlMs / 1000,
    max_queue_size: settings.maxMessages,
    max_message_size: settings.maxBodyBytes,
    max_in_flight: settings.maxInFlight,
    ack_timeout_seconds: settings.ackTimeoutMs / 1000,
    max_connections: settings.maxConnections,
    heartbeat_interval_seconds: heartbeatMs / 1000,
    allowed_ips: null,
    rate_limit_per_second: null,
    created_at: isoTime(createdAt),
    updated_at: isoTime(createdAt),
  };
}

function connectionOf(info: ConnectionInfo, channel: string) {
  const { subscriber } = info;
  return {
    connection_id: subscriber.connectionId,
    connector_id: subscriber.connectorId,
    channel,
    protocol: subscriber.protocol,
    connected_at: isoTime(subscriber.connectedAt),
    last_heartbeat_at: isoTime(subscriber.heardAt()),
    last_message_at: info.lastMessageAt === undefined ? null : isoTime(info.lastMessageAt),
    state: "connected",
    in_flight_count: info.inFlight,
    messages_received: info.received,
    messages_acked: info.acked,
    messages_nacked: info.nacked,
    remote_ip: subscriber.remoteAddress,
  };
}
