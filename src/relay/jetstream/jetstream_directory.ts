import type { KV } from "@nats-io/kv";
import type { ChannelRecord, Directory } from "../directory.ts";
import type { NatsServer } from "./connection.ts";
import { token } from "./names.ts";

/** Channels and their tokens in a key-value bucket, seen by all relays at once. */
export function jetStreamDirectory(server: NatsServer, bucket: KV): Directory {
  /** As of which revision a channel is known here: a change on top of another relay's is refused. */
  const revisions = new Map<string, number>();
  return {
    load: () =>
      server.attempt("read the channels", async () => {
        const records: ChannelRecord[] = [];
        for await (const key of await bucket.keys()) {
          const entry = await bucket.get(key);
          if (entry?.operation !== "PUT") continue;
          revisions.set(key, entry.revision);
          records.push(entry.json<ChannelRecord>());
        }
        return records;
      }),
    save: (record) =>
      server.attempt("save a channel", async () => {
        const key = token(record.settings.name);
        const content = JSON.stringify(record);
        const known = revisions.get(key);
        const revision = known === undefined
          ? await bucket.create(key, content)
          : await bucket.update(key, content, known);
        revisions.set(key, revision);
      }),
    async watch(changed) {
      const entries = await server.attempt(
        "watch the channels",
        () => bucket.watch({ ignoreDeletes: true }),
      );
      void (async () => {
        for await (const entry of entries) {
          if (entry.revision <= (revisions.get(entry.key) ?? 0)) continue;
          revisions.set(entry.key, entry.revision);
          // Somebody who is no relay may have written it: then it is passed over, and shows in `problem`.
          await server
            .attempt(`read the channel ${entry.key}`, () => changed(entry.json()))
            .catch(() => {});
        }
      })();
      return () => entries.stop();
    },
  };
}
