import type { Envelope } from "../flow.ts";
import { splitObject } from "../protocol/json_bytes.ts";
import { isObject } from "../protocol/json_object.ts";
import { parseJson } from "../protocol/parse_json.ts";
import { decodeWebhook } from "../protocol/webhook_codec.ts";

const encoder = new TextEncoder();

/**
 * A message written down: as `dead-letters show` prints it, as the relay sends it, or by hand: `webhook_id`, and what
 * else is of interest of `message_id`, `method`, `path`, `headers` (an object or pairs) and `body` (a text, or JSON).
 * Throws an `Error` that says what is wrong.
 */
export function parseMessage(text: string): Envelope {
  const given = parseJson(text);
  // The letters of one message: `dead-letters show` prints a list, the status server gives it a name.
  const letters = isObject(given) ? given["dead_letters"] : given;
  const value = Array.isArray(letters) ? letters[0] as unknown : given;
  if (!isObject(value)) {
    throw new Error("use an object, or what dead-letters show prints");
  }
  const { headers, body = "", ...rest } = value;
  const frame = {
    message_id: "msg_example",
    timestamp: value["received_at"] ?? "",
    ...rest,
    ...(Array.isArray(headers) ? { raw_headers: headers } : { headers: headers ?? {} }),
  };
  const payload = value === given
    ? splitObject(encoder.encode(text), ["payload"]).members["payload"]
    : undefined;
  const literal = JSON.stringify(typeof body === "string" ? body : JSON.stringify(body));
  const decoded = decodeWebhook(
    frame,
    payload ? { payload } : { body: { bytes: encoder.encode(literal), isLoose: true } },
  );
  if (decoded.type === "webhook") return decoded.envelope;
  throw new Error(decoded.type === "malformed" ? decoded.problem : "it is no message");
}
