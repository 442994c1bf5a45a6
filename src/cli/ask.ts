import process from "node:process";
import { Cancellation } from "../async/abort.ts";
import { type Clock, systemClock } from "../async/clock.ts";
import { ConfigError } from "../config/config_error.ts";
import { mergeLayers } from "../config/merge.ts";
import { withOrigin } from "../config/problem_origin.ts";
import { chooseProxy } from "../config/proxy.ts";
import type { TlsSettings } from "../config/settings.ts";
import { readRelayTls } from "../config/tls_settings.ts";
import { createFetch } from "../runtime/fetch.ts";
import { networkFailure } from "../runtime/network_failure.ts";

/** How a command asks. */
export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** To the end of the answer, milliseconds; 10 s where nothing is said. */
  readonly timeoutMs?: number;
  /** The time is that to the head of the answer: the body may last. */
  readonly untilHead?: boolean;
  /** False = any certificate will do; else as the variables say. */
  readonly verify?: boolean;
  readonly clock?: Clock;
}

/**
 * One request of a command: this machine is never asked through a proxy, another one by that which the environment
 * names. TLS is that of the variables, as for `connect`. Follows no redirect. Rejects with the network's error, or when the
 * time is over, as the body does, and with a `ConfigError`. The body must be read; headers are not passed on.
 */
export async function ask(
  given: string | URL,
  {
    method = "GET",
    headers = {},
    body,
    timeoutMs = 10_000,
    untilHead = false,
    verify = true,
    clock = systemClock,
  }: Question = {},
): Promise<Response> {
  const url = new URL(given);
  const choice = chooseProxy(url, undefined, process.env);
  if (typeof choice === "string") throw new Error(choice);
  const tls = url.protocol === "https:" ? tlsFrom(process.env) : noTls;
  // Whoever gave the URL may ask any address.
  const client = createFetch({
    tls: { ...tls, verify: verify && tls.verify },
    proxy: choice.proxy,
    refuses: () => false,
  });
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

const noTls: TlsSettings = { verify: true, ca: undefined, cert: undefined, key: undefined };

function tlsFrom(env: typeof process.env): TlsSettings {
  const problems: string[] = [];
  const values = mergeLayers({ file: undefined, env, flags: {} }, () => {});
  const tls = readRelayTls(values, (problem) => problems.push(withOrigin(problem, values)));
  if (problems.length > 0) throw new ConfigError(problems);
  return tls;
}

/** Why there is no answer, in words. Throws what the network is not to blame for. */
export function whyNot(error: unknown): string {
  if (error instanceof ConfigError) throw error;
  const { message } = networkFailure(error);
  const settings = /\b(ca_cert_path|client_cert_path|client_key_path|tls_min_version)\b/g;
  return message.replace(settings, (key) => `CONNECTOR_${key.toUpperCase()}`);
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
