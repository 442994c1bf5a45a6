import type { DatabaseSync } from "node:sqlite";
import type { Ordering } from "../../protocol/ordering.ts";
import type { ChannelRecord, Directory } from "../directory.ts";
import type { GroupCommit } from "../../sqlite/group_commit.ts";

const none: Ordering = { kind: "none" };

/** Channels and their tokens as JSON beside their messages. */
export function sqliteDirectory(db: DatabaseSync, commit: GroupCommit): Directory {
  const all = db.prepare("SELECT record FROM channel WHERE record IS NOT NULL ORDER BY id");
  const add = db.prepare("INSERT OR IGNORE INTO channel (name) VALUES (?)");
  const set = db.prepare("UPDATE channel SET record = ? WHERE name = ?");
  const save = (record: ChannelRecord) =>
    commit.run(() => {
      add.run(record.settings.name);
      set.run(JSON.stringify(record), record.settings.name);
    });
  return {
    load: () =>
      Promise.resolve(
        (all.all() as { record: string }[]).map(({ record }) => recordFrom(JSON.parse(record))),
      ),
    // Nobody else uses the file: the registry knows all there are.
    create: save,
    save,
  };
}

/** With what was not yet there when it was saved. */
function recordFrom(saved: ChannelRecord): ChannelRecord {
  return { ...saved, settings: { ...saved.settings, ordering: saved.settings.ordering ?? none } };
}
