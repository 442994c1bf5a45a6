import {
  githubSignature,
  hmacSignature,
  sameText,
  shopifySignature,
  slackSignature,
  standardSignature,
  stripeSignature,
} from "../../protocol/signatures.ts";

/** Of one webhook: a sender that changes its secret sends two or three, a stranger what a head holds. */
const maxSignatures = 16;

/** How a webhook proves who sent it. */
export type Verification =
  | { readonly type: "github"; readonly secret: string }
  | { readonly type: "stripe"; readonly secret: string; readonly toleranceMs: number }
  | { readonly type: "slack"; readonly secret: string; readonly toleranceMs: number }
  | { readonly type: "shopify"; readonly secret: string }
  | { readonly type: "gitlab"; readonly token: string }
  | { readonly type: "standard"; readonly secret: string; readonly toleranceMs: number }
  | {
    readonly type: "hmac";
    readonly header: string;
    readonly secret: string;
    readonly algorithm: "sha1" | "sha256" | "sha512";
    readonly encoding: "hex" | "base64";
    readonly prefix: string;
  }
  | { readonly type: "bearer"; readonly token: string }
  | { readonly type: "basic"; readonly username: string; readonly password: string };

/** Undefined when the request is what it says it is; else why not, without a secret in it. */
export function verify(
  how: Verification,
  headers: Headers,
  body: Uint8Array,
  nowMs: number,
): string | undefined {
  const header = (name: string) => headers.get(name) ?? "";
  switch (how.type) {
    case "github":
      return matches("X-Hub-Signature-256", [header("x-hub-signature-256")], [
        githubSignature(body, how.secret),
      ]);
    case "stripe": {
      const parts = header("stripe-signature").split(",").map((part) => part.trim().split("=", 2));
      const timestamp = parts.find(([key]) => key === "t")?.[1] ?? "";
      const given = parts.flatMap(([key, value = ""]) => key === "v1" ? [value] : []);
      return isRecent(timestamp, how.toleranceMs, nowMs) ??
        matches("Stripe-Signature", given, [stripeSignature(body, how.secret, timestamp)]);
    }
    case "slack": {
      const timestamp = header("x-slack-request-timestamp");
      return isRecent(timestamp, how.toleranceMs, nowMs) ??
        matches("X-Slack-Signature", [header("x-slack-signature")], [
          slackSignature(body, how.secret, timestamp),
        ]);
    }
    case "shopify":
      return matches("X-Shopify-Hmac-Sha256", [header("x-shopify-hmac-sha256")], [
        shopifySignature(body, how.secret),
      ]);
    case "gitlab":
      return matches("X-Gitlab-Token", [header("x-gitlab-token")], [how.token]);
    case "standard": {
      const timestamp = header("webhook-timestamp");
      const id = header("webhook-id");
      const expected = standardSignature(body, how.secret, id, timestamp);
      return isRecent(timestamp, how.toleranceMs, nowMs) ??
        matches("webhook-signature", header("webhook-signature").split(" "), [`v1,${expected}`]);
    }
    case "hmac":
      return matches(how.header, [header(how.header)], [hmacSignature(body, how.secret, how)]);
    case "bearer":
      return matches("Authorization", [header("authorization")], [`Bearer ${how.token}`]);
    case "basic": {
      const credentials = Buffer.from(`${how.username}:${how.password}`).toString("base64");
      return matches("Authorization", [header("authorization")], [`Basic ${credentials}`]);
    }
  }
}

/** One of the first given is the one expected. All of them are compared, whichever fits. */
function matches(
  name: string,
  all: readonly string[],
  [expected]: readonly [string],
): string | undefined {
  const given = all.slice(0, maxSignatures);
  if (given.every((one) => one === "")) return `${name} is missing`;
  const fits = given.map((one) => sameText(one, expected));
  return fits.includes(true) ? undefined : `${name} does not fit`;
}

function isRecent(timestamp: string, toleranceMs: number, nowMs: number): string | undefined {
  if (!/^\d{1,12}$/.test(timestamp)) return "the timestamp is missing";
  const ageMs = Math.abs(nowMs - Number(timestamp) * 1000);
  return ageMs <= toleranceMs ? undefined : "the timestamp is too far from now";
}
