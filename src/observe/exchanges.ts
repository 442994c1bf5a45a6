import { AgedMap } from "../async/aged_map.ts";
import type { Exchange, Inspect, KeptBody, KeptExchanges, KeptRequest } from "./picture.ts";
import type { Redact } from "../protocol/redact.ts";

export interface Exchanges {
  readonly record: Inspect;
  of(messageId: string): KeptExchanges | undefined;
}

/** Of each body. */
const maxBodyBytes = 64 * 1024;
/** Of one message. */
const maxSent = 5;

interface Kept {
  readonly received: KeptRequest;
  readonly sent: KeptExchanges["sent"][number][];
}

/** Keeps requests and responses of the last messages, in memory; what `redact` hides is not kept at all. */
export function keepExchanges(
  { maxMessages, redact }: { readonly maxMessages: number; readonly redact: Redact },
): Exchanges {
  const messages = new AgedMap<Kept>();

  function record({ envelope, target, attempt, request, response }: Exchange): void {
    const { id, method, path, headers, body } = envelope;
    const kept = messages.get(id) ?? {
      received: {
        line: `${method} ${redact.path(path) || "/"}`,
        headers: redact.headers(headers),
        body: keptBody(body, redact),
      },
      sent: [],
    };
    messages.set(id, kept);
    if (kept.sent.length === maxSent) kept.sent.shift();
    kept.sent.push({
      target,
      attempt,
      request: {
        line: `${request.method} ${request.origin}${redact.path(request.path)}`,
        headers: redact.headers(request.headers),
        // Most often the very bytes that came.
        body: request.body === body ? kept.received.body : keptBody(request.body, redact),
      },
      response: response && {
        status: response.status,
        headers: redact.headers(response.headers),
        body: keptBody(response.body, redact, response.bytes),
      },
    });
    messages.forgetOldest(maxMessages);
  }

  return { record, of: (messageId) => messages.get(messageId) };
}

/** A copy of the beginning, so that the rest can go. */
function keptBody(bytes: Uint8Array, redact: Redact, total = bytes.byteLength): KeptBody {
  const beginning = bytes.slice(0, maxBodyBytes);
  const isCut = total > beginning.byteLength;
  return { bytes: redact.body(beginning, isCut), isCut, total };
}
