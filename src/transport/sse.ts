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
import { wireHeaders } from "../protocol/wire.ts";
import type { FetchResponse } from "../runtime/fetch.ts";
import { closeEventStream, openEventStream, readEvents, sendableId } from "./event_stream.ts";
import { createPostFrames } from "./post_frames.ts";
import { type RelayEndpoint, streamHeaders, streamUrl } from "./relay_endpoint.ts";
import type { Doing } from "./stream_failure.ts";

/** Messages as server-sent events, settlements by POST. */
export function sseTransport(relay: RelayEndpoint): Transport {
  const url = streamUrl(relay, "/sse");
  const doing: Doing = { what: "open the SSE stream", url };
  const postFrames = createPostFrames(relay);
  /** Told to the relay when connecting again, so that it knows what was seen. */
  let lastEventId = "";
  return {
    name: "sse",
    async connect(link: Link): Promise<Connection> {
      const headers = {
        ...streamHeaders(relay),
        ...(lastEventId !== "" && { "Last-Event-ID": lastEventId }),
      };
      const response = await openEventStream(relay, url, headers, link, doing);
      const capabilities = parseCapabilities(response.headers.get(wireHeaders.relayCapabilities));
      return {
        [Symbol.asyncIterator]: () => frames(response, link, doing, (id) => lastEventId = id),
        send: (frame: ConnectorFrame) => postFrames(frame, capabilities, link.abort),
        [Symbol.asyncDispose]: () => closeEventStream(response),
      };
    },
  };
}

async function* frames(
  response: FetchResponse,
  link: Link,
  doing: Doing,
  onEventId: (id: string) => void,
): AsyncGenerator<RelayFrame> {
  for await (const events of readEvents(response, link, doing)) {
    for (const { bytes, event, lastEventId } of events) {
      if (sendableId.test(lastEventId)) onEventId(lastEventId);
      const frame = decodeRelayFrame(bytes, event);
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
}
