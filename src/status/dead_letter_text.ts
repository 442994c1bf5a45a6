import type { DeadLetter, Reason } from "../flow.ts";
import { bodyMembers } from "../protocol/body_text.ts";

/** A dead letter as JSON; names as on the wire. The bytes of body and response can be had back exactly. */
export interface DeadLetterText {
  readonly message_id: string;
  readonly webhook_id: string;
  readonly target: string;
  /** When it was put away, ISO 8601. */
  readonly at: string;
  readonly attempts: number;
  readonly reason: Reason;
  readonly received_at: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly body_encoding: "utf8" | "base64";
  /** The beginning of the target's last response. */
  readonly response?: string;
  readonly response_encoding?: "utf8" | "base64";
}

export function deadLetterText(letter: DeadLetter, at: number): DeadLetterText {
  const { envelope, target, attempts, reason, response } = letter;
  const answered = response && bodyMembers(response);
  return {
    message_id: envelope.id,
    webhook_id: envelope.webhookId,
    target,
    at: new Date(at).toISOString(),
    attempts,
    reason,
    received_at: envelope.receivedAt,
    method: envelope.method,
    path: envelope.path,
    headers: envelope.headers,
    ...bodyMembers(envelope.body),
    ...(answered && { response: answered.body, response_encoding: answered.body_encoding }),
  };
}
