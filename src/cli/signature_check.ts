import type { IncomingHttpHeaders } from "node:http";
import {
  githubSignature,
  sameText,
  standardSignature,
  stripeSignature,
} from "../protocol/signatures.ts";

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
    return sameText(header("x-hub-signature-256"), githubSignature(body, secret));
  }
  if (headers["stripe-signature"] !== undefined) {
    const { t = "", v1 = "" } = Object.fromEntries(
      header("stripe-signature").split(",").map((part) => part.split("=", 2)),
    );
    return sameText(v1, stripeSignature(body, secret, t));
  }
  if (headers["webhook-signature"] !== undefined) {
    const expected = standardSignature(
      body,
      secret,
      header("webhook-id"),
      header("webhook-timestamp"),
    );
    return header("webhook-signature").split(" ").some((one) => sameText(one, `v1,${expected}`));
  }
  return undefined;
}
