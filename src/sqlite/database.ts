import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DiskSpace } from "./disk_space.ts";

export type Synchronous = "full" | "normal";

export interface FolderOptions {
  /** The folder; made with mode 0700 where it does not exist. */
  readonly folder: string;
  /** The files in it are NAME.db and NAME.lock, mode 0600. */
  readonly name: string;
  /** Who holds the data, for messages: "relay". */
  readonly owner: string;
  /** The n-th brings schema n-1 to n. */
  readonly migrations: readonly string[];
  /** `full`: a commit is on disk when it is done; `normal`: the last ones may be lost with the machine's power. */
  readonly synchronous: Synchronous;
}

export interface Database {
  readonly db: DatabaseSync;
  /** Undefined where it is in memory. */
  readonly space: DiskSpace | undefined;
  close(): void;
}

/** The database cannot be opened; the message says why. */
export class DatabaseOpenError extends Error {
  override readonly name = "DatabaseOpenError";
}

/** Another process holds it. */
export class DatabaseHeldError extends DatabaseOpenError {}

/** Opens a database, makes or migrates it, and holds it for this process alone. Throws `DatabaseOpenError`. */
export function openFolder(options: FolderOptions): Database {
  const { folder, name, owner } = options;
  try {
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const lock = holdLock(join(folder, `${name}.lock`), options);
    try {
      const db = open(join(folder, `${name}.db`), options);
      return {
        db,
        space: new DiskSpace(folder, () => reusableBytes(db)),
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
    if (error instanceof DatabaseOpenError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new DatabaseOpenError(
      `cannot open the ${owner}'s data in ${JSON.stringify(folder)}: ${why}`,
    );
  }
}

/** A database that lives as long as the process. */
export function openMemory({ owner, migrations }: MigrateOptions): Database {
  const db = new DatabaseSync(":memory:");
  migrate(db, { owner, migrations });
  return { db, space: undefined, close: () => db.close() };
}

/** An open exclusive transaction: the system ends it with the process, however that ends. */
function holdLock(path: string, { folder, owner }: FolderOptions): DatabaseSync {
  const lock = new DatabaseSync(path);
  chmodSync(path, 0o600); // what SQLite makes beside it gets the same
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    // SQLite's word for SQLITE_BUSY, whose number Deno alone tells. A full disk, say, is nobody's hold.
    if (!(error instanceof Error && error.message === "database is locked")) throw error;
    throw new DatabaseHeldError(
      `another ${owner} is using the data in ${JSON.stringify(folder)}`,
    );
  }
  return lock;
}

function open(path: string, options: FolderOptions): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    chmodSync(path, 0o600);
    db.exec("PRAGMA auto_vacuum = INCREMENTAL");
    db.exec("PRAGMA journal_mode = WAL");
    db.exec(`PRAGMA synchronous = ${options.synchronous === "full" ? "FULL" : "NORMAL"}`);
    migrate(db, options);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function reusableBytes(db: DatabaseSync): number {
  const { freelist_count } = db.prepare("PRAGMA freelist_count").get() as {
    freelist_count: number;
  };
  const { page_size } = db.prepare("PRAGMA page_size").get() as { page_size: number };
  return freelist_count * page_size;
}

type MigrateOptions = Pick<FolderOptions, "owner" | "migrations">;

function migrate(db: DatabaseSync, { owner, migrations }: MigrateOptions): void {
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as {
    user_version: number;
  };
  if (version > migrations.length) {
    throw new DatabaseOpenError(
      `the ${owner}'s data were written by a newer hookferry (schema ${version}, this one knows ` +
        `${migrations.length}): use that one`,
    );
  }
  for (const [at, sql] of migrations.entries()) {
    if (at < version) continue;
    db.exec(`BEGIN IMMEDIATE;${sql};PRAGMA user_version = ${at + 1};COMMIT`);
  }
}
