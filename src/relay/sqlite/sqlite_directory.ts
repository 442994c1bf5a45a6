import type { DatabaseSync } from "node:sqlite";
import type { ChannelRecord, Directory } from "../directory.ts";
import type { GroupCommit } from "./group_commit.ts";

/** Channels and their tokens as JSON beside their messages. */
export function sqliteDirectory(db: DatabaseSync, commit: GroupCommit): Directory {
  const all = db.prepare("SELECT record FROM channel WHERE record IS NOT NULL ORDER BY id");
  const add = db.prepare("INSERT OR IGNORE INTO channel (name) VALUES (?)");
  const set = db.prepare("UPDATE channel SET record = ? WHERE name = ?");
  return {
    load: () => (all.all() as { record: string }[]).map(({ record }) => JSON.parse(record)),
    save: (record: ChannelRecord) =>
      commit.run(() => {
        add.run(record.settings.name);
        set.run(JSON.stringify(record), record.settings.name);
      }),
    remove: (channel) => commit.run(() => void set.run(null, channel)),
  };
}
