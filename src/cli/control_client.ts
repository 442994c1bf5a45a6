import process from "node:process";
import { z } from "zod";
import type { ListenAddress } from "../config/settings.ts";
import { isOff, parseListen } from "../config/listen_address.ts";
import type { Layers } from "../config/merge.ts";
import { mergeLayers } from "../config/merge.ts";
import { visible } from "../output/visible.ts";
import { networkFailure } from "../runtime/network_failure.ts";
import { ask, type Question } from "./ask.ts";
import { identitiesOf, otherConnector } from "./meant_connector.ts";
import { fromHere } from "./reachable.ts";
import { otherState } from "./state_folder.ts";
import { readStatusToken, statusTokenFile } from "./status_token.ts";
import { UsageError } from "./usage_error.ts";

/** Asks the control routes of a connector; `path` is below `/-`. Rejects with a `ControlError`. */
export type AskControl = (method: string, path: string, how?: Question) => Promise<Response>;

/** What was asked was not done; the message says why. */
export class ControlError extends Error {
  override readonly name = "ControlError";
  /** Nobody could be asked, and this is why, in words. */
  readonly unasked: string | undefined;

  constructor(message: string, { unasked }: { readonly unasked?: string } = {}) {
    super(message);
    this.unasked = unasked;
  }
}

/** Where a connector with these settings can be asked. Throws `UsageError`, or a `ControlError` where that is off. */
export function statusAddress(layers: Layers): { readonly origin: string; readonly port: number } {
  // Only where it listens is of interest here: what else is wrong, the connector itself has said.
  const values = mergeLayers(layers, () => {});
  const given = values.get("status_listen");
  if (isOff(given)) {
    const unasked = `status_listen is off (${values.origin("status_listen")?.origin})`;
    throw new ControlError(`no connector can be asked: ${unasked}`, { unasked });
  }
  const address = parseListen(given);
  if (!address) throw new UsageError(`status_listen ${JSON.stringify(given)}: use HOST:PORT`);
  return { origin: statusOrigin(address), port: address.port };
}

/** Where who listens there can be asked from this machine. */
export function statusOrigin(address: ListenAddress): string {
  return `http://${fromHere(address)}`;
}

const statusShape = z.record(z.string(), z.unknown());
const statusTimeoutMs = 5_000;

export interface Answerer {
  readonly status: Record<string, unknown>;
  /** In words, where it is known to be another one than the layers name. */
  readonly other: string | undefined;
}

/** Who answers at `origin`. Rejects with a `ControlError`. */
export async function answererAt(origin: string, layers: Layers): Promise<Answerer> {
  const response = await checked(await answerAt(origin, "/status", { timeoutMs: statusTimeoutMs }));
  const status = await contentOf(response, statusShape);
  const identity = otherConnector(layers, status);
  return { status, other: identity && `the connector at ${origin} is another one, ${identity}` };
}

/** Says so on standard error, where it is another one. */
export function warnOfOther(other: Answerer["other"]): void {
  if (other !== undefined) process.stderr.write(`hookferry: ${visible(other)}\n`);
}

/** Where the layers name a connector: rejects with a `ControlError` when nobody is there, or another one. */
async function assertMeant(origin: string, layers: Layers): Promise<void> {
  if (!identitiesOf(layers)) return;
  let other: string | undefined;
  try {
    ({ other } = await answererAt(origin, layers));
  } catch (error) {
    // Who does not say who it is may be the one.
    if (!(error instanceof ControlError && error.unasked === undefined)) throw error;
  }
  if (other !== undefined) throw new ControlError(other, { unasked: other });
}

/** A way to ask the connector that runs with these settings, and no other. Rejects with a `ControlError`. */
export async function askRunning(layers: Layers): Promise<AskControl> {
  const { origin, port } = statusAddress(layers);
  await assertMeant(origin, layers);
  const values = mergeLayers(layers, () => {});
  const given = values.get("status_token")?.reveal();
  const token = given ?? readStatusToken(port);
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return async (method, path, how) => {
    const response = await answerAt(origin, `/-${path}`, { ...how, method, headers });
    if (response.status === 401) {
      await textOf(response);
      const file = statusTokenFile(port);
      const why = token === undefined
        ? `wants its status token, and there is no ${file}`
        : `refuses the status token ${given === undefined ? `in ${file}` : "in status_token"}`;
      throw new ControlError(`the connector at ${origin} ${why}: ${otherState}`);
    }
    return await checked(response);
  };
}

async function answerAt(origin: string, path: string, how: Question): Promise<Response> {
  try {
    return await ask(origin + path, how);
  } catch (error) {
    const why = networkFailure(error).message;
    throw new ControlError(`no connector answers at ${origin}: ${why}`, {
      unasked: "no connector is running",
    });
  }
}

/** The response, when it is one that says yes. Rejects with a `ControlError`. */
export async function checked(response: Response): Promise<Response> {
  if (response.ok) return response;
  const text = (await textOf(response)).slice(0, 500);
  let detail = text;
  try {
    detail = String((JSON.parse(text) as { detail?: unknown }).detail ?? text);
  } catch {
    // Not one of our answers; what it says is as good as anything.
  }
  throw new ControlError(`the connector answered ${response.status}: ${detail}`);
}

/** The JSON that the response holds. Rejects with a `ControlError` when it is none of that shape. */
export async function contentOf<T>(response: Response, shape: z.ZodType<T>): Promise<T> {
  const text = await textOf(response);
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    const begin = JSON.stringify(text.trim().slice(0, 100));
    throw new ControlError(`what answers is no connector of this version: it said ${begin}`);
  }
}

async function textOf(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw new ControlError(`the answer broke off: ${networkFailure(error).message}`);
  }
}
