import process from "node:process";
import { decimal } from "../config/decimal.ts";
import { visible } from "../output/visible.ts";
import { ask, whyNot } from "./ask.ts";
import { exitCode } from "./exit_code.ts";
import { parseFlags } from "./flags.ts";
import { httpUrl } from "./http_url.ts";
import { readAdminToken } from "./relay_flags.ts";
import { UsageError } from "./usage_error.ts";
import type { Command } from "./command.ts";

const rotateTokenHelp =
  `hookferry rotate-token CHANNEL: a new token for a channel of a running relay.

  --url URL         the relay (default http://127.0.0.1:8420)
  --grace SECONDS   how long the old ones stay good (default 3600; 0 = revoke
                    now: connections that used them are closed)

  WEBHOOK_CONNECT_ADMIN_TOKEN must be the relay's. Prints the token alone.
  TLS is by CONNECTOR_CA_CERT_PATH and the like.

  hookferry rotate-token orders --grace 600 > token && chmod 600 token
`;

/** Resolves with the exit code. */
async function rotateTokenCommand(args: readonly string[]): Promise<number> {
  const { text, positionals } = parseFlags(args, { url: "string", grace: "string" }, 1);
  const [channel] = positionals;
  if (channel === undefined) throw new UsageError("rotate-token: name the channel");
  const base = httpUrl(text("url") ?? "http://127.0.0.1:8420");
  if (!base) {
    throw new UsageError(`--url ${JSON.stringify(text("url"))}: use a URL with http: or https:`);
  }
  const grace = decimal(text("grace") ?? "3600");
  if (grace === undefined || grace < 0) {
    throw new UsageError(`--grace ${JSON.stringify(text("grace"))}: use a number of seconds`);
  }
  const adminToken = readAdminToken(process.env);
  if (adminToken === undefined) {
    throw new UsageError("rotate-token: set WEBHOOK_CONNECT_ADMIN_TOKEN to the relay's");
  }
  const path = `/admin/webhook-connect/channels/${encodeURIComponent(channel)}/rotate-token`;
  const url = base.href.replace(/\/$/, "") + path;
  let answer: { status: number; body: { new_token?: string; detail?: unknown } };
  try {
    const response = await ask(url, {
      method: "POST",
      headers: { "Authorization": `Bearer ${adminToken}`, "Content-Type": "application/json" },
      body: JSON.stringify({ grace_period_seconds: grace }),
    });
    answer = { status: response.status, body: await response.json() };
  } catch (error) {
    return fail(`cannot rotate the token at ${base.origin}: ${whyNot(error)}`);
  }
  if (answer.body.new_token === undefined) {
    return fail(`the relay answered ${answer.status}: ${JSON.stringify(answer.body.detail)}`);
  }
  process.stdout.write(`${answer.body.new_token}\n`);
  return exitCode.ok;
}

function fail(message: string): number {
  process.stderr.write(`hookferry rotate-token: ${visible(message)}\n`);
  return exitCode.unexpected;
}

export const rotateToken: Command = { help: rotateTokenHelp, run: rotateTokenCommand };
