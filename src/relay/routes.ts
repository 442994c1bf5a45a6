import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { routePath } from "hono/route";
import { sameText } from "../protocol/signatures.ts";
import { openApiDocument } from "./openapi.ts";
import { adminRoutes, statsOf } from "./admin.ts";
import type { AskedFromHere } from "./asked_from_here.ts";
import { ingest } from "./ingest/ingest.ts";
import { longPoll } from "./long_poll_stream.ts";
import type { RegisteredChannel } from "./registry.ts";
import { type Hello, readHello, type RelayContext, type RelayEnv } from "./relay_env.ts";
import type { RelayMetrics } from "./relay_metrics.ts";
import { settlementRoutes } from "./settlement_routes.ts";
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
  readonly isHere: AskedFromHere;
  /** Take `?token=` on streams too. */
  readonly allowQueryToken?: boolean;
}

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
  for (const path of ["/livez", "/healthz"]) app.get(path, (c) => c.json({ status: "ok" }));
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
    if (!isAdmin && !options.isHere(c)) {
      return c.json({ detail: "the admin token is required" }, 403);
    }
    await Promise.all(relay.registry.all.map(({ channel }) => channel.refresh("totals")));
    const type = "text/plain; version=0.0.4; charset=utf-8";
    return c.body(await metrics.text(), 200, { "Content-Type": type });
  });
  app.onError((error, c) => {
    // What a route answers by throwing: a body that is too large.
    if (error instanceof HTTPException) return error.getResponse();
    if (!(error instanceof StoreUnavailableError)) {
      // A fault of ours. The path is not told: of a smee channel it is a secret.
      const { stack = "" } = error;
      const route = routePath(c);
      relay.observe({ type: "relay.request_failed", route, message: String(error), stack });
      return c.json({ detail: "Internal error" }, 500);
    }
    const channel = c.req.param("channel") ?? "";
    relay.observe({ type: "relay.store_failed", channel, message: error.message });
    return c.json({ detail: error.message }, 503, { "Retry-After": "5" });
  });
  app.route("/admin/webhook-connect", adminRoutes(relay, options.adminToken));
  app.all("/webhook/:id", (c) => ingest(c, relay));
  app.all("/webhook/:id/*", (c) => ingest(c, relay));

  app.get("/connect/stream/:channel", (c) => {
    const found = authorize(c);
    if (found instanceof Response) return found;
    if (found.channel.isFull) return tooMany(c, 429);
    return websocketStream(c.env, found.channel, hello(c, found, "wsc", "binary"), relay) ??
      c.json({ detail: "a WebSocket upgrade is expected" }, 426);
  });
  app.get("/connect/stream/:channel/sse", (c) => {
    const found = authorize(c);
    if (found instanceof Response) return found;
    if (isHead(c)) return c.body(null);
    return sseStream(found.channel, hello(c, found, "sse", "text"), relay) ?? tooMany(c, 429);
  });
  app.get("/connect/stream/:channel/poll", async (c) => {
    const found = authorize(c);
    if (found instanceof Response) return found;
    if (isHead(c)) return c.body(null);
    const seconds = Number(c.req.query("timeout") ?? 30);
    const most = Number(c.req.query("max_messages") ?? 10);
    if (!(seconds >= 1 && seconds <= 60)) return c.json({ detail: "timeout: 1 to 60" }, 422);
    if (!(most >= 1 && most <= 100)) return c.json({ detail: "max_messages: 1 to 100" }, 422);
    const limits = { timeoutMs: seconds * 1000, maxMessages: most };
    return await longPoll(
      c.req.raw,
      found.channel,
      hello(c, found, "poll", "text"),
      limits,
      relay,
    ) ??
      tooMany(c, 503);
  });

  // gosmee asks for /events/ below the channel's URL, and did without when it was young.
  app.get("/smee/events/:path", (c) => readAsSmee(c, "bytes"));
  app.get("/smee/:path", (c) => {
    const isGosmee = /gosmee/i.test(c.req.header("user-agent") ?? "");
    return readAsSmee(c, isGosmee ? "bytes" : "parsed");
  });

  app.route("/", settlementRoutes(relay));
  app.get("/connect/status/:channel", async (c) => {
    if (!c.req.header("authorization")) {
      return c.json({ detail: "the header Authorization is required" }, 422);
    }
    const found = authorize(c);
    if (found instanceof Response) return found;
    const { channel } = found;
    await channel.refresh("totals");
    return c.json({
      channel: channel.settings.name,
      connected: channel.openCount > 0,
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
    const found = relay.registry.readAt(pathHash);
    if (!found) return c.json({ detail: "Not found" }, 404);
    // Whoever looks at the URL must not be given messages, which nobody would ever see.
    if (!/\btext\/event-stream\b/i.test(c.req.header("accept") ?? "")) {
      return c.json({ detail: "this is a stream: Accept: text/event-stream" }, 406);
    }
    if (isHead(c)) return c.body(null);
    const connectionId = relay.newConnectionId("smee");
    const { remoteAddress } = c.env;
    return smeeStream(found.channel, { connectionId, remoteAddress, pathHash, form }, relay) ??
      tooMany(c, 429);
  }

  function hello(
    c: Context<RelayEnv>,
    { channel, tokenHash }: Authorized,
    prefix: string,
    carries: "text" | "binary",
  ): Hello {
    const connectionId = relay.newConnectionId(prefix);
    const { remoteAddress } = c.env;
    return readHello(c.req.raw, channel, { connectionId, remoteAddress, tokenHash }, carries);
  }
}

/** Hono hands HEAD to GET's route; what a stream was given would be read by nobody. */
function isHead(c: Context<RelayEnv>): boolean {
  return c.req.method === "HEAD";
}

function tooMany(c: Context<RelayEnv>, status: 429 | 503): Response {
  return c.json({ detail: "Max connections reached" }, status, { "Retry-After": "5" });
}
