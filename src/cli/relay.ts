import { readFileSync } from "node:fs";
import process from "node:process";
import { onAbort } from "../async/abort.ts";
import { systemClock } from "../async/clock.ts";
import { ConfigError } from "../config/config_error.ts";
import { jetStreamStores } from "../relay/jetstream/jetstream_stores.ts";
import { startRelay } from "../relay/relay.ts";
import { memoryStores, sqliteStores } from "../relay/sqlite/sqlite_stores.ts";
import { channelConfig, readWebhooksFile, type WebhooksFile } from "../relay/webhooks_file.ts";
import { readTls } from "../config/tls_settings.ts";
import { keepAlive } from "../observe/keep_alive.ts";
import type { ServerTls } from "../runtime/serve.ts";
import { lineWriter } from "../runtime/line_writer.ts";
import { runtimeName } from "../runtime/runtime.ts";
import { serviceManager } from "../runtime/service_manager.ts";
import { connectString } from "./connect_string.ts";
import { exitCode } from "./exit_code.ts";
import { onRenewedTls } from "./renewed_tls.ts";
import { version } from "./version.ts";
import { onHangUp } from "./hang_up.ts";
import { lifetimeFromSignals } from "./lifetime.ts";
import { fromElsewhere } from "./reachable.ts";
import { readRelayFlags } from "./relay_flags.ts";
import { startRelayObserving } from "./relay_observing.ts";
import { stateFolder } from "./state_folder.ts";
import type { Command } from "./command.ts";

const relayHelp = `hookferry relay: takes webhooks, keeps them, gives them to connectors.

  --listen HOST:PORT  where to listen (default 127.0.0.1:8420)
  --webhooks FILE     channels, as in the old relay's webhooks.json; without it
                      one is made and the line to connect is printed, once
  --data DIR          for messages (default ~/.local/state/hookferry/relay)
  --store URL         nats://HOST:PORT: in JetStream instead, shared by relays;
                      with a password: HOOKFERRY_STORE
  --durability NAME   full (default): on disk before the sender hears 202;
                      normal: power loss may take the last second; memory
  --public-url URL    how others reach it, for the lines it prints: behind a
                      TLS proxy it is not where it listens; page and
                      /metrics then want the admin token
  --tls-cert FILE, --tls-key FILE   serve HTTPS; read again when they change
  --trusted-proxies LIST  networks whose X-Forwarded-For is believed
  --allow-query-token take ?token= on streams too; URLs end in access logs
  --log-level NAME    info (default), debug, warning or error

  WEBHOOK_CONNECT_ADMIN_TOKEN switches the admin API on. Exit codes: 0 stopped,
  1 cannot listen, or use its store, 2 usage, 78 bad configuration, 130 ended
  at once by a second signal.

  hookferry relay --listen 0.0.0.0:8420 --webhooks webhooks.json
`;

/** Made at the first start where nothing is configured; the token here is not used. */
const firstChannel = { name: "default", token: "unused", webhookIds: ["default"] };

const heartbeatMs = 30_000;
const stopGraceMs = 5_000;

