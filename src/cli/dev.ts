import process from "node:process";
import { systemClock } from "../async/clock.ts";
import { isLoopback } from "../config/host.ts";
import { parseListen } from "../config/listen_address.ts";
import { loadSettings } from "../config/load.ts";
import { outputChoices } from "../config/settings.ts";
import { createConnector } from "../connector.ts";
import { gatherEvents } from "../observe/gather.ts";
import { startRelay } from "../relay/relay.ts";
import { newToken } from "../relay/tokens.ts";
import { channelConfig } from "../relay/webhooks_file.ts";
import { visible } from "../output/visible.ts";
import { connectorPages } from "../status/pages.tsx";
import { startStatusServer, type StatusServer } from "../status/server.ts";
import { watchConnector } from "./watch_connector.ts";
import { openConnectorJournal } from "./connector_journal.ts";
import { pageSource } from "./connector_page.ts";
import { startDevTracing } from "./dev_tracing.ts";
import { exitCode } from "./exit_code.ts";
import { parseFlags } from "./flags.ts";
import { lifetimeFromSignals } from "./lifetime.ts";
import { liveActions, liveSource } from "./live_source.ts";
import { openOutput, type Output } from "./output.ts";
import { outputMode } from "./output_mode.ts";
import { fromElsewhere, fromHere } from "./reachable.ts";
import { makeSample, sampleSecret } from "./samples.ts";
import { post } from "./send.ts";
import { badTarget, targetUrl } from "./target_flag.ts";
import { startTargetPrinter } from "./target_printer.ts";
import { UsageError } from "./usage_error.ts";
import type { Command } from "./command.ts";

const devHelp = `hookferry dev: relay, connector and target in one process, to see it work.

  --to PORT|URL      deliver to your own server instead of printing
  --protocol NAME    auto, websocket, sse or long_poll (default auto)
  --listen HOST:PORT where to take webhooks (default 127.0.0.1:0, any free port)
  --output NAME      live (keys: q ends), text, json or quiet; default live on a
                     terminal (text with --once), else json
  --once             end after the sample: exit 0 if it was delivered within
                     10 s, else 1

  The sample is signed with HOOKFERRY_SIGNING_SECRET, else with
  ${sampleSecret}.

  hookferry dev --to 3000
  hookferry dev --protocol sse --once
`;

const onceTimeoutMs = 10_000;
const heartbeatMs = 30_000;
/** Whoever starts the target anew waits for its webhooks. */
const breaker = { open_seconds: 1, max_open_seconds: 5 };

