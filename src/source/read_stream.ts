import type { Clock } from "../async/clock.ts";
import { type Delivery, type RelayFrame, StreamFailure } from "../flow.ts";
import type { Observe } from "../observe/events.ts";
import { resumeMs } from "../protocol/limits.ts";
import type { InHand } from "./in_hand.ts";
import type { OpenStream } from "./open_stream.ts";
import type { Outbox } from "./outbox.ts";
import { settlementOf } from "./settlement.ts";

export interface ReadStreamOptions {
  readonly outbox: Outbox;
  readonly inHand: InHand;
  /** Told when the relay has greeted us. */
  readonly onConnected: (connected: Connected) => void;
  /** Nothing more is to be taken from this connection. */
  readonly isLeaving: () => boolean;
  /** Resolves when the next webhook may be taken. */
  readonly mayTake: () => Promise<void>;
  /** Heartbeats are sent this often, whether or not we are reading, milliseconds. */
  readonly heartbeatMs: number;
  /** Since when there has been no connection, by the clock that never jumps. */
  readonly downSince: number;
  readonly clock: Clock;
  readonly observe: Observe;
}

export type Connected = Extract<RelayFrame, { type: "connected" }>;

/**
 * Reads one connection to its end, giving out its webhooks and answering the rest. Ends when the relay ends
 * the stream or we do; throws the `StreamFailure` when it broke.
 */
export async function* readStream(
  stream: OpenStream,
  options: ReadStreamOptions,
): AsyncGenerator<Delivery, void> {
  const { connection, link } = stream;
  const { outbox, inHand, observe } = options;
  /** It takes back what was not begun with, and does not count it. */
  let takesBack = false;
  /** For so long it keeps for us what we have, should the connection end. */
  let keptMs = 0;
  let stopExtending: (() => void) | undefined;
  let isAnswering = false;
  /** Once at a time: a relay that asks and does not read must not fill our memory with answers. */
  const answerHeartbeat = async () => {
    if (isAnswering) return;
    isAnswering = true;
    await connection.send({ type: "heartbeat" }).catch(() => {});
    isAnswering = false;
  };
  const stopHeartbeats = sendHeartbeats(stream, options);
  // What a poll brought is leased beyond it; a nack would take back what another stream brings again.
  const { name } = stream.transport;
  const endsLeases = name !== "long_poll";
  // What a smee server has sent it does not have any more.
  const comesAgain = endsLeases && name !== "smee";
  if (endsLeases) outbox.forgetRetries();
  outbox.attach(connection);
  try {
    for await (const frame of connection) {
      if (comesAgain && link.abort.aborted) break;
      switch (frame.type) {
        case "connected":
          stream.connectionId = frame.connectionId || stream.connectionId;
          takesBack = frame.capabilities.includes("extend");
          if (comesAgain && frame.capabilities.includes("resume")) {
            keptMs = Math.min(resumeMs, frame.ackTimeoutMs ?? resumeMs);
          }
          stream.isOld = frame.capabilities.length === 0;
          stream.lastWebhookAt = options.clock.monotonic();
          options.onConnected(frame);
          if (frame.ackTimeoutMs !== undefined && frame.capabilities.includes("extend")) {
            // A poll says it again with every answer.
            stopExtending ??= inHand.extendLeases(
              connection,
              () => stream.connectionId,
              frame.ackTimeoutMs,
              keptMs > 0 ? () => outbox.messageIds : undefined,
            );
          }
          if (stream.connectedAt !== undefined) {
            if (name === "long_poll") break;
            observe({ type: "stream.frame_ignored", kind: "stray", problem: "connected, again" });
            break;
          }
          stream.connectedAt = options.clock.monotonic();
          observe({
            type: "stream.connected",
            transport: name,
            connectionId: stream.connectionId,
            capabilities: frame.capabilities,
            downMs: Math.round(stream.connectedAt - options.downSince),
            ...(frame.waiting && { waiting: frame.waiting }),
          });
          break;
        case "webhook":
          if (stream.isOld) stream.lastWebhookAt = options.clock.monotonic();
          link.pause();
          await options.mayTake();
          if (options.isLeaving()) {
            link.resume();
            // An old relay is not told: the end of the connection gives it back.
            if (takesBack) giveBack(frame.envelope.id);
            break;
          }
          yield inHand.deliver(frame.envelope, stream.connectionId);
          link.resume();
          break;
        case "heartbeat":
          void answerHeartbeat();
          break;
        case "settled": {
          const strays = outbox.confirm(frame.messageIds);
          if (strays === 0) break;
          const problem = `settled: ${strays} messages that nobody waits for`;
          observe({ type: "stream.frame_ignored", kind: "stray", problem });
          break;
        }
        case "goodbye":
          // The relay holds nothing of ours any more; the drain ends when our own side is done too.
          break;
        case "error":
          throw new StreamFailure("unavailable", `the relay says ${JSON.stringify(frame.error)}`);
        case "unknown":
          observe({ type: "stream.frame_ignored", kind: "unknown", problem: frame.name });
          break;
        case "malformed": {
          const { problem, messageId } = frame;
          observe({
            type: "stream.frame_ignored",
            kind: "malformed",
            problem,
            ...(messageId !== undefined && { messageId }),
          });
          if (messageId === undefined) break;
          // It will never become readable, and unsettled it would keep its place in the window.
          const reason = { code: "bad_request", message: `unreadable: ${problem}` } as const;
          outbox.add(settlementOf(messageId, stream.connectionId, { kind: "rejected", reason }));
          break;
        }
      }
    }
    if (link.failure) throw link.failure;
  } catch (error) {
    // What a link we ended ourselves says about its end is of no interest.
    if (link.failure) throw link.failure;
    if (!link.abort.aborted) throw error;
  } finally {
    stopHeartbeats();
    stopExtending?.();
    // It takes back what a connection held that was told to drain.
    outbox.detach(options.isLeaving() ? 0 : keptMs);
    if (endsLeases) outbox.forgetRetries();
  }

  /** Unless it came before, and its own end is told: a nack must not take the place of an ack. */
  function giveBack(messageId: string): void {
    if (inHand.has(messageId) || outbox.has(messageId)) return;
    const reason = { code: "shutdown", message: "nothing more is taken here" } as const;
    const outcome = { kind: "abandoned", reason, attempted: false } as const;
    outbox.add(settlementOf(messageId, stream.connectionId, outcome));
  }
}

/** An old relay forgets a WebSocket that sends nothing for a while, even if it is only slow to be read. */
function sendHeartbeats(
  { connection }: OpenStream,
  { clock, heartbeatMs }: ReadStreamOptions,
): () => void {
  let cancel = clock.after(heartbeatMs, beat);
  function beat(): void {
    connection.send({ type: "heartbeat" }).catch(() => {});
    cancel = clock.after(heartbeatMs, beat);
  }
  return () => cancel();
}
