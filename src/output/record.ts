import { isoTime } from "../async/iso_time.ts";
import { z } from "zod";

/** Of the shape of the lines: grows when a field goes or means something else, not when one is added. */
export const recordVersion = 1;

const head = { v: z.literal(recordVersion), time: z.iso.datetime() };
/** Of several connections, whose it is. */
const whose = { connection: z.string().optional() };
const message = {
  message_id: z.string(),
  /** This and what follows are null where its coming is not known any more. */
  webhook_id: z.string().nullable(),
  method: z.string().nullable(),
  /** What followed the webhook id, without the query. */
  path: z.string().nullable(),
};

/** One line of `--output json`: what happened, for programs. Durations are milliseconds. */
export const recordSchema = z.discriminatedUnion("type", [
  /** Where the status server is. */
  z.strictObject({ ...head, type: z.literal("status"), url: z.string() }),
  /** `dev`: where webhooks go. */
  z.strictObject({ ...head, type: z.literal("post_to"), url: z.string() }),
  z.strictObject({
    ...head,
    type: z.literal("connection"),
    ...whose,
    /** `waiting`: it could not be made and is tried again. */
    state: z.enum(["connected", "disconnected", "waiting"]),
    transport: z.enum(["websocket", "sse", "long_poll", "smee"]),
    reason: z.string().nullable(),
    retry_in_ms: z.number().nullable(),
  }),
  /** A message has come to its end at one target. */
  z.strictObject({
    ...head,
    type: z.literal("message"),
    ...whose,
    ...message,
    trace_id: z.string().nullable(),
    /** Null where none is configured for the webhook. */
    target: z.string().nullable(),
    outcome: z.enum(["delivered", "rejected", "exhausted", "abandoned", "deferred"]),
    /** What the target answered last. */
    status: z.number().nullable(),
    attempts: z.number(),
    duration_ms: z.number().nullable(),
    /** From the relay's receipt to its coming here. */
    lag_ms: z.number().nullable(),
    bytes: z.number().nullable(),
    reason: z.string().nullable(),
  }),
  /** An attempt failed and another one follows. */
  z.strictObject({
    ...head,
    type: z.literal("retry"),
    ...whose,
    ...message,
    target: z.string(),
    attempt: z.number(),
    reason: z.string(),
    retry_in_ms: z.number(),
  }),
  /** The relay has been told, and has confirmed it. */
  z.strictObject({
    ...head,
    type: z.literal("settled"),
    ...whose,
    ...message,
    verdict: z.enum(["ack", "nack"]),
  }),
  z.strictObject({
    ...head,
    type: z.literal("intake"),
    ...whose,
    state: z.enum(["paused", "resumed"]),
  }),
  /** `dev`: what its own target got. */
  z.strictObject({
    ...head,
    type: z.literal("request"),
    method: z.string(),
    url: z.string(),
    bytes: z.number(),
    /** The provider's signature; null where there is none. */
    signature: z.enum(["valid", "invalid"]).nullable(),
    /** The beginning of the body. */
    body: z.string(),
  }),
  /** `dev`: the sample it posted. */
  z.strictObject({
    ...head,
    type: z.literal("sample"),
    event: z.string(),
    answer: z.string(),
  }),
]);

export type OutputRecord = z.infer<typeof recordSchema>;

type WithoutHead<Each> = Each extends unknown ? Omit<Each, "v" | "time"> : never;

/** A record before it has its version and time. */
export type Told = WithoutHead<OutputRecord>;

/** `at` is milliseconds since the epoch. */
export function recordAt(at: number, told: Told): OutputRecord {
  return { v: recordVersion, time: isoTime(at), ...told } as OutputRecord;
}

/** The same as one line of JSON. */
export function recordJson(at: number, told: Told): string {
  return `{"v":${recordVersion},"time":"${isoTime(at)}",${JSON.stringify(told).slice(1)}`;
}
