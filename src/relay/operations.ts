/** Everything that can be asked of a relay over HTTP, and what it answers. */
import { z } from "zod";

const time = z.iso.datetime();
const count = z.number().int().nonnegative();

const stats = z.strictObject({
  channel: z.string(),
  messages_queued: count,
  messages_in_flight: count,
  messages_delivered: count,
  messages_expired: count,
  messages_dead_lettered: count,
  connected_clients: count,
});

const connection = z.strictObject({
  connection_id: z.string(),
  connector_id: z.string(),
  channel: z.string(),
  protocol: z.enum(["websocket", "sse", "long_poll", "smee"]),
  connected_at: time,
  last_heartbeat_at: time,
  last_message_at: time.nullable(),
  state: z.literal("connected"),
  in_flight_count: count,
  messages_received: count,
  messages_acked: count,
  messages_nacked: count,
  remote_ip: z.string(),
});

const summary = z.strictObject({
  name: z.string(),
  webhook_id: z.string(),
  created_at: time,
  ttl_seconds: z.number(),
  max_queue_size: count,
  max_connections: count,
  connected_clients: count,
});

const channel = z.strictObject({
  name: z.string(),
  webhook_id: z.string(),
  created_at: time,
  config: z.record(z.string(), z.unknown()),
  stats: stats.extend({ webhook_stats: z.record(z.string(), count) }),
  connected_clients: z.array(connection),
});

const deadLetter = z.strictObject({
  message_id: z.string(),
  channel: z.string(),
  webhook_id: z.string(),
  timestamp: time,
  expires_at: time,
  metadata: z.strictObject({ method: z.string(), path: z.string() }),
  headers: z.record(z.string(), z.string()),
  payload: z.unknown(),
  sequence: count,
  delivery_count: count,
  state: z.literal("dead_lettered"),
  reason: z.string(),
  dead_lettered_at: time,
  history: z.array(z.strictObject({ at: time, connector_id: z.string(), reason: z.string() })),
});

/** What an answer that is no success says. */
export const problemSchema = z.strictObject({ detail: z.string() });

export interface Operation {
  readonly summary: string;
  /** Whose token: the sender needs none of ours, the connector its channel's, the administrator the admin token. */
  readonly token?: "channel" | "admin";
  readonly status?: 200 | 201 | 202;
  /** Undefined = not JSON. */
  readonly answer?: z.ZodType;
  readonly body?: z.ZodType;
}

const admin = "/admin/webhook-connect";
const withToken = (token: "channel" | "admin") => (operation: Operation) => ({
  ...operation,
  token,
});
const byAdmin = withToken("admin");
const byConnector = withToken("channel");

const alive: Operation = {
  summary: "The process is alive",
  answer: z.strictObject({ status: z.literal("ok") }),
};

