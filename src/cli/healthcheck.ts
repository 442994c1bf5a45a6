import process from "node:process";
import { isLoopback } from "../config/host.ts";
import { ask, whyNot } from "./ask.ts";
import { answererAt, statusAddress, warnOfOther } from "./control_client.ts";
import { exitCode } from "./exit_code.ts";
import { type Flags, parseFlags } from "./flags.ts";
import { httpUrl } from "./http_url.ts";
import { readLayersToAsk } from "./layers_to_ask.ts";
import { UsageError } from "./usage_error.ts";
import type { Command } from "./command.ts";

const healthcheckHelp = `hookferry healthcheck: ask a running connector how it is; for containers.

  --ready                     whether it can deliver (/readyz); the default
  --live                      only whether it is alive (/healthz)
  --status-listen HOST:PORT   where it listens (default: as configured)
  --url URL                   a relay instead; on this machine its certificate
                              may be of any name

  Exit codes: 0 well, 1 not, 2 usage, 78 bad configuration.

  hookferry healthcheck && echo well
`;

const timeoutMs = 5_000;

/** Resolves with the exit code; prints what the connector answered. */
async function healthcheckCommand(args: readonly string[]): Promise<number> {
  if (args.some((arg) => /^--url(=|$)/.test(arg))) {
    return await askHealth(relayUrl(parseFlags(args, own)));
  }
  const { layers, flags } = await readLayersToAsk(args, own, { acts: false });
  const path = pathOf(flags);
  const { origin } = statusAddress(layers);
  const code = await askHealth({ url: origin + path, verify: true });
  // A settings file may have changed since it started: whoever answers is asked, and that it is another one said.
  if (path === "/readyz") {
    const answerer = await answererAt(origin, layers).catch(() => undefined);
    warnOfOther(answerer?.other);
  }
  return code;
}

const own = { live: "boolean", ready: "boolean", url: "string" } as const;

interface HealthUrl {
  readonly url: string;
  readonly verify: boolean;
}

async function askHealth({ url, verify }: HealthUrl): Promise<number> {
  try {
    const response = await ask(url, { timeoutMs, verify });
    process.stdout.write(`${(await response.text()).trim()}\n`);
    return response.ok ? exitCode.ok : exitCode.unexpected;
  } catch (error) {
    process.stderr.write(`hookferry healthcheck: no answer from ${url}: ${whyNot(error)}\n`);
    return exitCode.unexpected;
  }
}

function relayUrl(flags: Flags): HealthUrl {
  const given = flags.text("url") ?? "";
  const url = httpUrl(given);
  if (!url) {
    throw new UsageError(`--url ${JSON.stringify(given)}: use a URL with http: or https:`);
  }
  // It names the relay as others reach it.
  return { url: url.href.replace(/\/$/, "") + pathOf(flags), verify: !isLoopback(url.hostname) };
}

function pathOf({ isOn }: Flags): string {
  if (isOn("live") && isOn("ready")) throw new UsageError("--live or --ready, not both");
  return isOn("live") ? "/healthz" : "/readyz";
}

export const healthcheck: Command = { help: healthcheckHelp, run: healthcheckCommand };
