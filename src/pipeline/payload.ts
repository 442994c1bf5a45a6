import type { Envelope } from "../flow.ts";

/** Of a body this much is shown, bytes. */
const maxBodyBytes = 2 * 1024;
const secretName = /authorization|cookie|token|secret|signature|password|key/i;
const masked = "***";

/** What of a webhook may go to a log for people: nothing whose name says secret, and no more than a piece. */
export interface Payload {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The beginning of the body; undefined when it is no text. */
  readonly body?: string;
}

export function payloadOf({ method, path, headers, body }: Envelope): Payload {
  const text = textOf(body);
  return {
    method,
    path: path.replace(
      /([?&;])([^=&;]*)=([^&;]*)/g,
      (whole, mark, name) => secretName.test(name) ? `${mark}${name}=${masked}` : whole,
    ),
    headers: headers.map(([name, value]) => [name, secretName.test(name) ? masked : value]),
    ...(text !== undefined && { body: text }),
  };
}

function textOf(body: Uint8Array): string | undefined {
  const isCut = body.byteLength > maxBodyBytes;
  try {
    // Cut in the middle of a character its beginning waits in the decoder for the rest.
    const text = new TextDecoder("utf-8", { fatal: true })
      .decode(body.subarray(0, maxBodyBytes), { stream: isCut });
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
