import { z } from "zod";
import { didYouMean } from "../config/near_name.ts";
import { channelNameRule, isChannelName } from "../protocol/channel_name.ts";
import { isObject } from "../protocol/json_object.ts";
import { orderingRule, parseOrdering } from "../protocol/ordering.ts";
import { maxBodyBytes, maxChannelBodyBytes } from "../protocol/limits.ts";
import { parseJson } from "../protocol/parse_json.ts";
import { webhookIdForm, webhookIdRule } from "../protocol/webhook_id.ts";
import type { ChannelSettings } from "./channel_settings.ts";
import { type PolicyConfig, policySchema } from "./ingest/policy.ts";
import type { ChannelConfig } from "./registry.ts";
import { hashOf } from "./tokens.ts";

const channelSchema = z.object({
  channel: z.string().refine(isChannelName, { error: `use ${channelNameRule}` }),
  channel_token: z.string().regex(/^[\x21-\x7e]+$/, "use visible ASCII characters")
    .regex(/^(?!\{\$)/, "variables are not replaced here: write the token"),
  ttl_seconds: z.number().positive().default(86_400),
  max_queue_size: z.number().int().positive().default(10_000),
  max_queue_bytes: z.number().int().positive().default(1_073_741_824),
  max_connections: z.number().int().positive().default(10),
  max_in_flight: z.number().int().positive().default(100),
  ack_timeout_seconds: z.number().positive().default(30),
  max_message_bytes: z.number().int().positive()
    .max(maxChannelBodyBytes, `use at most ${maxChannelBodyBytes}: no frame carries more`)
    .default(maxBodyBytes),
  max_deliveries: z.number().int().positive().default(10),
  ordering: z.string().default("none").transform((text, context) => {
    const ordering = parseOrdering(text);
    if (ordering) return ordering;
    context.addIssue(`${JSON.stringify(text)}: use ${orderingRule}`);
    return z.NEVER;
  }),
  smee_path: z.string().regex(
    /^[A-Za-z0-9_-]{22,128}$/,
    "use 22 to 128 random letters, digits, _ and -: whoever knows it reads the channel",
  ).optional(),
});

type ChannelData = z.infer<typeof channelSchema>;

const entrySchema = z.looseObject({
  module: z.string(),
  "module-config": z.looseObject({}).optional(),
});

const moduleName = "webhook_connect";

/** How the old relay was told who may post. */
const oldGuards = [
  ...["authorization", "basic_auth", "hmac", "jwt", "header_auth", "query_auth", "digest_auth"],
  ...["oauth1", "oauth2", "hmac_signature", "recaptcha", "ip_whitelist"],
];

/** Where nothing says it anew the channel would take from everybody. */
function guardProblems(entry: Readonly<Record<string, unknown>>): string[] {
  if (entry["verify"]) return [];
  const isSaid = (value: unknown) => value !== undefined && value !== null && value !== "";
  return oldGuards
    .filter((key) => isSaid(entry[key]) && !(key === "ip_whitelist" && entry["allow_ips"]))
    .map((key) => `${key}: is not read here; say who may post by verify or allow_ips`);
}

/** The keys of an entry of ours. `data_type` says nothing: any bytes arrive as they were sent. */
const knownKeys = [
  ...["module", "module-config", "data_type"],
  ...[...Object.keys(channelSchema.shape), ...Object.keys(policySchema.shape), ...oldGuards],
];

export interface WebhooksFile {
  readonly channels: readonly ChannelConfig[];
  /** By webhook id. */
  readonly policies: ReadonlyMap<string, PolicyConfig>;
  /** What is passed over, one line each. */
  readonly warnings: readonly string[];
}

/**
 * The channels of a `webhooks.json` of the old relay: an object of webhook id and entry, those with the
 * module webhook_connect. Several ids may feed one channel if they agree on it. What nobody knows is passed over as
 * the old relay did, unless it looks like a slip. Throws a RangeError that tells all problems.
 */
export function readWebhooksFile(text: string): WebhooksFile {
  let value: unknown;
  try {
    value = parseJson(text.replace(/^\ufeff/, "")); // as Windows' editors begin it
  } catch (error) {
    throw new RangeError(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isObject(value)) throw new RangeError("not an object of webhook id and entry");
  const file = z.record(z.string(), entrySchema).safeParse(value);
  if (!file.success) throw new RangeError(file.error.issues.map(describe).join("\n"));
  const problems: string[] = [];
  const warnings: string[] = [];
  const channels = new Map<string, ChannelConfig>();
  const policies = new Map<string, PolicyConfig>();
  /** By channel, what the first of its entries says. */
  const firsts = new Map<string, ChannelData>();
  for (const [webhookId, entry] of Object.entries(file.data)) {
    const report = (problem: string) => problems.push(`${webhookId}.${problem}`);
    if (entry.module !== moduleName) {
      const meant = didYouMean(entry.module, [moduleName]);
      if (meant) report(`module: ${JSON.stringify(entry.module)}: unknown${meant}`);
      continue;
    }
    if (!webhookIdForm.test(webhookId)) {
      problems.push(`${JSON.stringify(webhookId)}: is no webhook id; use ${webhookIdRule}`);
    }
    const settings = { ...entry, ...entry["module-config"] };
    for (const key of Object.keys(settings).filter((key) => !knownKeys.includes(key))) {
      const meant = didYouMean(key, knownKeys);
      if (meant) report(`${key}: unknown key${meant}`);
      else warnings.push(`${webhookId}.${key}: is not read here`);
    }
    const read = channelSchema.safeParse(settings);
    const policy = policySchema.safeParse(settings);
    guardProblems(settings).forEach(report);
    if (policy.success) policies.set(webhookId, policy.data);
    else policy.error.issues.map(describe).forEach(report);
    if (!read.success) {
      read.error.issues.map(describe).forEach(report);
      continue;
    }
    const one = toChannel(read.data, webhookId);
    const [first, other] = [firsts.get(one.name), channels.get(one.name)];
    if (!first || !other) {
      firsts.set(one.name, read.data);
      channels.set(one.name, one);
      continue;
    }
    channels.set(one.name, { ...other, webhookIds: [...other.webhookIds, webhookId] });
    const different = differences(first, read.data);
    if (different.length === 0) continue;
    problems.push(
      `${webhookId}: configures the channel ${JSON.stringify(one.name)} otherwise than ` +
        `${other.webhookIds[0]} does: ${different.join(", ")}`,
    );
  }
  if (problems.length > 0) throw new RangeError(problems.join("\n"));
  if (channels.size === 0 && Object.keys(value).length > 0) {
    warnings.push(`no entry has the module ${moduleName}: there is no channel in it`);
  }
  return { channels: [...channels.values()], policies, warnings };
}

/** The keys in which they differ. */
function differences(one: ChannelData, other: ChannelData): string[] {
  return Object.keys(channelSchema.shape).filter((key) => {
    const [a, b] = [one, other].map((data) => JSON.stringify(data[key as keyof ChannelData]));
    return a !== b;
  });
}

const newChannelSchema = channelSchema.omit({ channel_token: true }).extend({
  webhook_ids: z.array(z.string().regex(/^[A-Za-z0-9._~-]{1,128}$/, "use letters, digits, . _ ~ -"))
    .min(1),
}).strict();

/** A channel as the admin API is given it, or what is wrong with it. */
export function readChannel(
  given: unknown,
): { readonly settings: ChannelSettings; readonly webhookIds: readonly string[] } | string {
  const read = newChannelSchema.safeParse(given);
  if (!read.success) return read.error.issues.map(describe).join("; ");
  const { webhook_ids, ...data } = read.data;
  const { token: _, webhookIds: __, ...settings } = toChannel({ ...data, channel_token: "" }, "");
  return { settings, webhookIds: webhook_ids };
}

/** A channel with the defaults of the file for everything but these. */
export function channelConfig(
  { name, token, webhookIds }: Pick<ChannelConfig, "name" | "token" | "webhookIds">,
): ChannelConfig {
  const data = channelSchema.parse({ channel: name, channel_token: token });
  return { ...toChannel(data, ""), webhookIds };
}

function toChannel(data: ChannelData, webhookId: string): ChannelConfig {
  return {
    name: data.channel,
    token: data.channel_token,
    webhookIds: [webhookId],
    ttlMs: data.ttl_seconds * 1000,
    maxMessages: data.max_queue_size,
    maxQueueBytes: data.max_queue_bytes,
    maxConnections: data.max_connections,
    maxInFlight: data.max_in_flight,
    ackTimeoutMs: data.ack_timeout_seconds * 1000,
    maxDeliveries: data.max_deliveries,
    maxBodyBytes: data.max_message_bytes,
    ordering: data.ordering,
    ...(data.smee_path !== undefined && { smeePathHash: hashOf(data.smee_path) }),
  };
}

function describe(issue: z.core.$ZodIssue): string {
  return `${issue.path.join(".")}: ${issue.message}`;
}
