import { z } from "zod";
import type { ListenAddress } from "../../config/settings.ts";
import { serve } from "../../runtime/serve.ts";
import { ask } from "../ask.ts";
import { statusOrigin } from "../control_client.ts";
import type { Finding } from "./finding.ts";

const timeoutMs = 2_000;

const connector = z.object({ connector_id: z.string(), version: z.string() });
/** Of one connection, or of several by their names. */
const running = z.union([
  connector.transform(({ connector_id, version }) => ({ ids: [connector_id], version })),
  z.object({ connections: z.record(z.string(), connector) }).transform(({ connections }) => ({
    ids: Object.values(connections).map(({ connector_id }) => connector_id),
    version: Object.values(connections)[0]?.version ?? "",
  })),
]);

/** The address of the status server: whether it can be had, and where a connector has it, which. */
export async function checkListen(
  address: ListenAddress,
  { isDefault }: { readonly isDefault: boolean },
): Promise<Finding> {
  const check = "status_listen";
  const { host } = new URL(statusOrigin(address));
  try {
    const server = await serve({
      ...address,
      maxFrameBytes: 0,
      handler: () => new Response("hookferry doctor looks whether it can listen here\n"),
    });
    await server.stop(0);
    return { check, status: "ok", detail: `${host} can be had` };
  } catch (error) {
    const found = await whoRunsAt(statusOrigin(address));
    if (found) {
      const detail = `a connector runs at ${host}: ${found.ids.join(", ")}, ` +
        `hookferry ${found.version}`;
      return { check, status: "ok", detail };
    }
    const message = error instanceof Error ? error.message : String(error);
    return isDefault
      ? { check, status: "warn", detail: `${message}: it works without`, fix: "set status_listen" }
      : {
        check,
        status: "fail",
        detail: message,
        fix: "set status_listen to another port, or to off",
      };
  }
}

async function whoRunsAt(origin: string) {
  try {
    const response = await ask(`${origin}/status`, { timeoutMs });
    return running.safeParse(JSON.parse(await response.text())).data;
  } catch {
    return undefined;
  }
}
