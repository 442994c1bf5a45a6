/** What the statements give, by the names of the columns. */
import type { FailedDelivery, StoredMessage } from "../store.ts";

export interface MessageRow {
  readonly id: string;
  readonly sequence: number;
  readonly lane: string;
  readonly webhook_id: string;
  readonly received_at: number;
  readonly expires_at: number;
  readonly ready_at: number;
  readonly deliveries: number;
  readonly history: string;
  readonly method: string;
  readonly path: string;
  readonly headers: string;
  readonly bytes: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface DeadLetterRow extends Omit<MessageRow, "lane" | "ready_at"> {
  readonly reason: string;
  readonly at: number;
}

/** What stands before all that may be large. */
export type DeadLetterHead = Pick<
  DeadLetterRow,
  "id" | "sequence" | "webhook_id" | "received_at" | "expires_at" | "deliveries" | "bytes" | "at"
>;

export type RefRow = Pick<
  MessageRow,
  "id" | "sequence" | "lane" | "webhook_id" | "bytes" | "deliveries"
>;

/** All that is needed before a message is read whole: its body may be large, or damaged. */
export type HeadRow = RefRow & Pick<MessageRow, "ready_at">;

/** A message of which no more than this is kept in memory. */
export interface Ref {
  readonly id: string;
  readonly sequence: number;
  readonly lane: string;
  readonly webhookId: string;
  readonly bytes: number;
  deliveries: number;
  /** Known since the message was read for the first time. */
  history?: readonly FailedDelivery[];
}

export function refFromRow(row: RefRow): Ref {
  return {
    id: row.id,
    sequence: row.sequence,
    lane: row.lane,
    webhookId: row.webhook_id,
    bytes: row.bytes,
    deliveries: row.deliveries,
  };
}

/** Throws what JSON.parse throws where the row is damaged. */
export function messageFromRow(
  row: Omit<MessageRow, "lane" | "ready_at" | "history">,
  deliveries: number,
): StoredMessage {
  return {
    expiresAt: row.expires_at,
    deliveries,
    envelope: {
      id: row.id,
      webhookId: row.webhook_id,
      sequence: row.sequence,
      receivedAt: new Date(row.received_at).toISOString(),
      method: row.method,
      path: row.path,
      headers: JSON.parse(row.headers),
      body: row.body,
      deliveryCount: deliveries,
    },
  };
}
