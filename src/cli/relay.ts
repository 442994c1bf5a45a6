import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { systemClock } from "../async/clock.ts";
import { type Relay, startRelay } from "../relay/relay.ts";
import type { ChannelConfig } from "../relay/registry.ts";
import { newToken } from "../relay/tokens.ts";
import { readWebhooksFile } from "../relay/webhooks_file.ts";
import { exitCode } from "./exit_code.ts";
import { parseListen } from "./listen_address.ts";

export const relayHelp = `hookferry relay: takes webhooks, gives them to connectors. In memory.

  --listen HOST:PORT  where to listen (default 127.0.0.1:8420)
  --webhooks FILE     channels, as in the old relay's webhooks.json; without it
                      one channel is made and the line to connect is printed

  hookferry relay --listen 0.0.0.0:8420 --webhooks webhooks.json
`;

const heartbeatMs = 30_000;
const stopGraceMs = 5_000;

/** Runs until SIGINT or SIGTERM. Resolves with the exit code. */
export async function relayCommand(args: readonly string[]): Promise<number> {
  let values: { listen?: string; webhooks?: string };
  try {
    const options = { listen: { type: "string" }, webhooks: { type: "string" } } as const;
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    return fail(exitCode.usage, error instanceof Error ? error.message : String(error));
  }
  const listen = parseListen(values.listen ?? "127.0.0.1:8420");
  if (!listen) {
    return fail(exitCode.usage, `--listen ${JSON.stringify(values.listen)}: use HOST:PORT`);
  }
  let channels: ChannelConfig[];
  try {
    channels = values.webhooks === undefined
      ? [defaultChannel()]
      : readWebhooksFile(readFileSync(values.webhooks, "utf8"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail(exitCode.badConfig, `cannot read --webhooks ${values.webhooks}: ${why}`);
  }
  let relay: Relay;
  try {
    relay = await startRelay({
      ...listen,
      channels,
      clock: systemClock,
      observe: (event) =>
        void process.stderr.write(`${JSON.stringify({ time: new Date(), ...event })}\n`),
      heartbeatMs,
    });
  } catch (error) {
    return fail(exitCode.unexpected, error instanceof Error ? error.message : String(error));
  }
  process.stdout.write(`listening  ${relay.url}\n`);
  for (const { webhookIds, name, token } of channels) {
    for (const id of webhookIds) process.stdout.write(`post to    ${relay.url}/webhook/${id}\n`);
    if (values.webhooks !== undefined) continue;
    process.stdout.write(
      `connect    CONNECTOR_TOKEN=${token} hookferry connect --cloud-url ${relay.url} ` +
        `--channel ${name} --target-url http://127.0.0.1:3000/\n`,
    );
  }
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve).once("SIGTERM", resolve);
  });
  await relay.stop(stopGraceMs);
  return exitCode.ok;
}

function defaultChannel(): ChannelConfig {
  const entry = {
    module: "webhook_connect",
    channel: "default",
    channel_token: newToken(),
  };
  const [channel] = readWebhooksFile(JSON.stringify({ default: entry }));
  if (!channel) throw new Error("the default channel is missing");
  return channel;
}

function fail(code: number, message: string): number {
  process.stderr.write(`hookferry relay: ${message}\n`);
  return code;
}
