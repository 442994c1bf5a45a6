import type { Clock } from "../async/clock.ts";
import { createTimeouts } from "../async/timeouts.ts";
import { within } from "../async/within.ts";
import type { TargetSettings } from "../config/settings.ts";
import type { Attempt, Envelope, Sink } from "../flow.ts";
import type { Inspect } from "../observe/picture.ts";
import type { HttpBody } from "../runtime/http_body.ts";
import type { HttpRequest, HttpResponse } from "../runtime/http_client.ts";
import { exchangeOf } from "./exchange.ts";
import { failedAttempt } from "./failed_attempt.ts";
import { requestFor } from "./request.ts";
import { targetClient } from "./target_client.ts";
import { verdictOf } from "./verdict.ts";

/** Of the response of a target that did not take the webhook this much is kept, for people. */
const maxExcerptBytes = 4 * 1024;
/** Of a response this much is read so that its connection can be used again; a longer one is cut. */
const maxResponseBytes = 64 * 1024;
/** So long the end of an answer is waited for that says that the webhook is delivered. */
const maxEndMs = 1_000;

/** One webhook, one request. One client and so one connection pool for the life of the target. */
export function httpSink(
  target: TargetSettings,
  maxSockets: () => number,
  clock: Clock,
  inspect?: Inspect,
): Sink {
  const client = targetClient(target, maxSockets);
  const late = () => new DOMException("no answer in time", "TimeoutError");
  const timeouts = createTimeouts(target.timeoutMs, late, clock);
  return {
    async send(envelope: Envelope, attempt: number, abort: AbortSignal): Promise<Attempt> {
      const { signal, clear } = timeouts.start(abort);
      let verdict: Attempt | undefined;
      let request: HttpRequest | undefined;
      let response: HttpResponse | undefined;
      const excerpt = new Excerpt(inspect ? maxResponseBytes : maxExcerptBytes);
      let end = clear;
      try {
        request = requestFor(envelope, target, attempt);
        response = await client.request(request, signal);
        verdict = verdictOf(response.status, response.headers, clock.now());
        if (excerpt.takeWhole(response.body)) return withExcerpt(verdict, excerpt);
        const reading = excerpt.read(response.body);
        if (verdict.kind !== "delivered") await reading;
        else if (await within(maxEndMs, reading.then(() => true), false, clock) === false) {
          // The target works on: it keeps its connection for as long as it may, but not the message.
          end = () => {};
          void reading.catch(() => {}).finally(clear);
        }
        return withExcerpt(verdict, excerpt);
      } catch (error) {
        // The status decides: the target has said what it thinks of the webhook, even if its body broke off.
        if (verdict) return withExcerpt(verdict, excerpt);
        if (abort.aborted) throw abort.reason;
        return failedAttempt(error, signal.aborted, target);
      } finally {
        end();
        if (inspect && request) {
          const body = Buffer.concat(excerpt.chunks);
          const answer = response && { ...response, body, bytes: excerpt.bytes };
          inspect(exchangeOf({ envelope, attempt }, target.name, request, answer));
        }
      }
    },
    [Symbol.asyncDispose]() {
      client.close();
      return Promise.resolve();
    },
  };
}

/** The beginning of a response, and how much of it was read. */
class Excerpt {
  readonly chunks: Uint8Array[] = [];
  readonly #keepBytes: number;
  bytes = 0;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** Of a response that is here already, as most are; false when it is not. */
  takeWhole(body: HttpBody): boolean {
    const whole = body.takeWhole();
    for (const chunk of whole ?? []) this.#add(chunk);
    return whole !== undefined;
  }

  /** Reads to the end, or cuts what is long. Rejects when it breaks off or is aborted. */
  async read(body: HttpBody): Promise<void> {
    for await (const chunk of body) {
      this.#add(chunk);
      if (this.bytes > maxResponseBytes) break; // which gives up the rest, and its connection with it
    }
  }

  #add(chunk: Uint8Array): void {
    if (this.bytes < this.#keepBytes) {
      this.chunks.push(chunk.subarray(0, this.#keepBytes - this.bytes));
    }
    this.bytes += chunk.byteLength;
  }
}

function withExcerpt(verdict: Attempt, { chunks }: Excerpt): Attempt {
  if (verdict.kind === "delivered" || chunks.length === 0) return verdict;
  return { ...verdict, response: Buffer.concat(chunks).subarray(0, maxExcerptBytes) };
}
