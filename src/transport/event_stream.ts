/** Server-sent events over fetch: what every transport that reads them shares. */
import { type Link, StreamFailure } from "../flow.ts";
import { maxFrameBytes } from "../protocol/limits.ts";
import type { FetchResponse } from "../runtime/fetch.ts";
import { type ServerSentEvent, SseDecoder, SseEventTooLargeError } from "../protocol/sse.ts";
import { boundedText } from "./bounded_text.ts";
import type { RelayEndpoint } from "./relay_endpoint.ts";
import { brokenStream, type Doing, quoted, refusedStream } from "./stream_failure.ts";

/** An id that can go back in a header; ours are numbers. */
export const sendableId = /^[\x21-\x7e]{1,256}$/;

/** The response that is a stream. Rejects with a `StreamFailure`: what answers with another type is `protocol`. */
export async function openEventStream(
  relay: RelayEndpoint,
  url: URL,
  headers: Readonly<Record<string, string>>,
  link: Link,
  doing: Doing,
): Promise<FetchResponse> {
  let response: FetchResponse;
  try {
    response = await relay.fetch(url, {
      method: "GET",
      signal: link.abort,
      headers: { ...headers, "Accept": "text/event-stream" },
    });
  } catch (error) {
    throw brokenStream(doing, error);
  }
  link.heard();
  const type = response.headers.get("content-type") ?? "";
  if (response.status === 200 && type.startsWith("text/event-stream")) return response;
  const text = await boundedText(response).catch(() => "");
  if (response.status !== 200) {
    throw refusedStream(doing, response.status, response.headers, text, relay.clock.now());
  }
  throw new StreamFailure(
    "protocol",
    `cannot ${doing.what} at ${doing.url.href}: the answer is ${quoted(doing, type, 200)}, ` +
      `not "text/event-stream"`,
  );
}

/** Ends a stream that nobody reads; where it is being read the reader ends it, with the link. */
export function closeEventStream({ body }: FetchResponse): Promise<void> {
  if (!body.isRead) body.destroy();
  return Promise.resolve();
}

/**
 * The events to the end of the stream, all that are here at a time. Throws a `StreamFailure` when it breaks, or has asked
 * for time (`retry:`).
 */
export async function* readEvents(
  { body }: FetchResponse,
  link: Link,
  doing: Doing,
): AsyncGenerator<readonly ServerSentEvent[]> {
  const decoder = new SseDecoder(maxFrameBytes);
  try {
    for await (const chunks of body.batches()) {
      link.heard();
      const { events, failure } = decode(decoder, chunks);
      yield events;
      if (failure) throw failure;
    }
  } catch (error) {
    if (error instanceof StreamFailure) throw error;
    const broken = brokenStream({ ...doing, what: "read the SSE stream" }, error);
    throw withRetry(broken, decoder.retryMs);
  }
  endOfStream(decoder.retryMs, doing);
}

/** What came before a failure counts. */
function decode(decoder: SseDecoder, chunks: readonly Uint8Array<ArrayBuffer>[]) {
  const events: ServerSentEvent[] = [];
  try {
    for (const chunk of chunks) decoder.read(chunk, events);
    return { events };
  } catch (error) {
    if (!(error instanceof SseEventTooLargeError)) throw error;
    const problem = `cannot read the SSE stream: ${error.message}`;
    return { events, failure: new StreamFailure("unavailable", problem) };
  }
}

/** A stream that broke off, too, may have asked for time. */
function withRetry(failure: StreamFailure, retryAfterMs: number | undefined): StreamFailure {
  if (retryAfterMs === undefined) return failure;
  const { failureClass, message, cause } = failure;
  return new StreamFailure(failureClass, message, { retryAfterMs, cause });
}

/** An ordinary end, unless the stream has asked (`retry:`) for some time before the next connection. */
function endOfStream(retryMs: number | undefined, doing: Doing): void {
  if (retryMs === undefined) return;
  throw new StreamFailure("unavailable", `the relay ended the SSE stream at ${doing.url.href}`, {
    retryAfterMs: retryMs,
  });
}
