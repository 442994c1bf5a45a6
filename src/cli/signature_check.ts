import { timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { githubSignature, standardSignature, stripeSignature } from "./samples.ts";

/**
 * Whether the signature of GitHub, Stripe or Standard Webhooks over these bytes holds; undefined when there is
 * none. It shows that bytes and headers came through unchanged: timestamps are not checked for their age.
 */
export function checkSignature(
  headers: IncomingHttpHeaders,
  body: Uint8Array,
  secret: string,
): boolean | undefined {
  const header = (name: string) => String(headers[name] ?? "");
  if (headers["x-hub-signature-256"] !== undefined) {
    return isSame(header("x-hub-signature-256"), githubSignature(body, secret));
  }
  if (headers["stripe-signature"] !== undefined) {
    const { t = "", v1 = "" } = Object.fromEntries(
      header("stripe-signature").split(",").map((part) => part.split("=", 2)),
    );
    return isSame(v1, stripeSignature(body, secret, t));
  }
  if (headers["webhook-signature"] !== undefined) {
    const expected = standardSignature(
      body,
      secret,
      header("webhook-id"),
      header("webhook-timestamp"),
    );
    return header("webhook-signature").split(" ").some((one) => isSame(one, `v1,${expected}`));
  }
  return undefined;
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
