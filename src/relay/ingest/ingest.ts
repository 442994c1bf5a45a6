import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import { about } from "../../protocol/about.ts";
import { connectionOptions, hopByHopHeaders } from "../../protocol/hop_by_hop.ts";
import { webhookMethod } from "../../protocol/method.ts";
import { withSpan } from "../../protocol/trace_context.ts";
import { wireHeaders } from "../../protocol/wire.ts";
import type { Channel } from "../channel.ts";
import type { RelayContext, RelayEnv } from "../relay_env.ts";
import { MessageTooLargeError, StoreUnavailableError } from "../store.ts";
import type { BodyRefusal } from "./body_intake.ts";
import { answerTo } from "./challenge.ts";
import { clientAddress } from "./client_address.ts";
import type { WebhookPolicy } from "./policy.ts";
import { verify } from "./verify.ts";

/** Seconds a sender is asked to wait when a channel is full. */
const fullRetrySeconds = 30;
/** And when nothing can be stored, or nobody is there to take it. */
const storeRetrySeconds = 5;

/** Every webhook has a trace, whether or not anybody records it. */
const recordNone = () => false;

/** Why a webhook is not taken; the name is what is counted. */
type Refusal = readonly [
  status: 400 | 401 | 403 | 404 | 405 | 408 | 413 | 429 | 503,
  reason: string,
  detail: string,
  retryAfterSeconds?: number,
];

/**
 * Takes a webhook: any method that may go on, any content type, its bytes as they are. 202 only when it is stored; 404 for
 * an unknown id, 405 for a method that no target gets, 403 from an address that may not, 429 too many, 413 larger than the channel takes, 401 not
 * signed as it should be, 408 when its body does not come in time and 400 not whole, 503 when it cannot be stored now or
 * the channel is full.
 */