/** Runs until SIGINT or SIGTERM; a second one ends it at once. Resolves with the exit code. */
async function relayCommand(args: readonly string[]): Promise<number> {
  const flags = readRelayFlags(args, process.env);
  const { listen, webhooks: file, nats, durability, trustedProxies } = flags;
  let configured: WebhooksFile;
  try {
    configured = file === undefined
      ? { channels: [], policies: new Map(), warnings: [] }
      : readWebhooksFile(readFileSync(file, "utf8"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail(exitCode.badConfig, `cannot read --webhooks ${file}: ${why}`);
  }
  for (const warning of configured.warnings) {
    process.stderr.write(`hookferry relay: warning: --webhooks ${file}: ${warning}\n`);
  }
  const folder = flags.data ?? stateFolder("relay");
  const readPair = () => readServerTls(flags.tlsCert, flags.tlsKey);
  const tls = readPair();
  const observing = await startRelayObserving(flags, (event) => relay.observe(event));
  const relay = await startRelay({
    ...listen,
    ...configured,
    trustedProxies,
    tls,
    clock: systemClock,
    observe: observing.observe,
    sample: observing.sample,
    stores: nats
      ? jetStreamStores(nats)
      : durability === "memory"
      ? memoryStores
      : sqliteStores({ folder, durability }),
    build: { version, runtime: runtimeName },
    heartbeatMs,
    adminToken: flags.adminToken,
    isBehindProxy: flags.publicUrl !== undefined || trustedProxies.length > 0,
    allowQueryToken: flags.allowQueryToken,
  });
  const renewal = tls && onRenewedTls({
    first: tls,
    read: () => readPair() ?? tls,
    renew: async (renewed) => {
      await relay.renewTls(renewed);
      relay.observe({ type: "relay.tls_renewed" });
    },
    failed: (message) => relay.observe({ type: "relay.tls_not_renewed", message }),
    clock: systemClock,
  });
  const output = lineWriter("stdout", systemClock);
  const signals = lifetimeFromSignals();
  const stopped = new Promise<void>((resolve) => onAbort(signals.life.drain, resolve));
  onAbort(signals.life.abort, () => process.exit(exitCode.givenUp));
  const ignoreHangUp = onHangUp({ onGone: signals.interrupt, onAsked: () => renewal?.look() });
  const address = flags.publicUrl ?? fromElsewhere(relay.url);
  const isFirstStart = file === undefined && relay.registry.all.every(({ hasLeft }) => hasLeft);
  const { token: _, webhookIds, ...settings } = channelConfig(firstChannel);
  const token = isFirstStart ? await relay.registry.create(settings, webhookIds) : undefined;
  // Whoever waits for this line may post at once.
  output.write(`listening  ${relay.url}`);
  for (const { webhookIds } of relay.registry.all) {
    for (const id of webhookIds) {
      output.write(`post to    ${address}/webhook/${encodeURIComponent(id)}`);
    }
  }
  // Shown once: no more than its hash is kept.
  if (token !== undefined) {
    output.write(`connect    ${connectLine(address, firstChannel.name, token)}`);
  } else if (file === undefined && flags.adminToken === undefined) {
    output.write(
      "token      was shown at the first start; for another one set WEBHOOK_CONNECT_ADMIN_TOKEN here, " +
        "then: hookferry rotate-token CHANNEL",
    );
  }
  const manager = serviceManager((message) =>
    relay.observe({ type: "relay.service_manager_failed", message })
  );
  manager?.tell("READY=1", `STATUS=listening on ${relay.url}`);
  const stopWatchdog = manager && keepAlive(manager, systemClock);
  await stopped;
  manager?.tell("STOPPING=1");
  renewal?.stop();
  await relay.stop(stopGraceMs);
  stopWatchdog?.();
  await manager?.close();
  await Promise.all([observing.close(), output.close()]);
  ignoreHangUp();
  signals.dispose();
  return exitCode.ok;
}

/** Throws `ConfigError` when it is no pair of certificate and key. */
function readServerTls(
  certPath: string | undefined,
  keyPath: string | undefined,
): ServerTls | undefined {
  if (certPath === undefined && keyPath === undefined) return undefined;
  const problems: string[] = [];
  const { cert, key } = readTls(
    { verify: true, caPath: undefined, certPath, keyPath },
    { ca: "", cert: "--tls-cert", key: "--tls-key" },
    (problem) => problems.push(problem),
  );
  if (problems.length > 0 || cert === undefined || key === undefined) {
    throw new ConfigError(problems);
  }
  return { cert, key };
}

/** What to run where the targets are; the token goes by standard input, not by the process list. */
function connectLine(address: string, channel: string, token: string): string {
  const isPlain = /^http:\/\/(?!127\.|localhost|\[::1\])/.test(address);
  return `echo '${connectString({ url: address, channel, token })}' | ` +
    `hookferry connect --from - --to 3000${isPlain ? " --allow-insecure" : ""}`;
}

function fail(code: number, message: string): number {
  process.stderr.write(`hookferry relay: ${message}\n`);
  return code;
}

export const relay: Command = { help: relayHelp, run: relayCommand };
