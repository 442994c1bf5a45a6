import { type Context, Hono } from "hono";
import { decodeAckBatch, decodeExtension } from "../protocol/connector_codec.ts";
import { sameText } from "../protocol/signatures.ts";
import { ackBatchPath, ackPath, drainPath, extendPath, wireHeaders } from "../protocol/wire.ts";
import { openApiDocument } from "./openapi.ts";
import { adminRoutes, statsOf } from "./admin.ts";
import { ingest } from "./ingest/ingest.ts";
import { isLoopback } from "./page/relay_pages.tsx";
import { longPoll } from "./long_poll_stream.ts";
import type { RegisteredChannel } from "./registry.ts";
import { type Hello, readHello, type RelayContext, type RelayEnv } from "./relay_env.ts";
import type { RelayMetrics } from "./relay_metrics.ts";
import { smeeStream } from "./smee_stream.ts";
import { sseStream } from "./sse_stream.ts";
import { type Stores, StoreUnavailableError } from "./store.ts";
import type { SmeeForm } from "../protocol/smee_codec.ts";
import { bearerToken, hashOf } from "./tokens.ts";
import { websocketStream } from "./websocket_stream.ts";

export interface RouteOptions {
  /** Of the program. */
  readonly version: string;
  readonly stores: Stores;
  /** Undefined = no admin API. */
  readonly adminToken?: string | undefined;
  /** Take `?token=` on streams too. */
  readonly allowQueryToken?: boolean;
}

/** Of one request with settlements or extensions: ids and reasons by the ten thousand. */
const maxSettlementBytes = 16 * 1024 * 1024;

interface Authorized extends RegisteredChannel {
  readonly tokenHash: string;
}

