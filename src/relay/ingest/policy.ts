/** What a webhook must be before it is stored, as the webhooks file says. */
import { z } from "zod";
import type { Clock } from "../../async/clock.ts";
import type { Challenge } from "./challenge.ts";
import { headerName } from "../../protocol/header_field.ts";
import { type AddressSet, addressSet } from "../../protocol/address_set.ts";
import { RateLimit } from "./rate_limit.ts";
import { SeenDeliveries } from "./seen_deliveries.ts";
import type { Verification } from "./verify.ts";

const secret = z.string().min(1, "use one character at least");
/** What is no base64 would be cut, or an empty key: anybody could sign with it. */
const standardSecret = secret.regex(
  /^(?!whsec_(?![A-Za-z0-9+/_-]{2,}={0,2}$))/,
  "use whsec_ and base64, or another text",
);
const header = z.string().regex(headerName, "use the name of a header, without a colon");
const tolerance = z.number().positive().default(300);

const verificationSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("github"), secret }),
  z.strictObject({ type: z.literal("stripe"), secret, tolerance_seconds: tolerance }),
  z.strictObject({ type: z.literal("slack"), secret, tolerance_seconds: tolerance }),
  z.strictObject({ type: z.literal("shopify"), secret }),
  z.strictObject({ type: z.literal("gitlab"), token: secret }),
  z.strictObject({
    type: z.literal("standard"),
    secret: standardSecret,
    tolerance_seconds: tolerance,
  }),
  z.strictObject({
    type: z.literal("hmac"),
    header,
    secret,
    algorithm: z.enum(["sha1", "sha256", "sha512"]).default("sha256"),
    encoding: z.enum(["hex", "base64"]).default("hex"),
    prefix: z.string().default(""),
  }),
  z.strictObject({ type: z.literal("bearer"), token: secret }),
  z.strictObject({ type: z.literal("basic"), username: z.string(), password: secret }),
]);

const addresses = z.array(z.string()).superRefine((entries, context) => {
  try {
    addressSet(entries);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "" });
  }
});

/** The keys of an entry in the webhooks file that are about what is taken in. */
export const policySchema = z.object({
  verify: verificationSchema.optional(),
  challenge: z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("slack") }),
    z.strictObject({ type: z.literal("hub"), verify_token: secret }),
  ]).optional(),
  allow_ips: addresses.optional(),
  rate_limit: z.strictObject({
    per_second: z.number().positive(),
    burst: z.number().int().min(1).default(10),
  }).optional(),
  idempotency: z.strictObject({
    header,
    window_seconds: z.number().positive().default(86_400),
  }).optional(),
  on_no_connector: z.enum(["accept", "503"]).default("accept"),
});

export type PolicyConfig = z.infer<typeof policySchema>;

export interface WebhookPolicy {
  readonly verification: Verification | undefined;
  readonly challenge: Challenge | undefined;
  readonly allowed: AddressSet | undefined;
  readonly rateLimit: RateLimit | undefined;
  readonly idempotency: { readonly header: string; readonly seen: SeenDeliveries } | undefined;
  readonly refuseWithoutConnector: boolean;
}

/** The policy of one webhook id, with what it has to remember. */
export function webhookPolicy(config: PolicyConfig, clock: Clock): WebhookPolicy {
  const { verify, challenge, allow_ips, rate_limit, idempotency } = config;
  return {
    verification: verify && verificationOf(verify),
    challenge: challenge?.type === "hub"
      ? { type: "hub", verifyToken: challenge.verify_token }
      : challenge,
    allowed: allow_ips && addressSet(allow_ips),
    rateLimit: rate_limit && new RateLimit(rate_limit.per_second, rate_limit.burst, clock),
    idempotency: idempotency && {
      header: idempotency.header,
      seen: new SeenDeliveries(idempotency.window_seconds * 1000, clock),
    },
    refuseWithoutConnector: config.on_no_connector === "503",
  };
}

function verificationOf(given: z.infer<typeof verificationSchema>): Verification {
  switch (given.type) {
    case "stripe":
    case "slack":
    case "standard":
      return {
        type: given.type,
        secret: given.secret,
        toleranceMs: given.tolerance_seconds * 1000,
      };
    case "github":
    case "shopify":
    case "gitlab":
    case "hmac":
    case "bearer":
    case "basic":
      return given;
  }
}
