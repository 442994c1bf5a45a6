import type { ObserveRelay } from "../relay_events.ts";
import { type OpenStores, StoreOpenError, type Stores } from "../store.ts";
import { type Database, type FolderOptions, openFolder, openMemory } from "./database.ts";
import { GroupCommit } from "./group_commit.ts";
import { sqliteDirectory } from "./sqlite_directory.ts";
import { SqliteStore } from "./sqlite_store.ts";

/** Stores that live as long as the process. */
export const memoryStores: OpenStores = (tell) =>
  Promise.resolve(storesIn("memory", openMemory(), tell));

/** All channels in one database in a folder, which this process has to itself. */
export function sqliteStores(options: FolderOptions): OpenStores {
  return (tell) =>
    new Promise((resolve) => {
      const where = `the relay's data in ${JSON.stringify(options.folder)}`;
      resolve(storesIn("sqlite", openFolder(options), tell, where));
    });
}

function storesIn(
  name: Stores["name"],
  database: Database,
  tell: ObserveRelay,
  where = "the messages",
): Stores {
  const commit = new GroupCommit(
    database.db,
    (durationMs, writes) => tell({ type: "relay.committed", durationMs, writes }),
  );
  const opened: SqliteStore[] = [];
  return {
    name,
    open: (channel, settings) =>
      new Promise((resolve) => {
        try {
          const store = new SqliteStore(database.db, commit, channel, settings);
          opened.push(store);
          resolve(store);
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          throw new StoreOpenError(
            `cannot read ${where}: ${why}; nothing was changed: keep a copy, and mend it with ` +
              "sqlite3's .recover",
          );
        }
      }),
    directory: sqliteDirectory(database.db, commit),
    get problem() {
      return commit.problem ?? opened.find(({ problem }) => problem !== undefined)?.problem;
    },
    close() {
      commit.flush();
      database.close();
      return Promise.resolve();
    },
  };
}
