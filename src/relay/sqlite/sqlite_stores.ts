import type { Clock } from "../../async/clock.ts";
import type { ObserveRelay } from "../relay_events.ts";
import {
  type Database,
  DatabaseOpenError,
  openFolder,
  openMemory,
  type Synchronous,
} from "../../sqlite/database.ts";
import { GroupCommit } from "../../sqlite/group_commit.ts";
import { type OpenStores, StoreOpenError, type Stores, StoreUnavailableError } from "../store.ts";
import { keepLanes } from "./keep_lanes.ts";
import { migrations } from "./schema.ts";
import { sqliteDirectory } from "./sqlite_directory.ts";
import { SqliteStore } from "./sqlite_store.ts";
import { addChannel, Statements } from "./statements.ts";

const owner = "relay";
const ifUnreadable = "nothing was changed: keep a copy, and mend it with sqlite3's .recover";

/** Stores that live as long as the process. */
export const memoryStores: OpenStores = (tell, clock) =>
  Promise.resolve(storesIn("memory", openMemory({ owner, migrations }), tell, clock));

export interface SqliteOptions {
  readonly folder: string;
  readonly durability: Synchronous;
}

/** All channels in one database in a folder, which this process has to itself. */
export function sqliteStores({ folder, durability }: SqliteOptions): OpenStores {
  return (tell, clock) =>
    new Promise((resolve) => {
      const where = `the relay's data in ${JSON.stringify(folder)}`;
      try {
        const database = openFolder({
          folder,
          name: owner,
          owner,
          migrations,
          synchronous: durability,
        });
        resolve(storesIn("sqlite", database, tell, clock, where));
      } catch (error) {
        if (error instanceof DatabaseOpenError) throw new StoreOpenError(error.message);
        throw error;
      }
    });
}

function storesIn(
  name: Stores["name"],
  database: Database,
  tell: ObserveRelay,
  clock: Clock,
  where = "the messages",
): Stores {
  const commit = new GroupCommit(
    database,
    (why, cause) => new StoreUnavailableError(why, cause),
    (durationMs, writes) => tell({ type: "relay.committed", durationMs, writes }),
  );
  const opened: SqliteStore[] = [];
  return {
    name,
    async open(channel, settings) {
      try {
        await addChannel(database.db, commit, channel);
        await keepLanes(new Statements(database.db, channel), commit, settings.lanes);
        const store = new SqliteStore(database.db, commit, clock, channel, settings);
        opened.push(store);
        return store;
      } catch (error) {
        if (error instanceof StoreUnavailableError) throw error;
        const why = error instanceof Error ? error.message : String(error);
        throw new StoreUnavailableError(`cannot read ${where}: ${why}`, error, ifUnreadable);
      }
    },
    directory: sqliteDirectory(database.db, commit),
    get problem() {
      return commit.problem ?? database.space?.problem ??
        opened.find(({ problem }) => problem !== undefined)?.problem;
    },
    close() {
      commit.flush();
      database.close();
      return Promise.resolve();
    },
  };
}
