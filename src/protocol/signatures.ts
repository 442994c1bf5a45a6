/** The signatures of webhook providers: how each is made from the body. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

type Body = string | Uint8Array;

/** Compares without telling by the time it takes how much of a guess was right. */
export function sameText(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** `X-Hub-Signature-256` (GitHub, "Validating webhook deliveries"): HMAC-SHA256 of the body, hex. */
export function githubSignature(body: Body, secret: string): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** A `v1` of a `Stripe-Signature`: HMAC-SHA256 of "timestamp.body", hex. */
export function stripeSignature(body: Body, secret: string, timestamp: string): string {
  return createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest("hex");
}

/** A `v1` of a `webhook-signature` (Standard Webhooks): HMAC-SHA256 of "id.timestamp.body", base64. */
export function standardSignature(
  body: Body,
  secret: string,
  id: string,
  timestamp: string,
): string {
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : secret;
  return createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
}

/** `X-Slack-Signature` (Slack, "Verifying requests"): HMAC-SHA256 of "v0:timestamp:body", hex. */
export function slackSignature(body: Body, secret: string, timestamp: string): string {
  return `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:`).update(body).digest("hex")}`;
}

/** `X-Shopify-Hmac-Sha256`: HMAC-SHA256 of the body, base64. */
export function shopifySignature(body: Body, secret: string): string {
  return createHmac("sha256", secret).update(body).digest("base64");
}

export interface HmacFormat {
  readonly algorithm: "sha1" | "sha256" | "sha512";
  readonly encoding: "hex" | "base64";
  /** What stands before the signature in its header. */
  readonly prefix: string;
}

/** HMAC of the body as configured. */
export function hmacSignature(body: Body, secret: string, format: HmacFormat): string {
  const hmac = createHmac(format.algorithm, secret).update(body).digest(format.encoding);
  return format.prefix + hmac;
}
