import {
  type Connection,
  type ConnectorFrame,
  type Link,
  type RelayFrame,
  StreamFailure,
  type Transport,
} from "../flow.ts";
import { withoutPath } from "../config/source_url.ts";
import { lenientText } from "../protocol/lenient_text.ts";
import type { ServerSentEvent } from "../protocol/sse.ts";
import { decodeSmeeEvent } from "../protocol/smee_codec.ts";
import type { FetchResponse } from "../runtime/fetch.ts";
import { closeEventStream, openEventStream, readEvents, sendableId } from "./event_stream.ts";
import type { RelayEndpoint } from "./relay_endpoint.ts";
import type { Doing } from "./stream_failure.ts";

/** gosmee's servers before 0.23 stream only to who is named so, and ours sends the exact bytes then. */
const userAgent = "hookferry (like gosmee)";

/**
 * A stream of smee.io, gosmee or what is made like them. Nothing goes up: a settlement counts as taken at once,
 * since there is nobody to tell. The URL is the only secret there is: no message shows its path.
 */
export function smeeTransport(relay: RelayEndpoint): Transport {
  const doing: Doing = {
    what: "open the smee stream",
    url: withoutPath(relay.url),
    advice: "check cloud_url",
    secretUrl: relay.url,
  };
  /** Where the stream is; gosmee has a page for people at the channel's own URL. */
  const places = [relay.url, eventsUrl(relay.url)];
  let lastEventId = "";
  let sequence = 0;
  let connections = 0;

  return {
    name: "smee",
    async connect(link: Link): Promise<Connection> {
      const response = await open(link);
      const connectionId = `smee_${++connections}`;
      return {
        [Symbol.asyncIterator]: () => frames(response, link, connectionId),
        send: (frame: ConnectorFrame) =>
          Promise.resolve(
            frame.type === "settle" ? frame.settlements.map(({ messageId }) => messageId) : [],
          ),
        [Symbol.asyncDispose]: () => closeEventStream(response),
      };
    },
  };

  async function open(link: Link): Promise<FetchResponse> {
    let failure: unknown;
    for (const place of [...places]) {
      try {
        const response = await openAt(place, link);
        // The next connection goes there at once.
        places.splice(0, places.length, place, ...places.filter((other) => other !== place));
        return response;
      } catch (error) {
        failure ??= error;
        if (!(error instanceof StreamFailure) || link.abort.aborted) throw error;
        // Anything but a page tells how the stream itself is.
        if (error.failureClass !== "protocol" || error.status !== undefined) break;
      }
    }
    throw failure;
  }

  async function openAt(url: URL, link: Link): Promise<FetchResponse> {
    const headers = {
      "User-Agent": userAgent,
      ...(lastEventId !== "" && { "Last-Event-ID": lastEventId }),
    };
    try {
      return await openEventStream(relay, url, headers, link, doing);
    } catch (error) {
      // It may be the id that is not taken: the next connection begins without.
      if (error instanceof StreamFailure && error.status === 400) lastEventId = "";
      throw error;
    }
  }

  async function* frames(
    response: FetchResponse,
    link: Link,
    connectionId: string,
  ): AsyncGenerator<RelayFrame> {
    yield { type: "connected", connectionId, channel: relay.channel, capabilities: [] };
    for await (const events of readEvents(response, link, doing)) {
      for (const event of events) {
        const frame = frameOf(event);
        if (frame) yield frame;
        // What is in hand by now need not be sent again.
        if (sendableId.test(event.lastEventId)) lastEventId = event.lastEventId;
      }
    }
  }

  function frameOf({ event, bytes }: ServerSentEvent): RelayFrame | undefined {
    switch (event) {
      case "message":
        return decodeSmeeEvent(lenientText(bytes), {
          webhookId: relay.channel,
          sequence: ++sequence,
          now: relay.clock.now(),
        });
      case "ready":
      case "ping":
        return undefined;
      default:
        return { type: "unknown", name: event };
    }
  }
}

/** `/a/channel` → `/a/events/channel`. */
function eventsUrl(url: URL): URL {
  const events = new URL(url);
  events.pathname = url.pathname.replace(/\/([^/]*)$/, "/events/$1");
  return events;
}