/** Every operation by method and path; parameters as Hono writes them. */
export const operations: Readonly<Record<string, Operation>> = {
  "GET /openapi.json": { summary: "This document", answer: z.looseObject({}) },
  "GET /livez": alive,
  "GET /healthz": alive,
  "GET /readyz": {
    summary: "Webhooks can be taken; 503 when not",
    answer: z.strictObject({
      ready: z.boolean(),
      parts: z.array(
        z.strictObject({ name: z.string(), ready: z.boolean(), detail: z.string() }),
      ),
    }),
  },
  "GET /metrics": { summary: "Prometheus text; from elsewhere with the admin token" },
  "ALL /webhook/:id": {
    summary: "Take a webhook of any method and content type; 202 when it is stored",
    status: 202,
    answer: z.strictObject({
      message_id: z.string(),
      sequence: count.optional(),
      duplicate: z.literal(true).optional(),
    }),
  },
  "ALL /webhook/:id/*": {
    summary: "The same, with a path that the target is given too",
    status: 202,
    answer: z.strictObject({ message_id: z.string(), sequence: count }),
  },
  "GET /connect/stream/:channel": byConnector({ summary: "Messages over WebSocket" }),
  "GET /connect/stream/:channel/sse": byConnector({ summary: "Messages as server-sent events" }),
  "GET /connect/stream/:channel/poll": byConnector({ summary: "Messages by long poll; 204: none" }),
  "GET /smee/:path": { summary: "A channel as a stream of smee.io's kind; the path is the secret" },
  "GET /smee/events/:path": { summary: "The same of gosmee's kind: the exact bytes" },
  "POST /connect/ack": byConnector({
    summary: "Settle one message: message_id, status (ack or nack) and retry in the query",
    answer: z.strictObject({ status: z.literal("ok"), message_id: z.string() }),
  }),
  "POST /connect/acks": byConnector({
    summary: "Settle several",
    body: z.strictObject({
      acks: z.array(z.string()).optional(),
      nacks: z.array(z.strictObject({
        message_id: z.string(),
        retry: z.boolean().optional(),
        delay_seconds: z.number().nonnegative().optional(),
        reason: z.string().optional(),
        attempted: z.boolean().optional(),
      })).optional(),
    }),
    answer: z.strictObject({
      results: z.array(
        z.strictObject({ message_id: z.string(), status: z.enum(["settled", "unknown"]) }),
      ),
    }),
  }),
  "POST /connect/extend": byConnector({
    summary: "Begin the ack timeout of messages anew: they are still in hand",
    body: z.strictObject({ message_ids: z.array(z.string()) }),
    answer: z.strictObject({ extended: count }),
  }),
  "POST /connect/drain": byConnector({
    summary: "Hand out nothing more to this connection",
    answer: z.strictObject({ status: z.literal("ok") }),
  }),
  "GET /connect/status/:channel": byConnector({
    summary: "The channel's statistics",
    answer: z.strictObject({
      channel: z.string(),
      connected: z.boolean(),
      stats,
      server_time: time,
    }),
  }),
  [`GET ${admin}/health`]: {
    summary: "Alive, and how much there is of what",
    answer: z.strictObject({
      status: z.literal("healthy"),
      buffer: z.literal(true),
      channels_count: count,
      connections_count: count,
      timestamp: time,
    }),
  },
  [`GET ${admin}/overview`]: byAdmin({
    summary: "Statistics of all channels",
    answer: z.strictObject({ channels: z.array(stats) }),
  }),
  [`GET ${admin}/channels`]: byAdmin({ summary: "All channels", answer: z.array(summary) }),
  [`POST ${admin}/channels`]: byAdmin({
    summary: "Make a channel; its token is told this once",
    status: 201,
    body: z.looseObject({ channel: z.string(), webhook_ids: z.array(z.string()) }),
    answer: z.strictObject({
      name: z.string(),
      webhook_ids: z.array(z.string()),
      token: z.string(),
    }),
  }),
  [`GET ${admin}/channels/:channel`]: byAdmin({
    summary: "A channel with its connections",
    answer: channel,
  }),
  [`GET ${admin}/channels/:channel/stats`]: byAdmin({
    summary: "A channel's statistics",
    answer: stats,
  }),
  [`GET ${admin}/channels/:channel/webhook-stats`]: byAdmin({
    summary: "Unsettled messages by webhook id",
    answer: z.strictObject({
      channel: z.string(),
      webhooks: z.record(z.string(), z.strictObject({ pending: count })),
    }),
  }),
  [`GET ${admin}/channels/:channel/dead-letters`]: byAdmin({
    summary: "Dead letters, the newest first; limit in the query",
    answer: z.strictObject({
      channel: z.string(),
      count,
      truncated: z.literal(true).optional(),
      messages: z.array(deadLetter),
    }),
  }),
  [`POST ${admin}/channels/:channel/dead-letters/replay`]: byAdmin({
    summary: "Give dead letters out again",
    body: z.strictObject({ message_ids: z.union([z.literal("all"), z.array(z.string())]) }),
    answer: z.strictObject({ replayed: count }),
  }),
  [`DELETE ${admin}/channels/:channel/dead-letters`]: byAdmin({
    summary: "Forget all dead letters",
    answer: z.strictObject({ purged: count }),
  }),
  [`POST ${admin}/channels/:channel/rotate-token`]: byAdmin({
    summary: "A new token; the others are good for grace_period_seconds more",
    body: z.strictObject({ grace_period_seconds: z.number().min(0).max(31_536_000).optional() }),
    answer: z.strictObject({
      channel: z.string(),
      new_token: z.string(),
      old_token_expires_at: time,
      message: z.string(),
    }),
  }),
  [`DELETE ${admin}/channels/:channel/connections/:connection`]: byAdmin({
    summary: "End a connection",
    answer: z.strictObject({ status: z.literal("disconnected"), connection_id: z.string() }),
  }),
};
