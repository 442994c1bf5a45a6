import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreOpenError } from "../store.ts";
import { migrations } from "./schema.ts";

export type Durability = "full" | "normal";

export interface FolderOptions {
  /** The folder; made with mode 0700 where it does not exist. */
  readonly folder: string;
  /** `full`: a commit is on disk when it is done; `normal`: the last ones may be lost with the machine's power. */
  readonly durability: Durability;
  /** The file grows no larger; then it counts as full. Undefined = as large as the disk allows. */
  readonly maxBytes?: number | undefined;
}

export interface Database {
  readonly db: DatabaseSync;
  close(): void;
}

/** Opens the relay's database, makes or migrates it, and holds it for this process alone. Throws `StoreOpenError`. */
export function openFolder({ folder, durability, maxBytes }: FolderOptions): Database {
  try {
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const lock = holdLock(join(folder, "relay.lock"), folder);
    try {
      const db = open(join(folder, "relay.db"), durability, maxBytes);
      return {
        db,
        close() {
          db.close();
          lock.close();
        },
      };
    } catch (error) {
      lock.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof StoreOpenError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreOpenError(`cannot open the relay's data in ${JSON.stringify(folder)}: ${why}`);
  }
}

/** A database that lives as long as the process. */
export function openMemory(): Database {
  const db = new DatabaseSync(":memory:");
  migrate(db);
  return { db, close: () => db.close() };
}

/** An open exclusive transaction: the system ends it with the process, however that ends. */
function holdLock(path: string, folder: string): DatabaseSync {
  const lock = new DatabaseSync(path);
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch {
    lock.close();
    throw new StoreOpenError(`another relay is using the data in ${JSON.stringify(folder)}`);
  }
  chmodSync(path, 0o600);
  return lock;
}

function open(path: string, durability: Durability, maxBytes: number | undefined): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    chmodSync(path, 0o600);
    db.exec("PRAGMA auto_vacuum = INCREMENTAL");
    db.exec("PRAGMA journal_mode = WAL");
    db.exec(`PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`);
    migrate(db);
    if (maxBytes !== undefined) {
      const { page_size } = db.prepare("PRAGMA page_size").get() as { page_size: number };
      db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / page_size))}`);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: DatabaseSync): void {
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as {
    user_version: number;
  };
  if (version > migrations.length) {
    throw new StoreOpenError(
      `the relay's data were written by a newer hookferry (schema ${version}, this one knows ` +
        `${migrations.length}): use that one`,
    );
  }
  for (const [at, sql] of migrations.entries()) {
    if (at < version) continue;
    db.exec(`BEGIN IMMEDIATE;${sql};PRAGMA user_version = ${at + 1};COMMIT`);
  }
}
