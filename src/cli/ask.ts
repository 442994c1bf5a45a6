import process from "node:process";
import { Cancellation } from "../async/abort.ts";
import { type Clock, systemClock } from "../async/clock.ts";
import { chooseProxy } from "../config/proxy.ts";
import { createFetch } from "../runtime/fetch.ts";

/** How a command asks. */
export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** To the end of the answer, milliseconds; 10 s where nothing is said. */
  readonly timeoutMs?: number;
  /** The time is that to the head of the answer: the body may last. */
  readonly untilHead?: boolean;
  readonly clock?: Clock;
}

/**
 * One request of a command: this machine is never asked through a proxy, another one by that which the environment
 * names. Follows no redirect. Rejects with the network's error, or when the time is over, as the body does. The body must
 * be read; headers are not passed on.
 */
export async function ask(
  given: string | URL,
  {
    method = "GET",
    headers = {},
    body,
    timeoutMs = 10_000,
    untilHead = false,
    clock = systemClock,
  }: Question = {},
): Promise<Response> {
  const url = new URL(given);
  const choice = chooseProxy(url, undefined, process.env);
  if (typeof choice === "string") throw new Error(choice);
  const tls = { verify: true, ca: undefined, cert: undefined, key: undefined };
  // Whoever gave the URL may ask any address.
  const client = createFetch({ tls, proxy: choice.proxy, refuses: () => false });
  const signal = new Cancellation();
  const cancel = clock.after(timeoutMs, () => signal.abort(tooLate(timeoutMs)));
  const end = () => {
    cancel();
    client.close();
  };
  try {
    const { status, body: answer } = await client.fetch(url, {
      method,
      signal,
      headers,
      ...(body !== undefined && { body }),
    });
    if (untilHead) cancel();
    const hasBody = status !== 204 && status !== 304;
    if (!hasBody) end();
    return new Response(hasBody ? ReadableStream.from(endedBy(answer, end)) : null, { status });
  } catch (error) {
    end();
    throw error;
  }
}

async function* endedBy(body: AsyncIterable<Uint8Array>, end: () => void) {
  try {
    yield* body;
  } finally {
    end();
  }
}

function tooLate(ms: number): Error {
  return new Error(`no answer within ${ms / 1000} s`);
}
