import type { Envelope } from "../flow.ts";
import { utf8Beginning } from "../protocol/body_text.ts";
import type { Redact } from "../protocol/redact.ts";

/** Of a body this much is shown, bytes. */
const maxBodyBytes = 2 * 1024;

/** What of a webhook may go to a log for people: nothing that `redact` hides, and no more than a piece of its body. */
export interface Payload {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The beginning of the body; undefined when it is no text. */
  readonly body?: string;
}

export function payloadOf({ method, path, headers, body }: Envelope, redact: Redact): Payload {
  const isCut = body.byteLength > maxBodyBytes;
  const beginning = body.subarray(0, maxBodyBytes);
  const text = utf8Beginning(redact.body(beginning, isCut), isCut);
  return {
    method,
    path: redact.path(path),
    headers: redact.headers(headers),
    ...(text !== undefined && !text.includes("\0") && { body: text }),
  };
}