/** Runs until a signal, or with `--once` until the sample is through. Resolves with the exit code. */
async function devCommand(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  const mode = options.output === "auto" && options.once && process.stdout.isTTY
    ? "text"
    : outputMode(options.output);
  const secret = process.env["HOOKFERRY_SIGNING_SECRET"] || sampleSecret;
  const token = newToken();
  let output: Output | undefined;
  const gathering = gatherEvents(systemClock);
  const tracing = await startDevTracing(gathering.clock, (text) => {
    if (mode === "live" && output) output.say(text);
    else process.stderr.write(`hookferry dev: ${text}\n`);
  });
  const relay = await startRelay({
    ...options.listen,
    clock: systemClock,
    observe: tracing.ofRelay,
    sample: tracing.sample,
    heartbeatMs,
    channels: [channelConfig({ name: "dev", token, webhookIds: ["dev"] })],
  });
  const printer = options.to
    ? undefined
    : await startTargetPrinter(secret, (told) => output?.tell(told));
  const signals = lifetimeFromSignals();
  let closeJournal = () => {};
  let status: StatusServer | undefined;
  const timeout = options.once ? AbortSignal.timeout(onceTimeoutMs) : undefined;
  timeout?.addEventListener("abort", signals.stopNow);
  const port = Number(new URL(relay.url).port);
  const own = new URL(`http://${fromHere({ ...options.listen, port })}`);
  const postTo = `${fromElsewhere(relay.url)}/webhook/dev`;
  const sample = { isPosted: false, isAcked: false, trouble: "" };
  try {
    const { settings } = loadSettings({
      file: {
        path: "hookferry dev",
        content: { default_target: { url: options.to ?? printer?.url.href, breaker } },
      },
      flags: { protocol: options.protocol },
      env: {
        CONNECTOR_CLOUD_URL: own.origin,
        // It stays on this machine, also at an address of the network.
        CONNECTOR_ALLOW_INSECURE: isLoopback(own.hostname) ? undefined : "true",
        CONNECTOR_CHANNEL: "dev",
        CONNECTOR_TOKEN: token,
        CONNECTOR_EXIT_ON_AUTH_FAILURE: "true",
        CONNECTOR_JOURNAL: "memory",
        CONNECTOR_INSPECT: "true",
      },
    });
    const journal = openConnectorJournal(settings, () => {});
    closeJournal = () => journal.open.close();
    const watch = watchConnector(() => ({ connector, journal }), settings, gathering);
    const observe = gathering.observedBy(watch.looks, tracing.ofConnector);
    const connector = createConnector(settings, {
      journal: journal.open,
      inspect: watch.exchanges?.record,
      sample: tracing.sample,
      clock: systemClock,
      random: Math.random,
      observe(event) {
        observe(event);
        output?.observe(event);
        if (event.type === "stream.connected" && !sample.isPosted) void postSample();
        if ("reason" in event && typeof event.reason === "object") {
          sample.trouble = event.reason.message;
        }
        if (event.type !== "settlement.confirmed" || event.verdict !== "ack") return;
        sample.isAcked = true;
        if (options.once) signals.drain();
      },
    });
    const pages = connectorPages(pageSource(() => settings, { connector, journal }, watch), {
      clock: systemClock,
      tokenNow: () => undefined,
      where: () => "",
      // Like what it prints: for whoever started it.
      open: true,
    });
    status = await startStatusServer({ hostname: "127.0.0.1", port: 0 }, watch, { pages });
    output = await openOutput(mode, systemClock, () => ({
      source: liveSource(() => [`post to  ${postTo}`, `page     ${status?.url}/`], watch),
      actions: liveActions({ connector, journal }, signals.interrupt),
    }));
    output.tell({ type: "post_to", url: postTo });
    output.tell({ type: "status", url: `${status.url}/` });
    await connector.run(signals.life);
  } finally {
    timeout?.removeEventListener("abort", signals.stopNow);
    signals.dispose();
    gathering.flush();
    await output?.close();
    output = undefined; // what is told from now on is the last word
    await status?.close();
    closeJournal();
    await relay.stop(1_000);
    await printer?.close();
    await tracing.close();
  }
  if (!options.once || sample.isAcked) return exitCode.ok;
  const why = sample.trouble === "" ? "" : `: ${visible(sample.trouble)}`;
  process.stderr.write(`hookferry dev: the sample was not delivered${why}\n`);
  return exitCode.unexpected;

  async function postSample(): Promise<void> {
    sample.isPosted = true;
    const webhook = makeSample("github.push", secret, systemClock.now());
    const { says } = await post(new URL("/webhook/dev", own), webhook);
    output?.tell({ type: "sample", event: "github.push", answer: says });
  }
}

function readOptions(args: readonly string[]) {
  const { text, choice, isOn } = parseFlags(args, {
    to: "string",
    protocol: "string",
    listen: "string",
    output: "string",
    once: "boolean",
  });
  const listen = parseListen(text("listen") ?? "127.0.0.1:0");
  if (!listen) {
    throw new UsageError(
      `--listen ${JSON.stringify(text("listen"))}: use HOST:PORT, as in 127.0.0.1:8420`,
    );
  }
  const given = text("to");
  const to = given === undefined ? undefined : targetUrl(given);
  if (given !== undefined && !to) throw new UsageError(badTarget(given));
  return {
    listen,
    to,
    protocol: text("protocol"),
    output: choice("output", outputChoices),
    once: isOn("once") ?? false,
  };
}

export const dev: Command = { help: devHelp, run: devCommand };
