/** The way up for SSE and long-poll: settlements and extensions as HTTP requests. */
import {
  type ConnectorFrame,
  type Settlement,
  SettlementsUnsent,
  type StreamFailure,
} from "../flow.ts";
import type { Cancel } from "../async/abort.ts";
import { createTimeouts } from "../async/timeouts.ts";
import { encodeAckBatch, encodeExtensions } from "../protocol/connector_codec.ts";
import { ackBatchPath, ackPath, drainPath, extendPath } from "../protocol/wire.ts";
import type { Capability, Extension } from "../protocol/frames.ts";
import { type RelayEndpoint, relayPath, relayUrl } from "./relay_endpoint.ts";
import { type SettlementHeaders, settlementHeaders } from "./settlement_headers.ts";
import { brokenStream, foreignAnswer, refusedStream } from "./stream_failure.ts";
import { boundedText } from "./bounded_text.ts";

/** Requests at a time where the relay takes only one settlement per request. */
const maxParallel = 32;

/** Sends what a frame says; resolves with the ids the relay has taken. */
export type PostFrames = (
  frame: ConnectorFrame,
  capabilities: readonly Capability[],
  abort: AbortSignal,
) => Promise<readonly string[]>;

/**
 * By POST. A 404 counts as taken: the relay has given that message up, there is nothing more to tell. Rejects with
 * `SettlementsUnsent` when some were not.
 */
export function createPostFrames(relay: RelayEndpoint): PostFrames {
  const late = () => new DOMException(`no answer within ${relay.ackTimeoutMs} ms`, "TimeoutError");
  const timeouts = createTimeouts(relay.ackTimeoutMs, late, relay.clock);

  const headersOf = settlementHeaders(relay);

  return async (frame, capabilities, abort) => {
    const requests = requestsFor(frame, capabilities);
    const taken: string[] = [];
    let failure: StreamFailure | undefined;
    const waiting = requests.values();
    const worker = async () => {
      for (const request of waiting) {
        const { signal, clear } = timeouts.start(abort);
        try {
          await post(relay, headersOf, request, signal);
          taken.push(...request.messageIds);
        } catch (error) {
          failure ??= brokenStream({ what: request.what, url: relay.url }, error);
        } finally {
          clear();
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(maxParallel, requests.length) }, worker));
    if (failure) throw frame.type === "settle" ? new SettlementsUnsent(taken, failure) : failure;
    return taken;
  };
}

interface FrameRequest {
  /** In the words of an error message: "cannot …". */
  readonly what: string;
  readonly path: string;
  readonly connectionId: string;
  /** Settled when the relay has taken it. */
  readonly messageIds: readonly string[];
  readonly body?: string;
}

/** A heartbeat has no HTTP form: a poll is its own sign of life. */
function requestsFor(frame: ConnectorFrame, capabilities: readonly Capability[]): FrameRequest[] {
  switch (frame.type) {
    case "heartbeat":
      return [];
    case "drain":
      // One that the relay has not named yet cannot be told of.
      return capabilities.includes("drain") && frame.connectionId !== ""
        ? [drain(frame.connectionId)]
        : [];
    case "extend":
      return capabilities.includes("extend") ? extensions(frame) : [];
    case "settle":
      return capabilities.includes("ack-batch")
        ? batches(frame.settlements)
        : frame.settlements.map(single);
  }
}

/** A relay that has no such path answers 404: what it goes on handing out is given back. */
function drain(connectionId: string): FrameRequest {
  return { what: "say that nothing more is taken", path: drainPath, connectionId, messageIds: [] };
}

function extensions(extension: Extension): FrameRequest[] {
  const { connectionId } = extension;
  return encodeExtensions(extension).map((body) => ({
    what: "extend leases",
    path: extendPath,
    connectionId,
    messageIds: [],
    body,
  }));
}

/** One request a connection id: the relay looks the messages up by it. */
function batches(settlements: readonly Settlement[]): FrameRequest[] {
  const byConnection = new Map<string, Settlement[]>();
  for (const settlement of settlements) {
    const group = byConnection.get(settlement.connectionId);
    if (group) group.push(settlement);
    else byConnection.set(settlement.connectionId, [settlement]);
  }
  return [...byConnection].map(([connectionId, group]) => ({
    what: "acknowledge",
    path: ackBatchPath,
    connectionId,
    messageIds: group.map(({ messageId }) => messageId),
    body: encodeAckBatch(group),
  }));
}

function single(settlement: Settlement): FrameRequest {
  const { messageId, connectionId, verdict } = settlement;
  const retry = verdict === "nack" ? `&retry=${settlement.retry}` : "";
  return {
    what: "acknowledge",
    path: `${ackPath}?message_id=${encodeURIComponent(messageId)}&status=${verdict}${retry}`,
    connectionId,
    messageIds: [messageId],
  };
}

async function post(
  relay: RelayEndpoint,
  headersOf: SettlementHeaders,
  request: FrameRequest,
  signal: Cancel,
): Promise<void> {
  const { what, path, connectionId, body } = request;
  const send = () =>
    relay.fetch(relay.url, {
      method: "POST",
      path: relayPath(relay, path),
      signal,
      shared: headersOf(connectionId),
      ...(body !== undefined && { headers: { "Content-Type": "application/json" }, body }),
    });
  let response = await send();
  let text = await boundedText(response);
  if (response.status === 401 && await relay.renewToken?.()) {
    response = await send();
    text = await boundedText(response);
  }
  const { status, headers } = response;
  const isTaken = (status >= 200 && status < 300) || status === 404;
  // What a relay answers is an object, of which this may be the beginning.
  if (isTaken && /^\s*\{/.test(text)) return;
  const doing = { what, url: relayUrl(relay, path.split("?", 1)[0] ?? path) };
  if (isTaken) throw foreignAnswer(doing, text);
  throw refusedStream(doing, status, headers, text, relay.clock.now());
}
