import process from "node:process";
import { decimal } from "../config/decimal.ts";
import { visible } from "../output/visible.ts";
import { ask, whyNot } from "./ask.ts";
import { exitCode } from "./exit_code.ts";
import { parseFlags } from "./flags.ts";
import { httpUrl } from "./http_url.ts";
import { makeSample, sampleNames, sampleSecret } from "./samples.ts";
import { UsageError } from "./usage_error.ts";
import type { Command } from "./command.ts";

const sendHelp = `hookferry send URL: post sample webhooks, signed as the provider signs.

  --sample NAME   ${sampleNames.join(", ")} (default github.push)
  --count N       how many (default 1)

  The signing secret is HOOKFERRY_SIGNING_SECRET, else, as in hookferry dev,
  ${sampleSecret}. TLS is by CONNECTOR_CA_CERT_PATH and the like.
  Exit codes: 0 all were accepted, 1 not all, 2 usage, 78 bad configuration.

  hookferry send http://127.0.0.1:8420/webhook/default --sample stripe --count 3
`;

/** Resolves with the exit code. */
async function sendCommand(args: readonly string[]): Promise<number> {
  const { text, positionals } = parseFlags(args, { sample: "string", count: "string" }, 1);
  const [given] = positionals;
  const url = given === undefined ? undefined : httpUrl(given);
  if (!url) {
    throw new UsageError(
      `send ${given === undefined ? "" : JSON.stringify(given)}: give the URL to post to, ` +
        "as in http://127.0.0.1:8420/webhook/default",
    );
  }
  const name = sampleNames.find((one) => one === (text("sample") ?? "github.push"));
  if (!name) {
    throw new UsageError(
      `--sample ${JSON.stringify(text("sample"))}: use one of ${sampleNames.join(", ")}`,
    );
  }
  const count = decimal(text("count") ?? "1");
  if (count === undefined || !Number.isInteger(count) || count < 1) {
    throw new UsageError(`--count ${JSON.stringify(text("count"))}: use a whole number from 1`);
  }
  const secret = process.env["HOOKFERRY_SIGNING_SECRET"] || sampleSecret;
  let accepted = 0;
  for (let i = 1; i <= count; i++) {
    const result = await post(url, makeSample(name, secret, Date.now()));
    if (result.isAccepted) accepted++;
    process.stdout.write(`${i}/${count}  ${name}  ${visible(result.says)}\n`);
  }
  return accepted === count ? exitCode.ok : exitCode.unexpected;
}

/** Posts one sample; what went wrong is in `says`. Rejects with a `ConfigError`. */
export async function post(
  url: URL,
  { headers, body }: { headers: Readonly<Record<string, string>>; body: string },
): Promise<{ readonly isAccepted: boolean; readonly says: string }> {
  try {
    const response = await ask(url, { method: "POST", headers, body });
    const answer = (await response.text()).trim().slice(0, 200);
    return { isAccepted: response.ok, says: `${response.status}  ${answer}` };
  } catch (error) {
    return {
      isAccepted: false,
      says: `cannot post to ${url.href}: ${whyNot(error)}`,
    };
  }
}

export const send: Command = { help: sendHelp, run: sendCommand };
