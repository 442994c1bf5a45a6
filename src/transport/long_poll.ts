import type { Clock } from "../async/clock.ts";
import { delay } from "../async/delay.ts";
import type { Connection, ConnectorFrame, Link, RelayFrame, Transport } from "../flow.ts";
import { parseCapabilities } from "../protocol/capabilities.ts";
import { decodeEmptyPoll, decodePollResponse } from "../protocol/relay_codec.ts";
import type { Capability } from "../protocol/frames.ts";
import { lenientText } from "../protocol/lenient_text.ts";
import { maxFrameBytes } from "../protocol/limits.ts";
import { wireHeaders } from "../protocol/wire.ts";
import type { FetchResponse } from "../runtime/fetch.ts";
import { plainBytes } from "../runtime/plain_bytes.ts";
import { AtOnce } from "./at_once.ts";
import { boundedText } from "./bounded_text.ts";
import { Polling } from "./polling.ts";
import { createPostFrames } from "./post_frames.ts";
import { type RelayEndpoint, streamHeaders, streamUrl } from "./relay_endpoint.ts";
import { brokenStream, type Doing, foreignAnswer, refusedStream } from "./stream_failure.ts";

/** What the protocol allows for `max_messages`. */
const maxMessages = 100;

/**
 * An old relay hands the same message out again with every poll, for ever, as it has forgotten who had it.
 * A poll that brings nothing new is followed by a pause, so that this does not become a busy loop.
 */
const repeatPauseMs = 1_000;

/**
 * How long a poll may still bring what is on its way when nothing new is wanted: the relay has leased it, and would count it
 * as not acknowledged in time if it were cut off.
 */
const lastAnswerMs = 500;

/** One request after the other, each held by the relay until there is a message; settlements by POST. */
export function longPollTransport(relay: RelayEndpoint): Transport {
  const url = streamUrl(relay, "/poll");
  const atOnce = new AtOnce(Math.min(maxMessages, relay.maxInFlight));
  const postFrames = createPostFrames(relay);
  const pollSeconds = Math.max(
    1,
    Math.floor(Math.min(relay.pollTimeoutMs, relay.heartbeatTimeoutMs / 2) / 1000),
  );
  return {
    name: "long_poll",
    async connect(link: Link): Promise<Connection> {
      // The shortest poll there is, so that a wrong token or an absent relay shows at once.
      const first = await poll(relay, url, 1, atOnce, link, link.abort);
      const polling = new Polling();
      const state = { capabilities: first.capabilities };
      return {
        [Symbol.asyncIterator]: () =>
          frames(relay, url, pollSeconds, atOnce, link, first, state, polling),
        async send(frame: ConnectorFrame) {
          if (frame.type !== "drain") {
            return await postFrames(frame, state.capabilities, link.abort);
          }
          // Who does not ask gets nothing.
          const cancel = relay.clock.after(lastAnswerMs, () => polling.cut());
          await polling.end();
          cancel();
          return [];
        },
        [Symbol.asyncDispose]() {
          polling.cut();
          return Promise.resolve();
        },
      };
    },
  };
}

async function* frames(
  relay: RelayEndpoint,
  url: URL,
  pollSeconds: number,
  atOnce: AtOnce,
  link: Link,
  first: PollAnswer,
  state: { capabilities: readonly Capability[] },
  polling: Polling,
): AsyncGenerator<RelayFrame> {
  const seen = new RecentIds(1_000);
  const stop = AbortSignal.any([link.abort, polling.ending]);
  const cut = AbortSignal.any([link.abort, polling.isCut]);
  try {
    for (let answer = first;;) {
      state.capabilities = answer.capabilities;
      yield* answer.frames;
      if (seen.addAll(answer.frames) === "only_repeats") await pause(relay.clock, stop);
      if (stop.aborted) break;
      try {
        answer = await poll(relay, url, pollSeconds, atOnce, link, cut);
      } catch (error) {
        if (polling.isCut.aborted && !link.abort.aborted) break;
        throw error;
      }
    }
  } finally {
    polling.isOver();
  }
  // Nothing new is asked for; settlements still go up until the link ends. Whether the relay lives shows with those.
  link.pause();
  await new Promise<void>((resolve) => {
    if (link.abort.aborted) return resolve();
    link.abort.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function pause(clock: Clock, stop: AbortSignal): Promise<void> {
  await delay(repeatPauseMs, { signal: stop, clock }).catch(() => {});
}

interface PollAnswer {
  readonly frames: readonly RelayFrame[];
  readonly capabilities: readonly Capability[];
}

async function poll(
  relay: RelayEndpoint,
  base: URL,
  seconds: number,
  atOnce: AtOnce,
  link: Link,
  signal: AbortSignal,
): Promise<PollAnswer> {
  const doing: Doing = { what: "poll the relay", url: base };
  const url = new URL(base);
  url.searchParams.set("timeout", String(seconds));
  url.searchParams.set("max_messages", String(atOnce.messages));
  try {
    const response = await relay.fetch(url, {
      method: "GET",
      signal,
      headers: streamHeaders(relay),
    });
    link.heard();
    if (response.status !== 200 && response.status !== 204) {
      const text = await boundedText(response);
      throw refusedStream(doing, response.status, response.headers, text, relay.clock.now());
    }
    const { headers } = response;
    const capabilities = parseCapabilities(headers.get(wireHeaders.relayCapabilities));
    const body = await bodyBytes(response, link).catch((error) => {
      if (!signal.aborted) atOnce.brokeOff();
      throw error;
    });
    const frames = response.status === 204
      ? [decodeEmptyPoll(headers, relay.channel)]
      : decodePollResponse(body);
    if (frames[0]?.type !== "connected") {
      if (isCut(body)) atOnce.brokeOff();
      throw foreignAnswer(doing, lenientText(body.subarray(0, 400)));
    }
    atOnce.cameWhole(frames.length - 1);
    return { frames, capabilities };
  } catch (error) {
    throw brokenStream(doing, error);
  }
}

async function bodyBytes(
  { body }: FetchResponse,
  link: Link,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    link.heard();
    bytes += chunk.byteLength;
    if (bytes > maxFrameBytes) {
      throw new Error(`the answer is larger than ${maxFrameBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return plainBytes(Buffer.concat(chunks));
}

/** Not all proxies break off what they cut, and not all runtimes tell. A page in the relay's place is no such answer. */
function isCut(body: Uint8Array): boolean {
  return lenientText(body.subarray(0, 1)) === "{" &&
    !lenientText(body.subarray(-100)).trimEnd().endsWith("}");
}

/** The last message ids received, at most `limit`. */
class RecentIds {
  readonly #ids = new Set<string>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  addAll(frames: readonly RelayFrame[]): "only_repeats" | "something_new" {
    let messages = 0;
    let repeats = 0;
    for (const frame of frames) {
      if (frame.type !== "webhook") continue;
      messages++;
      if (this.#ids.delete(frame.envelope.id)) repeats++;
      this.#ids.add(frame.envelope.id);
    }
    for (const id of this.#ids) {
      if (this.#ids.size <= this.#limit) break;
      this.#ids.delete(id);
    }
    return messages > 0 && repeats === messages ? "only_repeats" : "something_new";
  }
}
