import type { Envelope } from "../flow.ts";
import { splitObject } from "../protocol/json_bytes.ts";
import { parseObject } from "../protocol/json_object.ts";
import { decodeWebhook } from "../protocol/webhook_codec.ts";

const encoder = new TextEncoder();

/**
 * A message written down: as `dead-letters show` prints it, as the relay sends it, or by hand: `webhook_id`, and what
 * else is of interest of `message_id`, `method`, `path`, `headers` (an object or pairs) and `body` (a text, or JSON).
 * Throws an `Error` that says what is wrong.
 */
export function parseMessage(text: string): Envelope {
  const given = parseObject(text);
  if (typeof given === "string") throw new Error(given);
  // `dead-letters show` prints the letters of one message.
  const letters = given["dead_letters"];
  const value = Array.isArray(letters) ? Object(letters[0]) as Record<string, unknown> : given;
  const { headers, body = "", ...rest } = value;
  const frame = {
    message_id: "msg_example",
    timestamp: value["received_at"] ?? "",
    ...rest,
    ...(Array.isArray(headers) ? { raw_headers: headers } : { headers: headers ?? {} }),
  };
  const { payload } = splitObject(encoder.encode(text), ["payload"]).members;
  const literal = JSON.stringify(typeof body === "string" ? body : JSON.stringify(body));
  const decoded = decodeWebhook(
    frame,
    payload ? { payload } : { body: { bytes: encoder.encode(literal), isLoose: true } },
  );
  if (decoded.type === "webhook") return decoded.envelope;
  throw new Error(decoded.type === "malformed" ? decoded.problem : "it is no message");
}
