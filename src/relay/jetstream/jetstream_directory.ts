import type { KV, KvEntry } from "@nats-io/kv";
import { z } from "zod";
import type { Clock } from "../../async/clock.ts";
import { ChannelExistsError, type ChannelRecord, type Directory } from "../directory.ts";
import type { ObserveRelay } from "../relay_events.ts";
import { bucketEntries } from "./bucket_entries.ts";
import { isApiError, type NatsServer } from "./connection.ts";
import { token } from "./names.ts";

/** JetStream's code for a change on top of something else than what is there. */
const wrongLastSequence = 10071;

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
export function jetStreamDirectory(
  server: NatsServer,
  bucket: KV,
  clock: Clock,
  tell: ObserveRelay,
): Directory {
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

  async function save(record: ChannelRecord, isNew: boolean): Promise<void> {
    const key = token(record.settings.name);
    const content = JSON.stringify(record);
    const known = isNew ? undefined : revisions.get(key);
    const saved = known === undefined
      ? bucket.create(key, content)
      : bucket.update(key, content, known);
    saving.set(key, saved.catch(() => {}));
    revisions.set(key, await saved);
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
    async create(record) {
      const isMade = await server.attempt(
        "save a channel",
        () =>
          save(record, true).then(() => true, (error) => {
            if (isApiError(error, wrongLastSequence)) return false;
            throw error;
          }),
      );
      if (isMade) return;
      const name = JSON.stringify(record.settings.name);
      throw new ChannelExistsError(`another relay has a channel ${name} already`);
    },
    save: (record) => server.attempt("save a channel", () => save(record, false)),
    async watch(changed) {
      const over = new AbortController();
      const tried = Promise.withResolvers<void>();
      const entries = bucketEntries(server, bucket, clock, over.signal, tried.resolve);
      void (async () => {
        for await (const entry of entries) {
          await saving.get(entry.key);
          if (entry.revision <= (revisions.get(entry.key) ?? 0)) continue;
          if (entry.operation !== "PUT") {
            // Somebody took it out: the next change of it puts it in again.
            revisions.delete(entry.key);
            continue;
          }
          revisions.set(entry.key, entry.revision);
          const record = recordOf(entry);
          if (record) changed(record);
        }
      })();
      await tried.promise;
      return () => over.abort();
    },
  };
}
