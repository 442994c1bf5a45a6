import { readFileSync } from "node:fs";
import process from "node:process";
import { loadConnections } from "../config/load_connections.ts";
import type { RouteSettings, Settings, TargetSettings } from "../config/settings.ts";
import type { Envelope } from "../flow.ts";
import { visibleLines } from "../output/visible.ts";
import { redactBy } from "../protocol/redact.ts";
import { requestFor, UnsendableError } from "../sink/request.ts";
import { exitCode } from "./exit_code.ts";
import { readLayersAnd } from "./layers.ts";
import { parseMessage } from "./message_file.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Says which targets a message would go to, with which request, and what would be tried again; of several
 * connections, each. Nothing is sent. Resolves with the exit code: 1 when no connection has a target for it, or each
 * has one that cannot be sent it.
 */
export async function explainConfig(args: readonly string[]): Promise<number> {
  const { layers, flags } = await readLayersAnd(args, {}, 1);
  const [path] = flags.positionals;
  if (path === undefined) throw new UsageError("config explain: name a file with a message");
  const { connections } = loadConnections(layers);
  const envelope = messageIn(path);
  print(`message ${envelope.id}, webhook id ${JSON.stringify(envelope.webhookId)}`);
  const areTaken = [...connections].map(([name, { settings }]) => {
    if (name !== "") print(`\nconnection ${name}`);
    return explainRoute(settings, envelope);
  });
  return areTaken.includes(true) ? exitCode.ok : exitCode.unexpected;
}

/** False when there is no target for it, or one of them cannot be sent it. */
function explainRoute(settings: Settings, envelope: Envelope): boolean {
  const { webhookId } = envelope;
  const named = settings.routes.get(webhookId);
  const route = named ?? settings.defaultRoute;
  if (!route) {
    print(`no target: neither targets.${webhookId} nor default_target; it goes back to the relay`);
    return false;
  }
  print(`route   ${named ? `targets.${webhookId}` : "the default target"}, ${policyOf(route)}`);
  const { onExhausted } = settings.delivery;
  const redact = redactBy(settings.redact);
  const areSendable = route.targets.map((target) => explain(target, envelope, redact, onExhausted));
  return !areSendable.includes(false);
}

function messageIn(path: string): Envelope {
  try {
    return parseMessage(readFileSync(path, "utf8"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`config explain: no message in ${JSON.stringify(path)}: ${why}`);
  }
}

function policyOf({ targets, ack }: RouteSettings): string {
  if (targets.length === 1) return "one target";
  const when = { all: "all have it", any: "any has it", primary: "the first has it" }[ack];
  return `${targets.length} targets; delivered when ${when}`;
}

function explain(
  target: TargetSettings,
  envelope: Envelope,
  redact: ReturnType<typeof redactBy>,
  onExhausted: "nack" | "dead_letter",
): boolean {
  print(`\ntarget  ${target.name}`);
  try {
    const request = requestFor(envelope, target, 1);
    const configured = new Set(target.headers.map(([name]) => name.toLowerCase()));
    print(`request ${request.method} ${request.url.origin + redact.path(request.path)}`);
    for (const [name, value] of redact.headers(request.headers)) {
      print(`        ${name}: ${configured.has(name.toLowerCase()) ? "***" : value}`);
    }
    print(`        (${request.body.byteLength} bytes of body, as received)`);
  } catch (error) {
    if (!(error instanceof UnsendableError)) throw error;
    print(`        cannot be sent: ${error.message}; it is rejected`);
    return false;
  }
  const { batch, retry, timeoutMs, breaker } = target;
  if (batch) {
    print(
      `batch   in one ${batch.format} request with others: up to ${batch.maxMessages} messages, ` +
        `${batch.maxWaitMs / 1000} s after the first`,
    );
  }
  print(`timeout ${timeoutMs / 1000} s for one attempt`);
  print("again   no answer in time, no connection, a redirect, 408, 425, 429 and 5xx:");
  print(`        ${retry.maxAttempts} attempts in all${waits(retry)}`);
  print("never   other 4xx: rejected at once, a dead letter");
  const then = onExhausted === "nack" ? "goes back to the relay" : "is kept here as a dead letter";
  print(`then    a message whose attempts are used up ${then}`);
  if (breaker.consecutiveFailures > 0) {
    print(
      `breaker opens after ${breaker.consecutiveFailures} failures in a row, for ${
        breaker.openMs / 1000
      } s`,
    );
  }
  return true;
}

/** The longest the waits can be: each is between half of it and all of it. */
function waits({ maxAttempts, delayMs, multiplier, maxDelayMs }: TargetSettings["retry"]): string {
  const shown = Array.from(
    { length: Math.min(maxAttempts - 1, 5) },
    (_, i) => Math.min(maxDelayMs, delayMs * multiplier ** i) / 1000,
  );
  if (shown.length === 0) return "";
  const more = maxAttempts - 1 > shown.length ? ", …" : "";
  return `, waits of up to ${shown.join(", ")}${more} s, or as Retry-After says`;
}

function print(line: string): void {
  process.stdout.write(`${visibleLines(line)}\n`);
}