/** What a relay answers to. */
export function routes(
  relay: RelayContext,
  metrics: RelayMetrics,
  options: RouteOptions,
): Hono<RelayEnv> {
  const { clock } = relay;
  const app = new Hono<RelayEnv>();
  const document = openApiDocument(options.version);
  app.get("/openapi.json", (c) => c.json(document));
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const { name, problem } = options.stores;
    const detail = problem ?? "takes webhooks";
    const parts = [{ name: `store ${name}`, ready: problem === undefined, detail }];
    return c.json({ ready: problem === undefined, parts }, problem === undefined ? 200 : 503);
  });
  app.get("/metrics", async (c) => {
    // On the port that senders reach: for this machine, and for whoever has the admin token.
    const token = bearerToken(c.req.header("authorization")) ?? "";
    const isAdmin = options.adminToken !== undefined && sameText(token, options.adminToken);
    if (!isAdmin && !isLoopback(c.env.remoteAddress)) {
      return c.json({ detail: "the admin token is required" }, 403);
    }
    await Promise.all(relay.registry.all.map(({ channel }) => channel.refresh()));
    const type = "text/plain; version=0.0.4; charset=utf-8";
    return c.body(await metrics.text(), 200, { "Content-Type": type });
  });
  app.onError((error, c) => {
    if (!(error instanceof StoreUnavailableError)) throw error;
    return c.json({ detail: error.message }, 503, { "Retry-After": "5" });
  });
  app.route("/admin/webhook-connect", adminRoutes(relay, options.adminToken));
  app.all("/webhook/:id", (c) => ingest(c, relay));
  app.all("/webhook/:id/*", (c) => ingest(c, relay));

  app.get("/connect/stream/:channel", (c) => {
    const found = authorize(c);
    if (found instanceof Response) return found;
    if (found.channel.isFull) return tooMany(c, 429);
    return websocketStream(c.env, found.channel, hello(c, found, "wsc"), relay) ??
      c.json({ detail: "a WebSocket upgrade is expected" }, 426);
  });
  app.get("/connect/stream/:channel/sse", (c) => {
    const found = authorize(c);
    if (found instanceof Response) return found;
    return sseStream(found.channel, hello(c, found, "sse"), relay) ?? tooMany(c, 429);
  });
  app.get("/connect/stream/:channel/poll", async (c) => {
    const found = authorize(c);
    if (found instanceof Response) return found;
    const seconds = Number(c.req.query("timeout") ?? 30);
    const most = Number(c.req.query("max_messages") ?? 10);
    if (!(seconds >= 1 && seconds <= 60)) return c.json({ detail: "timeout: 1 to 60" }, 422);
    if (!(most >= 1 && most <= 100)) return c.json({ detail: "max_messages: 1 to 100" }, 422);
    const limits = { timeoutMs: seconds * 1000, maxMessages: most };
    return await longPoll(c.req.raw, found.channel, hello(c, found, "poll"), limits, relay) ??
      tooMany(c, 503);
  });

  // gosmee asks for /events/ below the channel's URL, and did without when it was young.
  app.get("/smee/events/:path", (c) => readAsSmee(c, "bytes"));
  app.get("/smee/:path", (c) => {
    const isGosmee = /gosmee/i.test(c.req.header("user-agent") ?? "");
    return readAsSmee(c, isGosmee ? "bytes" : "parsed");
  });

  app.post(ackPath, async (c) => {
    const found = connectionOf(c);
    if (found instanceof Response) return found;
    const messageId = c.req.query("message_id");
    if (!messageId) return c.json({ detail: "message_id is required" }, 422);
    const { connectionId, connectorId } = found;
    const isAck = (c.req.query("status") ?? "ack") === "ack";
    const retry = (c.req.query("retry") ?? "true") !== "false";
    const result = await found.channel.settle(
      isAck
        ? { messageId, connectionId, verdict: "ack" }
        : { messageId, connectionId, verdict: "nack", retry },
      connectorId,
    );
    if (result === "unavailable") return unavailable(c);
    return result === "settled"
      ? c.json({ status: "ok", message_id: messageId })
      : c.json({ detail: "Message not in flight" }, 404);
  });
  app.post(ackBatchPath, async (c) => {
    const found = connectionOf(c);
    if (found instanceof Response) return found;
    const text = await bodyText(c);
    if (text instanceof Response) return text;
    const batch = decodeAckBatch(text, found.connectionId);
    if (typeof batch === "string") return c.json({ detail: batch }, 422);
    const results = await Promise.all(batch.map(async (settlement) => ({
      message_id: settlement.messageId,
      status: await found.channel.settle(settlement, found.connectorId),
    })));
    // All of it again: what was settled is unknown then, which ends it too.
    if (results.some(({ status }) => status === "unavailable")) return unavailable(c);
    return c.json({ results });
  });
  app.post(extendPath, async (c) => {
    const found = connectionOf(c);
    if (found instanceof Response) return found;
    const text = await bodyText(c);
    if (text instanceof Response) return text;
    const messageIds = decodeExtension(text);
    if (typeof messageIds === "string") return c.json({ detail: messageIds }, 422);
    return c.json({ extended: await found.channel.extend(messageIds, found.connectorId) });
  });
  app.post(drainPath, (c) => {
    const found = connectionOf(c);
    if (found instanceof Response) return found;
    found.channel.drain(found.connectionId);
    return c.json({ status: "ok" });
  });

  app.get("/connect/status/:channel", async (c) => {
    if (!c.req.header("authorization")) {
      return c.json({ detail: "the header Authorization is required" }, 422);
    }
    const found = authorize(c);
    if (found instanceof Response) return found;
    const { channel } = found;
    await channel.refresh();
    return c.json({
      channel: channel.settings.name,
      connected: channel.subscribers.length > 0,
      stats: statsOf(found),
      server_time: new Date(clock.now()).toISOString(),
    });
  });
  return app;

  /** The channel, if the token is its own. An unknown channel and a wrong token look the same. */
  function authorize(c: Context<RelayEnv>): Authorized | Response {
    const token = bearerToken(c.req.header("authorization")) ??
      (options.allowQueryToken ? c.req.query("token") : undefined);
    if (token === undefined) return c.json({ detail: "Missing authorization token" }, 401);
    const found = relay.registry.named(c.req.param("channel") ?? "");
    const tokenHash = found?.tokens.accepts(token);
    if (!found || tokenHash === undefined) {
      return c.json({ detail: "Invalid channel token" }, 401);
    }
    return { ...found, tokenHash };
  }

  function readAsSmee(c: Context<RelayEnv>, form: SmeeForm): Response {
    // Hashes are compared: what the time tells of one does not tell the path.
    const pathHash = hashOf(c.req.param("path") ?? "");
    const found = relay.registry.all.find(({ channel }) =>
      channel.settings.smeePathHash === pathHash
    );
    if (!found) return c.json({ detail: "Not found" }, 404);
    // Whoever looks at the URL must not be given messages, which nobody would ever see.
    if (!/\btext\/event-stream\b/i.test(c.req.header("accept") ?? "")) {
      return c.json({ detail: "this is a stream: Accept: text/event-stream" }, 406);
    }
    const connectionId = relay.newConnectionId("smee");
    const { remoteAddress } = c.env;
    return smeeStream(found.channel, { connectionId, remoteAddress, pathHash, form }, relay) ??
      tooMany(c, 429);
  }

  /** Whose settlement it is: the token names the channel, the headers the connector. */
  function connectionOf(c: Context<RelayEnv>) {
    const token = bearerToken(c.req.header("authorization"));
    const connectionId = c.req.header(wireHeaders.connectionId);
    if (token === undefined || !connectionId) {
      return c.json({ detail: `Authorization and ${wireHeaders.connectionId} are required` }, 422);
    }
    const found = relay.registry.all.find((registered) =>
      registered.tokens.accepts(token) !== undefined
    );
    if (!found) return c.json({ detail: "Invalid token" }, 401);
    const connectorId = c.req.header(wireHeaders.connectorId) ??
      found.channel.connectorOf(connectionId);
    if (connectorId === undefined) return c.json({ detail: "Connection not found" }, 404);
    return { channel: found.channel, connectionId, connectorId };
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
    }
    return new TextDecoder().decode(body);
  }

  function hello(
    c: Context<RelayEnv>,
    { channel, tokenHash }: Authorized,
    prefix: string,
  ): Hello {
    const connectionId = relay.newConnectionId(prefix);
    const { remoteAddress } = c.env;
    return readHello(c.req.raw, channel, { connectionId, remoteAddress, tokenHash });
  }
}

function unavailable(c: Context<RelayEnv>): Response {
  return c.json({ detail: "the store is not available" }, 503, { "Retry-After": "1" });
}

function tooMany(c: Context<RelayEnv>, status: 429 | 503): Response {
  return c.json({ detail: "Max connections reached" }, status, { "Retry-After": "5" });
}
