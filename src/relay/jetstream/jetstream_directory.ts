import type { KV, KvEntry } from "@nats-io/kv";
import { z } from "zod";
import type { ChannelRecord, Directory } from "../directory.ts";
import type { ObserveRelay } from "../relay_events.ts";
import type { NatsServer } from "./connection.ts";
import { token } from "./names.ts";

const time = z.number().min(0).max(8.64e15);
const count = z.number().positive();
const ordering = z.union([
  z.looseObject({ kind: z.enum(["none", "channel"]) }),
  z.looseObject({ kind: z.literal("key"), from: z.literal("webhook_id") }),
  z.looseObject({ kind: z.literal("key"), from: z.literal("header"), name: z.string() }),
  z.looseObject({ kind: z.literal("key"), from: z.literal("pointer"), pointer: z.string() }),
]);
/** What is asked of a record: somebody who is no relay may have written it. */
const recordSchema = z.looseObject({
  settings: z.looseObject({
    name: z.string(),
    ttlMs: count,
    maxMessages: count,
    maxQueueBytes: count,
    maxConnections: count,
    maxInFlight: count,
    ackTimeoutMs: count,
    maxDeliveries: count,
    maxBodyBytes: count,
    ordering,
    smeePathHash: z.string().optional(),
  }),
  webhookIds: z.array(z.string()),
  origin: z.enum(["file", "api"]),
  createdAt: time,
  tokens: z.array(z.looseObject({
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    origin: z.enum(["file", "made"]),
    expiresAt: time.optional(),
  })),
});

/**
 * Channels and their tokens in a key-value bucket, seen by all relays at once. What is no record there is passed over,
 * and told.
 */
export function jetStreamDirectory(server: NatsServer, bucket: KV, tell: ObserveRelay): Directory {
  /** As of which revision a channel is known here: a change on top of another relay's is refused. */
  const revisions = new Map<string, number>();
  /** The last that this relay wrote, by key: what the bucket says before that is done is no news. */
  const saving = new Map<string, Promise<unknown>>();

  function recordOf(entry: KvEntry): ChannelRecord | undefined {
    try {
      const record = recordSchema.parse(entry.json());
      if (token(record.settings.name) === entry.key) return record as unknown as ChannelRecord;
    } catch {
      // It is none.
    }
    const message = `the entry ${entry.key} of the bucket ${entry.bucket} is no channel`;
    // It counts for no channel: what else is in the bucket must not become labels of the figures.
    tell({ type: "relay.store_failed", channel: "", message });
    return undefined;
  }

  async function save(key: string, record: ChannelRecord): Promise<void> {
    const content = JSON.stringify(record);
    const known = revisions.get(key);
    const revision = known === undefined
      ? await bucket.create(key, content)
      : await bucket.update(key, content, known);
    revisions.set(key, revision);
  }

  return {
    load: () =>
      server.attempt("read the channels", async () => {
        const records: ChannelRecord[] = [];
        for await (const key of await bucket.keys()) {
          const entry = await bucket.get(key);
          if (entry?.operation !== "PUT") continue;
          revisions.set(key, entry.revision);
          const record = recordOf(entry);
          if (record) records.push(record);
        }
        return records;
      }),
    async save(record) {
      const key = token(record.settings.name);
      const saved = server.attempt("save a channel", () => save(key, record));
      saving.set(key, saved.catch(() => {}));
      await saved;
    },
    async watch(changed) {
      const entries = await server.attempt(
        "watch the channels",
        () => bucket.watch({ ignoreDeletes: true }),
      );
      void (async () => {
        for await (const entry of entries) {
          await saving.get(entry.key);
          if (entry.operation !== "PUT" || entry.revision <= (revisions.get(entry.key) ?? 0)) {
            continue;
          }
          revisions.set(entry.key, entry.revision);
          const record = recordOf(entry);
          if (record) changed(record);
        }
      })();
      return () => entries.stop();
    },
  };
}