export async function ingest(c: Context<RelayEnv>, relay: RelayContext): Promise<Response> {
  const startedAt = relay.clock.monotonic();
  const request = c.req.raw;
  const url = new URL(request.url);
  const [, , idText = "", ...suffix] = url.pathname.split("/");
  const webhookId = decode(idText);
  const registered = relay.registry.fedBy(webhookId);
  if (!registered) return refuse([404, "unknown_id", "Webhook not found"]);
  if (!webhookMethod.test(request.method)) {
    return refuse([405, "method", `${request.method} is no method of webhooks`]);
  }
  if (suffix[0] === "connect" && c.req.header(wireHeaders.connectorId) !== undefined) {
    return refuse([404, "connector", "Webhooks are sent here: cloud_url ends before /webhook/"]);
  }
  const { channel } = registered;
  const policy = relay.policies.get(webhookId);
  const early = policy && refusedBeforeReading(policy, c, relay, channel);
  if (early) return refuse(early);
  const { maxBodyBytes } = channel.settings;
  const body = await relay.bodies.read(request, maxBodyBytes);
  if (typeof body === "string") return refuse(refusalOf(body, maxBodyBytes));
  if (policy?.challenge?.type === "hub") {
    const answer = answerTo(policy.challenge, request.method, url.searchParams, body);
    if (answer !== undefined) return c.text(answer);
  }
  if (policy?.verification) {
    const problem = verify(policy.verification, request.headers, body, relay.clock.now());
    if (problem !== undefined) return refuse([401, "not_verified", `Not verified: ${problem}`]);
    // Only now: forgeries take nothing of the rate that the sender may have.
    const tooMany = tooManyFor(policy);
    if (tooMany) return refuse(tooMany);
  }
  if (policy?.challenge?.type === "slack") {
    const answer = answerTo(policy.challenge, request.method, url.searchParams, body);
    if (answer !== undefined) return c.text(answer);
  }
  const seen = policy?.idempotency?.seen;
  const deliveryId = policy?.idempotency && request.headers.get(policy.idempotency.header);
  const earlier = deliveryId ? await seen?.begin(deliveryId) : undefined;
  if (earlier) return c.json({ message_id: earlier, duplicate: true }, 202);

  const id = `msg_${randomUUID().replaceAll("-", "").slice(0, 16)}`;
  const given = [...request.headers];
  const forConnection = connectionOptions(given);
  const { headers, span } = withSpan(
    given.filter(([name]) => !hopByHopHeaders.has(name) && !forConnection.has(name)),
    relay.sample ?? recordNone,
  );
  const beganStoring = relay.clock.monotonic();
  const message = {
    id,
    webhookId,
    receivedAt: new Date(relay.clock.now()).toISOString(),
    method: request.method,
    path: (suffix.length > 0 ? `/${suffix.join("/")}` : "") + url.search,
    headers,
    body,
  };
  let sequence: number | undefined;
  try {
    sequence = await channel.publish(message);
  } catch (error) {
    if (error instanceof MessageTooLargeError) return refuse([413, "too_large", error.message]);
    if (!(error instanceof StoreUnavailableError)) throw error;
    // What a person must act on; the sender is not told why.
    relay.observe({
      type: "relay.store_failed",
      channel: channel.settings.name,
      message: error.message,
    });
    return refuse([503, "store_unavailable", "Cannot store now", storeRetrySeconds]);
  } finally {
    if (deliveryId) seen?.end(deliveryId, sequence === undefined ? undefined : id);
  }
  if (sequence === undefined) return refuse([503, "full", "Channel is full", fullRetrySeconds]);
  relay.observe({
    type: "relay.ingested",
    channel: channel.settings.name,
    ...about(message),
    ...span,
    bytes: body.byteLength,
    durationMs: Math.round(relay.clock.monotonic() - startedAt),
    storeMs: Math.round(relay.clock.monotonic() - beganStoring),
  });
  return c.json({ message_id: id, sequence }, 202);

  function refuse([status, reason, detail, retryAfterSeconds]: Refusal): Response {
    relay.observe({ type: "relay.refused", webhookId, status, reason, detail });
    const headers = {
      ...(retryAfterSeconds !== undefined && { "Retry-After": String(retryAfterSeconds) }),
      ...(status === 405 && { Allow: "POST, PUT, PATCH, DELETE, GET, HEAD, OPTIONS" }),
    };
    return c.json({ detail }, status, headers);
  }
}

function refusalOf(why: BodyRefusal, maxBytes: number): Refusal {
  switch (why) {
    case "too_large":
      return [413, why, `Payload too large: at most ${maxBytes} bytes`];
    case "too_slow":
      return [408, why, "The body did not come in time"];
    case "too_many":
      return [503, why, "Too many bodies are under way", storeRetrySeconds];
    case "stopping":
      return [503, why, "The relay is stopping", storeRetrySeconds];
    case "aborted":
      return [400, why, "The body ended early"];
  }
}

function refusedBeforeReading(
  policy: WebhookPolicy,
  c: Context<RelayEnv>,
  relay: RelayContext,
  channel: Channel,
): Refusal | undefined {
  const forwardedFor = c.req.header("x-forwarded-for") ?? null;
  const client = clientAddress(c.env.remoteAddress, forwardedFor, relay.trustedProxies);
  if (policy.allowed && !policy.allowed.has(client)) {
    return [403, "address", "This address may not post here"];
  }
  const tooMany = policy.verification ? undefined : tooManyFor(policy);
  if (tooMany) return tooMany;
  if (policy.refuseWithoutConnector && !channel.isServed) {
    return [503, "no_connector", "No connector is connected", storeRetrySeconds];
  }
  return undefined;
}

function tooManyFor({ rateLimit }: WebhookPolicy): Refusal | undefined {
  const waitMs = rateLimit?.take();
  if (waitMs === undefined) return undefined;
  return [429, "rate_limit", "Too many requests", Math.ceil(waitMs / 1000)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
