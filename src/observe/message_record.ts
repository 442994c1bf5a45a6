/** What the events about one message come to. */
import type { ConnectorEvent } from "./events.ts";
import type { AttemptRecord, RecentMessage, Standing } from "./picture.ts";

/** Those that tell something about one message. */
export type MessageEvent = Extract<ConnectorEvent, {
  type:
    | "delivery.received"
    | "delivery.attempted"
    | "delivery.retrying"
    | "delivery.succeeded"
    | "delivery.failed"
    | "delivery.deferred"
    | "dead_letter.stored"
    | "dead_letter.replayed"
    | "settlement.confirmed";
}>;

/** Of one message. */
const maxAttempts = 50;

/** The higher, the further from success. */
const rank: Readonly<Record<Standing, number>> = {
  delivered: 0,
  abandoned: 1,
  deferred: 2,
  rejected: 3,
  exhausted: 4,
  in_hand: 5,
  retrying: 6,
};

/** What is known before the first event, which happened at `at`. */
export function newRecord(event: MessageEvent, at: number): RecentMessage {
  const { messageId, webhookId = "", traceId } = event;
  return {
    messageId,
    webhookId,
    traceId,
    method: "",
    path: "",
    at,
    lagMs: undefined,
    bytes: undefined,
    // Its coming counts itself.
    copies: event.type === "delivery.received" ? 0 : 1,
    targets: [],
    standing: "in_hand",
    reason: undefined,
    attemptCount: 0,
    attempts: [],
    durationMs: undefined,
    settled: undefined,
    isDeadLetter: false,
    version: 0,
  };
}

/** The message after an event that happened at `at`. */
export function withEvent(message: RecentMessage, event: MessageEvent, at: number): RecentMessage {
  const known = { ...message, traceId: message.traceId ?? event.traceId };
  switch (event.type) {
    case "delivery.received": {
      const { method, path, bytes, lagMs } = event;
      const copies = known.copies + 1;
      const durationMs = undefined;
      return { ...known, lagMs: known.lagMs ?? lagMs, method, path, bytes, copies, durationMs };
    }
    case "delivery.attempted":
      return {
        ...known,
        attemptCount: known.attemptCount + 1,
        attempts: [...known.attempts.slice(1 - maxAttempts), attemptOf(event, at)],
      };
    case "delivery.retrying":
      return standing(known, at, event.target, "retrying", event.reason.message);
    case "delivery.succeeded":
      return standing(known, at, event.target, "delivered");
    case "delivery.failed":
      return standing(known, at, event.target ?? "", event.outcome, event.reason.message);
    case "delivery.deferred":
      return standing(known, at, event.target ?? "", "deferred", event.reason.message);
    case "dead_letter.stored":
      return { ...known, isDeadLetter: true };
    case "dead_letter.replayed":
      return { ...known, isDeadLetter: !event.delivered };
    case "settlement.confirmed":
      return { ...known, settled: event.verdict };
  }
}

function attemptOf(
  { target, attempt, durationMs, result, status, reason }: Extract<
    MessageEvent,
    { type: "delivery.attempted" }
  >,
  at: number,
): AttemptRecord {
  return {
    ...{ target, attempt, durationMs, startedAt: at - durationMs, result },
    status: status ?? reason?.status,
    reason: reason?.message,
  };
}

function standing(
  message: RecentMessage,
  at: number,
  target: string,
  standing: Standing,
  reason?: string,
): RecentMessage {
  const now = { name: target, standing };
  const targets = message.targets.some(({ name }) => name === target)
    ? message.targets.map((other) => other.name === target ? now : other)
    : [...message.targets, now];
  const furthest = targets.map((one) => one.standing)
    .reduce((one, other) => rank[other] > rank[one] ? other : one);
  const isOver = furthest !== "retrying" && furthest !== "in_hand";
  return {
    ...message,
    targets,
    standing: furthest,
    reason: furthest === "delivered" ? undefined : reason ?? message.reason,
    durationMs: message.durationMs ?? (isOver ? at - message.at : undefined),
  };
}
