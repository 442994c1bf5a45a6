import type { Stores } from "../store.ts";
import { type DatabaseOptions, openDatabase, StoreOpenError } from "./database.ts";
import { GroupCommit } from "./group_commit.ts";
import { sqliteDirectory } from "./sqlite_directory.ts";
import { SqliteStore } from "./sqlite_store.ts";

export interface SqliteStoresOptions extends DatabaseOptions {
  /** Told of every commit. */
  readonly onCommit: (durationMs: number, writes: number) => void;
}

/** All channels in one database, which this process has to itself. Throws `StoreOpenError`. */
export function openSqliteStores(options: SqliteStoresOptions): Stores {
  const database = openDatabase(options);
  const commit = new GroupCommit(database.db, options.onCommit);
  return {
    name: "sqlite",
    open(channel, limits) {
      try {
        return new SqliteStore(database.db, commit, channel, limits);
      } catch (error) {
        database.close();
        const why = error instanceof Error ? error.message : String(error);
        throw new StoreOpenError(
          `cannot read the relay's data in ${JSON.stringify(options.folder)}: ${why}; ` +
            "nothing was changed: keep a copy, and mend it with sqlite3's .recover",
        );
      }
    },
    directory: sqliteDirectory(database.db, commit),
    get problem() {
      return commit.problem;
    },
    close() {
      commit.flush();
      database.close();
    },
  };
}
