import type { KV, KvEntry } from "@nats-io/kv";
import { z } from "zod";
import type { ChannelRecord, Directory } from "../directory.ts";
import type { ObserveRelay } from "../relay_events.ts";
import type { NatsServer } from "./connection.ts";
import { textOf, token } from "./names.ts";

const tokenSchema = z.looseObject({
  hash: z.string(),
  origin: z.enum(["file", "made"]),
  expiresAt: z.number().optional(),
});
/** What is asked of a record: somebody who is no relay may have written it. */
const recordSchema = z.looseObject({
  settings: z.looseObject({
    name: z.string(),
    ordering: z.looseObject({ kind: z.enum(["none", "channel", "key"]) }),
  }),
  webhookIds: z.array(z.string()),
  origin: z.enum(["file", "api"]),
  createdAt: z.number(),
  tokens: z.array(tokenSchema),
});

/**
 * Channels and their tokens in a key-value bucket, seen by all relays at once. What is no record there is passed over,
 * and told.
 */
export function jetStreamDirectory(server: NatsServer, bucket: KV, tell: ObserveRelay): Directory {
  /** As of which revision a channel is known here: a change on top of another relay's is refused. */
  const revisions = new Map<string, number>();
  /** Being written by this relay, by key: what the bucket says of it meanwhile is no news. */
  const saving = new Map<string, Promise<unknown>>();

  function recordOf(entry: KvEntry): ChannelRecord | undefined {
    try {
      const record = entry.json();
      recordSchema.parse(record);
      return record as ChannelRecord;
    } catch {
      const message = `the entry ${entry.key} of the bucket ${entry.bucket} is no channel`;
      tell({ type: "relay.store_failed", channel: textOf(entry.key), message });
      return undefined;
    }
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
      const known = saved.catch(() => {});
      saving.set(key, known);
      void known.then(() => saving.get(key) === known && saving.delete(key));
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
