import {
  type Connection,
  type ConnectorFrame,
  type Link,
  type RelayFrame,
  StreamFailure,
  type Transport,
} from "../flow.ts";
import { parseCapabilities } from "../protocol/capabilities.ts";
import { decodeRelayFrame } from "../protocol/relay_codec.ts";
import { maxFrameBytes } from "../protocol/limits.ts";
import { type ServerSentEvent, SseDecoder, SseEventTooLargeError } from "../protocol/sse.ts";
import { wireHeaders } from "../protocol/wire.ts";
import { bodyChunks } from "./body_chunks.ts";
import { boundedText } from "./bounded_text.ts";
import { postFrames } from "./post_frames.ts";
import { type RelayEndpoint, streamHeaders, streamUrl } from "./relay_endpoint.ts";
import { brokenStream, type Doing, refusedStream } from "./stream_failure.ts";

/** Messages as server-sent events, settlements by POST. */
export function sseTransport(relay: RelayEndpoint): Transport {
  const url = streamUrl(relay, "/sse");
  const doing: Doing = { what: "open the SSE stream", url };
  /** Told to the relay when connecting again, so that it knows what was seen. */
  let lastEventId = "";
  return {
    name: "sse",
    async connect(link: Link): Promise<Connection> {
      let response: Response;
      try {
        response = await relay.fetch(url, {
          method: "GET",
          signal: link.abort,
          headers: {
            ...streamHeaders(relay),
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
            ...(lastEventId !== "" && { "Last-Event-ID": lastEventId }),
          },
        });
      } catch (error) {
        throw brokenStream(doing, error);
      }
      link.heard();
      const type = response.headers.get("content-type") ?? "";
      if (response.status !== 200 || !type.startsWith("text/event-stream") || !response.body) {
        const text = await boundedText(response, link.abort).catch(() => "");
        if (response.status !== 200) {
          throw refusedStream(doing, response.status, response.headers, text, relay.clock.now());
        }
        throw new StreamFailure(
          "protocol",
          `cannot ${doing.what} at ${url.href}: the answer is ${JSON.stringify(type)}, ` +
            `not "text/event-stream"`,
        );
      }
      const capabilities = parseCapabilities(response.headers.get(wireHeaders.relayCapabilities));
      return {
        [Symbol.asyncIterator]: () => frames(response, link, doing, (id) => lastEventId = id),
        send: (frame: ConnectorFrame) => postFrames(relay, frame, capabilities, link.abort),
        [Symbol.asyncDispose]: async () => {
          // Where it is being read the reader ends it, with the link.
          if (!response.body?.locked) await response.body?.cancel();
        },
      };
    },
  };
}

async function* frames(
  response: Response,
  link: Link,
  doing: Doing,
  onEventId: (id: string) => void,
): AsyncGenerator<RelayFrame> {
  const decoder = new SseDecoder({ maxEventBytes: maxFrameBytes });
  for await (const chunk of chunksOf(response, link, doing)) {
    link.heard();
    for (const event of decode(decoder, chunk)) {
      if (event.lastEventId !== "") onEventId(event.lastEventId);
      const frame = decodeRelayFrame(event.data, event.event);
      if (frame.type === "error") {
        throw new StreamFailure(
          "unavailable",
          `cannot ${doing.what} at ${doing.url.href}: the relay says ${
            JSON.stringify(frame.error)
          }`,
        );
      }
      yield frame;
    }
  }
  endOfStream(decoder.retryMs, doing);
}

async function* chunksOf(response: Response, link: Link, doing: Doing) {
  try {
    yield* bodyChunks(response, link.abort);
  } catch (error) {
    throw brokenStream({ ...doing, what: "read the SSE stream" }, error);
  }
}

function decode(decoder: SseDecoder, chunk: Uint8Array): ServerSentEvent[] {
  try {
    return decoder.decode(chunk);
  } catch (error) {
    if (!(error instanceof SseEventTooLargeError)) throw error;
    throw new StreamFailure("unavailable", `cannot read the SSE stream: ${error.message}`);
  }
}

/** An ordinary end, unless the stream has asked (`retry:`) for some time before the next connection. */
function endOfStream(retryMs: number | undefined, doing: Doing): void {
  if (retryMs === undefined) return;
  throw new StreamFailure("unavailable", `the relay ended the SSE stream at ${doing.url.href}`, {
    retryAfterMs: retryMs,
  });
}
