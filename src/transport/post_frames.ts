/** The way up for SSE and long-poll: settlements and extensions as HTTP requests. */
import {
  type ConnectorFrame,
  type Settlement,
  SettlementsUnsent,
  type StreamFailure,
} from "../flow.ts";
import { timeoutSignal } from "../async/timeout_signal.ts";
import { encodeAckBatch, encodeExtensions } from "../protocol/connector_codec.ts";
import { ackBatchPath, ackPath, extendPath, wireHeaders } from "../protocol/wire.ts";
import type { Capability } from "../protocol/frames.ts";
import { type RelayEndpoint, relayUrl } from "./relay_endpoint.ts";
import { brokenStream, refusedStream } from "./stream_failure.ts";
import { boundedText } from "./bounded_text.ts";

/** Requests at a time where the relay takes only one settlement per request. */
const maxParallel = 8;

/**
 * Sends what a frame says by POST and returns the ids the relay has taken. A 404 counts as taken: the relay
 * has given that message up, there is nothing more to tell. Throws `SettlementsUnsent` when some were not.
 */
export async function postFrames(
  relay: RelayEndpoint,
  frame: ConnectorFrame,
  capabilities: readonly Capability[],
  abort: AbortSignal,
): Promise<readonly string[]> {
  const requests = requestsFor(frame, capabilities);
  const taken: string[] = [];
  let failure: StreamFailure | undefined;
  const waiting = requests.values();
  const worker = async () => {
    for (const request of waiting) {
      try {
        await post(relay, request, abort);
        taken.push(...request.messageIds);
      } catch (error) {
        failure ??= brokenStream({ what: request.what, url: relay.url }, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxParallel, requests.length) }, worker));
  if (failure) throw frame.type === "settle" ? new SettlementsUnsent(taken, failure) : failure;
  return taken;
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

/** Heartbeats and drains have no HTTP form: a poll is its own sign of life. */
function requestsFor(frame: ConnectorFrame, capabilities: readonly Capability[]): FrameRequest[] {
  switch (frame.type) {
    case "heartbeat":
    case "drain":
      return [];
    case "extend":
      return capabilities.includes("extend") ? extensions(frame) : [];
    case "settle":
      return capabilities.includes("ack-batch")
        ? batches(frame.settlements)
        : frame.settlements.map(single);
  }
}

function extensions(
  { messageIds, connectionId }: Extract<ConnectorFrame, { type: "extend" }>,
): FrameRequest[] {
  return encodeExtensions(messageIds).map((body) => ({
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
  const query = new URLSearchParams({
    message_id: settlement.messageId,
    status: settlement.verdict,
    ...(settlement.verdict === "nack" && { retry: String(settlement.retry) }),
  });
  return {
    what: "acknowledge",
    path: `${ackPath}?${query}`,
    connectionId: settlement.connectionId,
    messageIds: [settlement.messageId],
  };
}

async function post(
  relay: RelayEndpoint,
  request: FrameRequest,
  abort: AbortSignal,
  mayRenew = true,
): Promise<void> {
  const { what, path, connectionId, body } = request;
  const url = relayUrl(relay, path);
  const late = () => new DOMException(`no answer within ${relay.ackTimeoutMs} ms`, "TimeoutError");
  const { signal, clear } = timeoutSignal(relay.ackTimeoutMs, late, abort, relay.clock);
  try {
    const response = await relay.fetch(url, {
      method: "POST",
      signal,
      headers: {
        "Authorization": `Bearer ${relay.token.reveal()}`,
        [wireHeaders.connectionId]: connectionId,
        [wireHeaders.connectorId]: relay.connectorId,
        ...(body !== undefined && { "Content-Type": "application/json" }),
      },
      ...(body !== undefined && { body }),
    });
    const text = await boundedText(response, signal);
    if (response.ok || response.status === 404) return;
    if (response.status === 401 && mayRenew && await relay.renewToken?.()) {
      return await post(relay, request, abort, false);
    }
    const doing = { what, url: relayUrl(relay, path.split("?", 1)[0] ?? path) };
    throw refusedStream(doing, response.status, response.headers, text, relay.clock.now());
  } finally {
    clear();
  }
}
