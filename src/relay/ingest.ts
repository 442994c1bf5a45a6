import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import { hopByHopHeaders } from "../protocol/hop_by_hop.ts";
import type { RelayContext, RelayEnv } from "./relay_env.ts";
import { StoreUnavailableError } from "./store.ts";

/** Seconds a sender is asked to wait when a channel is full. */
const fullRetrySeconds = 30;
/** And when nothing can be stored. */
const storeRetrySeconds = 5;

/**
 * Takes a webhook: any method, any content type, its bytes as they are. 202 only when it is stored; 404 for
 * an unknown id, 413 when it is larger than the channel takes, 503 when the channel is full.
 */
export async function ingest(c: Context<RelayEnv>, relay: RelayContext): Promise<Response> {
  const request = c.req.raw;
  const url = new URL(request.url);
  const [, , idText = "", ...suffix] = url.pathname.split("/");
  const webhookId = decode(idText);
  const registered = relay.registry.fedBy(webhookId);
  if (!registered) return refuse(404, "Webhook not found");
  const { channel } = registered;
  const body = await readBody(request, channel.settings.maxBodyBytes);
  if (!body) {
    return refuse(413, `Payload too large: at most ${channel.settings.maxBodyBytes} bytes`);
  }
  const id = `msg_${randomUUID().replaceAll("-", "").slice(0, 16)}`;
  let sequence: number | undefined;
  try {
    sequence = await channel.publish({
      id,
      webhookId,
      receivedAt: new Date(relay.clock.now()).toISOString(),
      method: request.method,
      path: (suffix.length > 0 ? `/${suffix.join("/")}` : "") + url.search,
      headers: [...request.headers].filter(([name]) => !hopByHopHeaders.has(name)),
      body,
    });
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    return refuse(503, "Cannot store now", { "Retry-After": String(storeRetrySeconds) });
  }
  if (sequence === undefined) {
    return refuse(503, "Channel is full", { "Retry-After": String(fullRetrySeconds) });
  }
  relay.observe({
    type: "relay.ingested",
    channel: channel.settings.name,
    webhookId,
    messageId: id,
    bytes: body.byteLength,
  });
  return c.json({ message_id: id, sequence }, 202);

  function refuse(
    status: 404 | 413 | 503,
    detail: string,
    headers: Record<string, string> = {},
  ): Response {
    relay.observe({ type: "relay.refused", webhookId, status, reason: detail });
    return c.json({ detail }, status, headers);
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The whole body, or undefined as soon as it is longer than `maxBytes`. */
async function readBody(
  request: Request,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) {
    await request.body?.cancel();
    return undefined;
  }
  if (!request.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = request.body.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    if (bytes > maxBytes) {
      await reader.cancel();
      return undefined;
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
