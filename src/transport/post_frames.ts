/** The way up for SSE and long-poll: settlements as HTTP requests. */
import {
  type ConnectorFrame,
  type Settlement,
  SettlementsUnsent,
  type StreamFailure,
} from "../flow.ts";
import { timeoutSignal } from "../async/timeout_signal.ts";
import { encodeAckBatch } from "../protocol/connector_codec.ts";
import { ackBatchPath, ackPath, wireHeaders } from "../protocol/wire.ts";
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
  // Heartbeats and drains have no HTTP form: a poll is its own sign of life.
  if (frame.type !== "settle") return [];
  const requests = capabilities.includes("ack-batch")
    ? batches(frame.settlements)
    : frame.settlements.map(single);
  const taken: string[] = [];
  let failure: StreamFailure | undefined;
  const waiting = requests.values();
  const worker = async () => {
    for (const request of waiting) {
      try {
        await post(relay, request, abort);
        taken.push(...request.messageIds);
      } catch (error) {
        failure ??= brokenStream({ what: "acknowledge", url: relay.url }, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxParallel, requests.length) }, worker));
  if (failure) throw new SettlementsUnsent(taken, failure);
  return taken;
}

interface SettlementRequest {
  readonly path: string;
  readonly connectionId: string;
  readonly messageIds: readonly string[];
  readonly body?: string;
}

/** One request a connection id: the relay looks the messages up by it. */
function batches(settlements: readonly Settlement[]): SettlementRequest[] {
  const byConnection = new Map<string, Settlement[]>();
  for (const settlement of settlements) {
    const group = byConnection.get(settlement.connectionId);
    if (group) group.push(settlement);
    else byConnection.set(settlement.connectionId, [settlement]);
  }
  return [...byConnection].map(([connectionId, group]) => ({
    path: ackBatchPath,
    connectionId,
    messageIds: group.map(({ messageId }) => messageId),
    body: encodeAckBatch(group),
  }));
}

function single(settlement: Settlement): SettlementRequest {
  const query = new URLSearchParams({
    message_id: settlement.messageId,
    status: settlement.verdict,
    ...(settlement.verdict === "nack" && { retry: String(settlement.retry) }),
  });
  return {
    path: `${ackPath}?${query}`,
    connectionId: settlement.connectionId,
    messageIds: [settlement.messageId],
  };
}

async function post(
  relay: RelayEndpoint,
  { path, connectionId, body }: SettlementRequest,
  abort: AbortSignal,
): Promise<void> {
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
    const doing = { what: "acknowledge", url: relayUrl(relay, ackPath) };
    throw refusedStream(doing, response.status, response.headers, text, relay.clock.now());
  } finally {
    clear();
  }
}
