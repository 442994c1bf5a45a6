import type { BatchSettings } from "../config/settings.ts";
import { bodyMembers } from "../protocol/body_text.ts";
import type { BatchMessage } from "./batch.ts";
import { cloudEvent } from "./cloudevent.ts";

/** One way to write a batch (docs/BATCH.md). */
export interface BatchFormat {
  readonly contentType: string;
  encode(messages: readonly BatchMessage[]): string;
}

export const batchFormats: Readonly<Record<BatchSettings["format"], BatchFormat>> = {
  json: {
    contentType: "application/json",
    encode: (messages) => jsonArray(messages.map(messageObject)),
  },
  ndjson: {
    contentType: "application/x-ndjson",
    encode: (messages) => messages.map((message) => `${messageObject(message)}\n`).join(""),
  },
  /** The JSON batch format (CloudEvents 1.0.2, JSON format section 4). */
  cloudevents: {
    contentType: "application/cloudevents-batch+json",
    encode: (messages) => jsonArray(messages.map(cloudEvent)),
  },
};

function jsonArray(elements: readonly string[]): string {
  return `[${elements.join(",\n")}]`;
}

/** All that is known of a message, on one line. The body is a string also where it is JSON: its bytes survive. */
function messageObject({ envelope, attempt }: BatchMessage): string {
  return JSON.stringify({
    message_id: envelope.id,
    webhook_id: envelope.webhookId,
    sequence: envelope.sequence,
    received_at: envelope.receivedAt,
    attempt,
    method: envelope.method,
    path: envelope.path,
    headers: envelope.headers,
    ...bodyMembers(envelope.body),
  });
}
