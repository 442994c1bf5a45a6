import { z } from "zod";

/** Of `/status`, what a person wants to know. */
export const statusSchema = z.object({
  version: z.string(),
  uptime_seconds: z.number(),
  connection: z.union([
    z.object({
      state: z.literal("connected"),
      transport: z.string(),
      up_seconds: z.number(),
      silent_seconds: z.number(),
    }),
    z.object({ state: z.literal("disconnected"), down_seconds: z.number() }),
  ]),
  reconnects: z.object({ last_failure: z.object({ message: z.string() }).nullable() }),
  paused: z.boolean(),
  draining: z.boolean(),
  in_hand: z.object({ messages: z.number(), bytes: z.number() }),
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
    retried: z.number(),
  }),
  targets: z.record(
    z.string(),
    z.object({
      breaker: z.string(),
      failures_in_a_row: z.number(),
      last_failure: z.string().nullable(),
      last_success_at: z.string().nullable(),
    }),
  ),
});

export type ConnectorStatus = z.infer<typeof statusSchema>;
