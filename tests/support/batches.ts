import type { Envelope } from "../../src/flow.ts";

/** One message as the formats json and ndjson write it. */
export interface Written {
  readonly message_id: string;
  readonly webhook_id: string;
  readonly sequence: number;
  readonly received_at: string;
  readonly attempt: number;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly [string, string][];
  readonly body: string;
  readonly body_encoding: "utf8" | "base64";
}

export function writtenIn(body: Uint8Array): Written[] {
  return JSON.parse(new TextDecoder().decode(body));
}

export function bytesOf({ body, body_encoding }: Written): Uint8Array {
  return new Uint8Array(Buffer.from(body, body_encoding));
}

let made = 0;

/** A webhook with a fresh id, as the relay gives it. */
export function envelope(
  body: string | Uint8Array = "{}",
  given: Partial<Envelope> = {},
): Envelope {
  const sequence = ++made;
  return {
    id: `msg_${sequence}`,
    webhookId: "hook",
    sequence,
    receivedAt: "2026-03-01T12:00:00.000Z",
    method: "POST",
    path: "",
    headers: [["content-type", "application/json"]],
    body: new Uint8Array(typeof body === "string" ? new TextEncoder().encode(body) : body),
    ...given,
  };
}
