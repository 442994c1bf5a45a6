import process from "node:process";
import { parseArgs } from "node:util";
import { systemClock } from "../async/clock.ts";
import { Secret } from "../config/secret.ts";
import type { Settings, SourceSettings } from "../config/settings.ts";
import { createConnector } from "../connector.ts";
import type { ConnectorEvent } from "../observe/events.ts";
import { startRelay } from "../relay/relay.ts";
import { newToken } from "../relay/tokens.ts";
import { exitCode } from "./exit_code.ts";
import { parseListen } from "./listen_address.ts";
import { sign, startTargetPrinter, type TargetPrinter } from "./target_printer.ts";

export const devHelp = `hookferry dev: relay, connector and target in one process, to see it work.

  --to URL|PORT      deliver to your own server instead of printing
  --protocol NAME    auto, websocket, sse or long_poll (default auto)
  --listen HOST:PORT where to take webhooks (default 127.0.0.1:0, any free port)
  --once             end after the sample: 0 if it was delivered within 10 s

  hookferry dev --to 3000
  hookferry dev --protocol sse --once
`;

const protocols = ["auto", "websocket", "sse", "long_poll"] as const;
const onceTimeoutMs = 10_000;
const tls = { verify: true, ca: undefined, cert: undefined, key: undefined };

/** Runs until a signal, or with `--once` until the sample is through. Resolves with the exit code. */
export async function devCommand(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (typeof options === "string") {
    process.stderr.write(`hookferry dev: ${options}\n`);
    return exitCode.usage;
  }
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const secret = newToken();
  const token = newToken();
  const relay = await startRelay({
    hostname: options.hostname,
    port: options.port,
    clock: systemClock,
    observe: () => {},
    heartbeatMs: 30_000,
    channels: [{
      name: "dev",
      token,
      webhookIds: ["dev"],
      ttlMs: 86_400_000,
      maxMessages: 10_000,
      maxConnections: 10,
      maxInFlight: 100,
      ackTimeoutMs: 60_000,
      maxDeliveries: 10,
      maxBodyBytes: 10 * 1024 * 1024,
    }],
  });
  const printer = options.to ? undefined : await startTargetPrinter(secret, print);
  const drain = new AbortController();
  const abort = new AbortController();
  const onSignal = () => drain.signal.aborted ? abort.abort() : drain.abort();
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  let samplePosted = false;
  let sampleAcked = false;
  const connector = createConnector(
    devSettings(relay.url, token, options.to ?? target(printer), options.protocol),
    {
      clock: systemClock,
      random: Math.random,
      observe(event) {
        const line = describe(event);
        if (line) print(line);
        if (event.type === "stream.connected" && !samplePosted) void postSample();
        if (event.type === "settlement.confirmed" && event.verdict === "ack") {
          sampleAcked = true;
          if (options.once) drain.abort();
        }
      },
    },
  );
  const sendUrl = `${relay.url}/webhook/dev`;
  print(`post to    ${sendUrl}`);
  const cancel = options.once ? systemClock.after(onceTimeoutMs, () => abort.abort()) : () => {};
  abort.signal.addEventListener("abort", () => drain.abort(), { once: true });
  try {
    await connector.run({ drain: drain.signal, abort: abort.signal });
  } finally {
    cancel();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    await relay.stop(1_000);
    await printer?.close();
  }
  return options.once && !sampleAcked ? exitCode.unexpected : exitCode.ok;

  async function postSample(): Promise<void> {
    samplePosted = true;
    const body = new TextEncoder().encode(
      JSON.stringify({ ref: "refs/heads/main", pusher: { name: "ferry" }, commits: [] }),
    );
    const response = await fetch(sendUrl, {
      method: "POST",
      body,
      headers: {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-Hub-Signature-256": sign(body, secret),
      },
    });
    await response.body?.cancel();
    print(`sample     a signed github.push was posted: ${response.status}`);
  }
}

interface DevOptions {
  readonly hostname: string;
  readonly port: number;
  readonly protocol: SourceSettings["protocol"];
  readonly to: URL | undefined;
  readonly once: boolean;
}

/** The options, or what is wrong with them. */
function parse(args: readonly string[]): DevOptions | string {
  let values: { to?: string; protocol?: string; listen?: string; once?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        to: { type: "string" },
        protocol: { type: "string" },
        listen: { type: "string" },
        once: { type: "boolean" },
      },
    }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const protocol = protocols.find((name) => name === (values.protocol ?? "auto"));
  if (!protocol) {
    return `--protocol ${JSON.stringify(values.protocol)}: use one of ${protocols.join(", ")}`;
  }
  const listen = parseListen(values.listen ?? "127.0.0.1:0");
  if (!listen) {
    return `--listen ${JSON.stringify(values.listen)}: use HOST:PORT, as in 127.0.0.1:8420`;
  }
  const given = /^\d+$/.test(values.to ?? "") ? `http://127.0.0.1:${values.to}/` : values.to;
  const to = given === undefined ? undefined : URL.parse(given) ?? undefined;
  if (given !== undefined && !/^https?:$/.test(to?.protocol ?? "")) {
    return `--to ${JSON.stringify(values.to)}: use a port, or a URL beginning with http: or https:`;
  }
  return { ...listen, protocol, to, once: values.once ?? false };
}

function target(printer: TargetPrinter | undefined): URL {
  if (!printer) throw new Error("there is neither a target nor a printer");
  return printer.url;
}

function describe(event: ConnectorEvent): string | undefined {
  switch (event.type) {
    case "stream.connected":
      return `connected  over ${event.transport}`;
    case "stream.failed":
      return `waiting    ${event.message}; next try in ${(event.retryInMs / 1000).toFixed(1)} s`;
    case "delivery.retrying":
      return `retry      ${event.messageId}: ${event.reason.message}; again in ${
        (event.delayMs / 1000).toFixed(1)
      } s`;
    case "delivery.succeeded":
      return `delivered  ${event.messageId} -> ${event.status} in ${event.durationMs} ms`;
    case "delivery.failed":
      return `${event.outcome.padEnd(10)} ${event.messageId}: ${event.reason.message}`;
    case "settlement.confirmed":
      return `${event.verdict === "ack" ? "acked     " : "nacked    "} ${event.messageId}`;
  }
  return undefined;
}

function devSettings(
  relayUrl: string,
  token: string,
  url: URL,
  protocol: SourceSettings["protocol"],
): Settings {
  return {
    source: {
      url: new URL(relayUrl),
      channel: "dev",
      token: new Secret(token),
      connectorId: undefined,
      protocol,
      tls,
      reconnectDelayMs: 1_000,
      maxReconnectDelayMs: 60_000,
      reconnectBackoffMultiplier: 2,
      heartbeatTimeoutMs: 60_000,
      connectionTimeoutMs: 30_000,
      ackTimeoutMs: 30_000,
      fallbackRetryMs: 600_000,
    },
    defaultTarget: {
      name: "default",
      url,
      method: undefined,
      headers: [],
      timeoutMs: 30_000,
      retry: { maxAttempts: 3, delayMs: 1_000, maxDelayMs: 60_000, multiplier: 2 },
      tls,
      maxConcurrentRequests: undefined,
      legacyHeaders: false,
    },
    targets: new Map(),
    delivery: {
      maxConcurrentRequests: 10,
      maxQueueMessages: 1_000,
      maxQueueBytes: 64 * 1024 * 1024,
      shutdownGraceMs: 30_000,
      dedupMaxMessages: 10_000,
      dedupWindowMs: 3_600_000,
    },
    log: { level: "info", format: "auto" },
    statusListen: undefined,
    exitOnAuthFailure: true,
  };
}
