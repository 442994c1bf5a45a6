import { z } from "zod";

/** Of what `/status` says, that which people are shown: by the page, by the command, by the live view. */
export const statusSchema = z.object({
  version: z.string(),
  runtime: z.string(),
  uptime_seconds: z.number(),
  draining: z.boolean(),
  paused: z.boolean(),
  /** Why the settings of the files are not those that count, and since when; null when they are. */
  config: z.object({ problem: z.string().nullable(), since: z.string().nullable() }),
  connection: z.discriminatedUnion("state", [
    z.object({
      state: z.literal("connected"),
      transport: z.string(),
      up_seconds: z.number(),
      silent_seconds: z.number(),
    }),
    z.object({
      state: z.literal("disconnected"),
      down_seconds: z.number(),
      /** Null before the first attempt came to anything. */
      reason: z.string().nullable(),
    }),
  ]),
  in_hand: z.object({ messages: z.number(), bytes: z.number() }),
  /** What the relay is not known to have been told. */
  unconfirmed: z.object({ settlements: z.number(), oldest_seconds: z.number() }),
  journal: z.object({
    place: z.string(),
    problem: z.string().nullable(),
    dead_letters: z.object({ messages: z.number() }),
  }),
  totals: z.object({
    received: z.number(),
    delivered: z.number(),
    rejected: z.number(),
    exhausted: z.number(),
    abandoned: z.number(),
    deferred: z.number(),
    retried: z.number(),
    duplicates: z.number(),
    replays: z.object({ delivered: z.number(), failed: z.number() }),
  }),
  targets: z.record(
    z.string(),
    z.object({
      tried: z.boolean(),
      breaker: z.enum(["closed", "open", "half_open"]),
      failures_in_a_row: z.number(),
      last_failure: z.string().nullable(),
      last_success_at: z.string().nullable(),
    }),
  ),
});

export type StatusText = z.infer<typeof statusSchema>;

export function readStatus(status: Record<string, unknown>): StatusText {
  return statusSchema.parse(status);
}
