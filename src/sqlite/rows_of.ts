import type { DatabaseSync } from "node:sqlite";

/** The rows of a query whose columns the schema gives those types. */
export function rowsOf<Row>(db: DatabaseSync, sql: string): Row[] {
  return db.prepare(sql).all() as Row[];
}
