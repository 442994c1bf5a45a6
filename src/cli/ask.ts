import process from "node:process";
import { chooseProxy } from "../config/proxy.ts";
import { createFetch } from "../runtime/fetch.ts";

/**
 * One request of a command: this machine is never asked through a proxy, another one by that which the environment
 * names. Follows no redirect. Rejects with the network's error. The body must be read; headers are not passed on.
 */
export async function ask(
  given: string | URL,
  { method = "GET", headers = {}, body, signal = new AbortController().signal }: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Response> {
  const url = new URL(given);
  const choice = chooseProxy(url, undefined, process.env);
  if (typeof choice === "string") throw new Error(choice);
  const tls = { verify: true, ca: undefined, cert: undefined, key: undefined };
  // Whoever gave the URL may ask any address.
  const { fetch } = createFetch({ tls, proxy: choice.proxy, refuses: () => false });
  const { status, body: answer } = await fetch(url, {
    method,
    signal,
    headers: { ...headers, "Connection": "close" }, // there is no other request to come
    ...(body !== undefined && { body }),
  });
  if (status === 204 || status === 304) return new Response(null, { status });
  return new Response(ReadableStream.from(answer), { status });
}
