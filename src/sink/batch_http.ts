import type { Clock } from "../async/clock.ts";
import { TaskGroup } from "../async/task_group.ts";
import { createTimeouts } from "../async/timeouts.ts";
import type { BatchSettings, TargetSettings } from "../config/settings.ts";
import type { Attempt, Sink } from "../flow.ts";
import type { Observe } from "../observe/events.ts";
import type { Inspect } from "../observe/picture.ts";
import type { HttpRequest } from "../runtime/http_client.ts";
import type { Batch, BatchMessage } from "./batch.ts";
import { type BatchAnswer, outcomesOf, readAnswer } from "./batch_answer.ts";
import { batchFormats } from "./batch_format.ts";
import { exchangeOf } from "./exchange.ts";
import { failedAttempt } from "./failed_attempt.ts";
import { Gathering } from "./gathering.ts";
import { forwardedHeaders } from "./headers.ts";
import { ownHeaders } from "./own_headers.ts";
import { targetClient } from "./target_client.ts";

export interface BatchHttpOptions {
  readonly maxSockets: () => number;
  /** Waits until a request with these may be made; the result says that it is over. */
  readonly admit: (batch: Pick<Batch, "size" | "signal">) => Promise<() => void>;
  /** From then on nothing waits for others any more. */
  readonly drain: AbortSignal;
  readonly clock: Clock;
  readonly observe: Observe;
  /** Told of each message's part in a request: the whole of it. */
  readonly inspect?: Inspect | undefined;
}

/**
 * The messages that are waiting in one request (docs/BATCH.md); each still has its own attempt. One client
 * and so one connection pool for the life of the target.
 */
export function batchHttpSink(
  target: TargetSettings,
  settings: BatchSettings,
  { maxSockets, admit, drain, clock, observe, inspect }: BatchHttpOptions,
): Sink {
  const client = targetClient(target, maxSockets);
  const late = () => new DOMException("no answer in time", "TimeoutError");
  const timeouts = createTimeouts(target.timeoutMs, late, clock);
  const requests = new TaskGroup();
  const gathering = new Gathering(settings, {
    send: (batch) => requests.run(() => send(batch)),
    drain,
    clock,
  });
  return {
    send: (envelope, attempt, abort) => gathering.add({ envelope, attempt }, abort),
    async [Symbol.asyncDispose]() {
      gathering.dispose();
      await requests.join();
      client.close();
    },
  };

  /** Never rejects: what goes wrong is the messages' to hear. */
  async function send(batch: Batch): Promise<void> {
    try {
      const leave = await admit(batch);
      try {
        gathering.close(batch);
        await sendAll(batch);
      } finally {
        leave();
      }
    } catch (error) {
      batch.fail(error); // after an abort there is nobody left to tell
    }
  }

  /** In one request, or in several, one after the other, where the target finds one too large: that is one attempt. */
  async function sendAll(batch: Batch): Promise<void> {
    for (let rest = batch.messages; rest.length > 0; rest = rest.filter((one) => batch.has(one))) {
      const some = rest.slice(0, gathering.maxMessages);
      const attemptOf = await request(some, batch.signal);
      if (attemptOf === "too_large") gathering.tooLarge(some.length);
      else batch.settle(some, attemptOf);
    }
  }

  async function request(
    messages: readonly BatchMessage[],
    abort: AbortSignal,
  ): Promise<((message: BatchMessage) => Attempt) | "too_large"> {
    const { signal, clear } = timeouts.start(abort);
    const sent = batchRequest(messages, target, settings);
    const startedAt = clock.monotonic();
    let answer: BatchAnswer | undefined;
    try {
      const { status, headers, body } = await client.request(sent, signal);
      answer = { status, headers, body: await readAnswer(body) };
      if (status === 413 && messages.length > 1) return "too_large";
      const attemptOf = outcomesOf(answer, clock.now());
      return withRequest(messages, attemptOf);
    } catch (error) {
      const attempt = failedAttempt(error, signal.aborted, target);
      return withRequest(messages, () => attempt);
    } finally {
      clear();
      observe({
        type: "batch.sent",
        target: target.name,
        messages: messages.length,
        bytes: sent.body.byteLength,
        durationMs: Math.round(clock.monotonic() - startedAt),
        ...(answer && { status: answer.status }),
      });
      tell(messages, sent, answer);
    }
  }

  function tell(
    messages: readonly BatchMessage[],
    sent: HttpRequest,
    answer: BatchAnswer | undefined,
  ): void {
    if (!inspect) return;
    const text = answer?.body.kind === "whole" ? answer.body.text : "";
    const body = new TextEncoder().encode(text);
    const told = answer && { ...answer, body, bytes: body.byteLength };
    for (const message of messages) inspect(exchangeOf(message, target.name, sent, told));
  }
}

/** Each attempt with the request it was part of. */
function withRequest(
  messages: readonly BatchMessage[],
  attemptOf: (messageId: string) => Attempt,
): (message: BatchMessage) => Attempt {
  const failed = messages.every(({ envelope }) => attemptOf(envelope.id).kind === "transient");
  const request = { failed };
  return ({ envelope }) => ({ ...attemptOf(envelope.id), request });
}

/** No `Idempotency-Key`: what is tried again goes in another batch. Each message is known by its own id. */
function batchRequest(
  messages: readonly BatchMessage[],
  target: TargetSettings,
  settings: BatchSettings,
): HttpRequest {
  const format = batchFormats[settings.format];
  const own = ownHeaders(target);
  return {
    method: target.method ?? "POST",
    url: target.url,
    path: target.url.pathname + target.url.search,
    host: own.host,
    headers: [
      ...forwardedHeaders([
        ["Content-Type", format.contentType],
        ["X-Webhook-Batch-Size", String(messages.length)],
      ], [own.names]),
      ...own.headers,
    ],
    body: new TextEncoder().encode(format.encode(messages)),
  };
}
