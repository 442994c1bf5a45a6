import { authority } from "../config/host.ts";
import type { ListenAddress } from "../config/settings.ts";
import { isOff, parseListen } from "../config/listen_address.ts";
import type { Layers } from "../config/merge.ts";
import { mergeLayers } from "../config/merge.ts";
import { networkFailure } from "../runtime/network_failure.ts";
import { ask } from "./ask.ts";
import { otherState } from "./state_folder.ts";
import { readStatusToken, statusTokenFile } from "./status_token.ts";
import { UsageError } from "./usage_error.ts";

/** Asks the control routes of a connector; `path` is below `/-`. Rejects with a `ControlError`. */
export type AskControl = (method: string, path: string) => Promise<Response>;

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
  return `http://${authority(reachable(address), address.port)}`;
}

/** A way to ask the connector that runs with these settings. */
export function askRunning(layers: Layers): AskControl {
  const { origin, port } = statusAddress(layers);
  const values = mergeLayers(layers, () => {});
  const given = values.get("status_token")?.reveal();
  const token = given ?? readStatusToken(port);
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return async (method, path) => {
    const response = await answerAt(origin, `/-${path}`, { method, headers });
    if (response.status === 401) {
      await response.body?.cancel();
      const file = statusTokenFile(port);
      const why = token === undefined
        ? `wants its status token, and there is no ${file}`
        : `refuses the status token ${given === undefined ? `in ${file}` : "in status_token"}`;
      throw new ControlError(`the connector at ${origin} ${why}: ${otherState}`);
    }
    return await checked(response);
  };
}

/** What the connector at `origin` says. Rejects with a `ControlError`. */
export async function askConnector(
  origin: string,
  path: string,
  how: Parameters<typeof ask>[1],
): Promise<Response> {
  return await checked(await answerAt(origin, path, how));
}

async function answerAt(
  origin: string,
  path: string,
  how: Parameters<typeof ask>[1],
): Promise<Response> {
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
  const text = (await response.text()).slice(0, 500);
  let detail = text;
  try {
    detail = String((JSON.parse(text) as { detail?: unknown }).detail ?? text);
  } catch {
    // Not one of our answers; what it says is as good as anything.
  }
  throw new ControlError(`the connector answered ${response.status}: ${detail}`);
}

function reachable({ hostname }: ListenAddress): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  return hostname === "::" ? "::1" : hostname;
}
