/** The n-th brings schema n-1 to n. What was released is never changed: a new one is added. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE channel (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    next_sequence INTEGER NOT NULL DEFAULT 1
  );
  CREATE TABLE message (
    rowid INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL REFERENCES channel (id),
    sequence INTEGER NOT NULL,
    id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- 0 = at once; else not before that time, after a nack.
    ready_at INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    headers TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    body BLOB NOT NULL
  );
  CREATE UNIQUE INDEX message_by_sequence ON message (channel_id, sequence);
  CREATE INDEX message_by_expiry ON message (channel_id, expires_at);
  CREATE INDEX message_waiting ON message (channel_id, ready_at) WHERE ready_at > 0;
  CREATE TABLE dead_letter (
    rowid INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id INTEGER NOT NULL REFERENCES channel (id),
    id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    webhook_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    deliveries INTEGER NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    headers TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    body BLOB NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
  );
  CREATE INDEX dead_letter_by_channel ON dead_letter (channel_id, rowid);
  CREATE UNIQUE INDEX dead_letter_by_id ON dead_letter (channel_id, id);
  `,
  `
  -- Settings and token hashes of a channel, JSON (directory.ts).
  ALTER TABLE channel ADD COLUMN record TEXT;
  `,
  `
  -- Which messages take turns, or go one at a time (lane.ts).
  ALTER TABLE message ADD COLUMN lane TEXT NOT NULL DEFAULT '';
  UPDATE message SET lane = webhook_id;
  CREATE INDEX message_by_lane ON message (channel_id, lane, sequence);
  `,
  `
  -- Deliveries that came to nothing, JSON (FailedDelivery in store.ts).
  ALTER TABLE message ADD COLUMN history TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE dead_letter ADD COLUMN history TEXT NOT NULL DEFAULT '[]';
  `,
  `
  -- With what is asked of all dead letters at once: their rows may be large, or damaged.
  DROP INDEX dead_letter_by_channel;
  CREATE INDEX dead_letter_by_channel ON dead_letter (channel_id, rowid, id, bytes);
  `,
  `
  -- By which rule its messages have their lanes (LaneRule in lane.ts).
  ALTER TABLE channel ADD COLUMN lane_rule TEXT;
  `,
];
