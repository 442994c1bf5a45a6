/** The relay, once it can be spoken with: what it is, its clock, the token, each transport. */
import type { Clock } from "../../async/clock.ts";
import type { SourceSettings } from "../../config/settings.ts";
import { type Connection, StreamFailure, type Transport } from "../../flow.ts";
import { createFetch, type FetchClient, type FetchResponse } from "../../runtime/fetch.ts";
import { ProxyFailure } from "../../runtime/network_failure.ts";
import { boundedText } from "../../transport/bounded_text.ts";
import {
  type RelayEndpoint,
  relayUrl,
  streamHeaders,
  streamUrl,
} from "../../transport/relay_endpoint.ts";
import { transportsFor } from "../../transport/transports.ts";
import { check, type Tell } from "./finding.ts";

/** The other clock may differ so much before it is warned of: signatures and leases are about minutes. */
const maxSkewMs = 30_000;
/** After `connected`: what was on its way to us still comes, and is given back. */
const afterConnectedMs = 250;

export async function checkRelay(
  source: SourceSettings,
  { tell, timeoutMs, clock }: { tell: Tell; timeoutMs: number; clock: Clock },
): Promise<void> {
  const http = createFetch(source);
  const relay: RelayEndpoint = {
    ...source,
    connectorId: source.connectorId ?? "hookferry-doctor",
    fetch: http.fetch,
    maxInFlight: 1,
    maxInFlightBytes: 1,
    clock,
  };
  try {
    if (source.protocol === "smee") {
      await check("smee", tell, timeoutMs, (signal) => smee(relay, http, signal));
      return;
    }
    await check("relay.version", tell, timeoutMs, (signal) => version(relay, http, signal));
    await check("clock", tell, timeoutMs, (signal) => skew(relay, http, signal));
    const isKnown = await check("token", tell, timeoutMs, (signal) => token(relay, http, signal));
    if (!isKnown) return;
    for (const transport of transportsFor(source.protocol, relay)) {
      const name = `transport.${transport.name}`;
      await check(name, tell, timeoutMs, (signal) => tryOut(transport, clock, signal));
    }
  } finally {
    http.close();
  }
}

/** Asks as a browser does: a stream that is opened might be given messages, and takes none back. */
async function smee(relay: RelayEndpoint, http: FetchClient, signal: AbortSignal) {
  const response = await http.fetch(relay.url, { method: "GET", headers: {}, signal });
  response.body.destroy();
  const { status } = response;
  // 406 is what a hookferry relay says to who wants no events.
  if (status === 200 || status === 406) {
    return { status: "ok", detail: "the channel's URL answers; its stream is not opened" } as const;
  }
  return {
    status: "fail",
    detail: `the channel's URL answers ${status}`,
    fix: "correct cloud_url: the channel's own URL, as a sender has it",
  } as const;
}

/** Through a proxy for plain http its answer looks like the relay's; 407 is never that. */
async function get(
  url: URL,
  { proxy }: RelayEndpoint,
  http: FetchClient,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<FetchResponse> {
  const response = await http.fetch(url, { method: "GET", headers, signal });
  if (response.status !== 407 || !proxy) return response;
  response.body.destroy();
  throw new ProxyFailure(proxy, undefined, response.status);
}

async function version(relay: RelayEndpoint, http: FetchClient, signal: AbortSignal) {
  const response = await get(relayUrl(relay, "/openapi.json"), relay, http, signal);
  const text = await boundedText(response);
  const found = /"title":\s*"hookferry relay".{0,20}"version":\s*"([\w.+-]{1,40})"/.exec(text);
  return {
    status: "ok",
    detail: found ? `hookferry relay ${found[1]}` : "not a hookferry relay, or an older one",
  } as const;
}

async function skew(relay: RelayEndpoint, http: FetchClient, signal: AbortSignal) {
  const asked = relay.clock.now();
  const response = await get(relayUrl(relay, "/healthz"), relay, http, signal);
  await boundedText(response);
  const theirs = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(theirs)) return { status: "ok", detail: "the relay tells no time" } as const;
  // Half a second: theirs is cut to the second.
  const aheadMs = theirs + 500 - (asked + relay.clock.now()) / 2;
  const by = `${Math.round(Math.abs(aheadMs) / 1000)} s`;
  if (Math.abs(aheadMs) < maxSkewMs) {
    return { status: "ok", detail: `within ${by} of the relay's` } as const;
  }
  return {
    status: "warn",
    detail: `this machine's clock is ${by} ${aheadMs > 0 ? "behind" : "ahead of"} the relay's`,
    fix: "let both machines keep time by NTP",
  } as const;
}

/** Asks for the stream without the upgrade: the relay looks at the token first, and gives out no message. */
async function token(relay: RelayEndpoint, http: FetchClient, signal: AbortSignal) {
  const response = await get(streamUrl(relay, ""), relay, http, signal, streamHeaders(relay));
  const text = await boundedText(response);
  if (response.status === 401 || response.status === 403) {
    return {
      status: "fail",
      detail: `the relay answered ${response.status} ${text.slice(0, 80)}`,
      fix: "correct token and channel, or ask whoever runs the relay for a new token",
    } as const;
  }
  const isOurs = response.status === 426;
  return {
    status: "ok",
    detail: isOurs
      ? `good for the channel ${JSON.stringify(relay.channel)}`
      : `this relay does not say (${response.status}); the transports below tell`,
  } as const;
}

/** A message that the relay hands out meanwhile goes back untried. */
async function tryOut(transport: Transport, clock: Clock, signal: AbortSignal) {
  const over = new AbortController();
  const abort = AbortSignal.any([signal, over.signal]);
  const connection = await transport.connect({ abort, heard() {}, pause() {} });
  const cancel = clock.after(afterConnectedMs, () => over.abort(new Error("looked long enough")));
  let givenBack = 0;
  try {
    const drained = connection.send({ type: "drain", connectionId: "" });
    [givenBack] = await Promise.all([giveBack(connection, over.signal), drained]);
  } finally {
    cancel();
    await connection[Symbol.asyncDispose]();
    over.abort(new Error("looked at"));
  }
  const back = givenBack === 0 ? "" : `; ${givenBack} message given back untried`;
  return { status: "ok", detail: `opens${back}` } as const;
}

async function giveBack(connection: Connection, over: AbortSignal): Promise<number> {
  let count = 0;
  let connectionId = "";
  try {
    for await (const frame of connection) {
      if (frame.type === "connected") connectionId = frame.connectionId;
      if (frame.type === "malformed" && connectionId === "") {
        throw new StreamFailure("protocol", `the answer is not a relay's: ${frame.problem}`);
      }
      if (frame.type !== "webhook") continue;
      const { id: messageId } = frame.envelope;
      const nack = { messageId, connectionId, verdict: "nack", retry: true } as const;
      await connection.send({ type: "settle", settlements: [{ ...nack, attempted: false }] });
      count++;
    }
  } catch (error) {
    if (!over.aborted) throw error;
  }
  return count;
}
