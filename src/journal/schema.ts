/** The n-th brings schema n-1 to n. What was released is never changed: a new one is added. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  -- Messages whose delivery is under way (running = 1). Those that still are at the start were in hand at a crash.
  CREATE TABLE in_hand (
    id TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    running INTEGER NOT NULL DEFAULT 1,
    crashes INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
  -- Of a message with several targets: those that are done. reason: of the dead letter; NULL = delivered.
  CREATE TABLE settled_target (
    id TEXT NOT NULL,
    target TEXT NOT NULL,
    reason TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (id, target)
  ) WITHOUT ROWID;
  CREATE TABLE finished (
    rowid INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    -- JSON; NULL = delivered.
    reason TEXT,
    confirmed INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE dead_letter (
    rowid INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    target TEXT NOT NULL,
    at INTEGER NOT NULL,
    webhook_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    received_at TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    reason TEXT NOT NULL,
    -- Before the columns that may be long, so that they need not be read for a sum.
    bytes INTEGER NOT NULL,
    headers TEXT NOT NULL,
    response BLOB,
    body BLOB NOT NULL,
    UNIQUE (id, target)
  );
  `,
  // No index of the ids: they are random, and each new one was a page of it to be written anew. Rows are found by number.
  `
  CREATE TABLE finished_by_number (
    rowid INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    -- JSON; NULL = delivered.
    reason TEXT,
    confirmed INTEGER NOT NULL DEFAULT 0
  );
  INSERT INTO finished_by_number SELECT rowid, id, at, reason, confirmed FROM finished;
  DROP TABLE finished;
  ALTER TABLE finished_by_number RENAME TO finished;
  `,
];
