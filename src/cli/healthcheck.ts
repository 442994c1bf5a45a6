import process from "node:process";
import { parseListen } from "../config/listen_address.ts";
import { mergeLayers } from "../config/merge.ts";
import { exitCode } from "./exit_code.ts";
import { readLayers } from "./layers.ts";
import { UsageError } from "./usage_error.ts";

export const healthcheckHelp =
  `hookferry healthcheck: ask a running connector how it is; for containers.

  --live                      only whether it is alive (/healthz), not
                              whether it can deliver (/readyz)
  --status-listen HOST:PORT   where it listens (default: as configured)

  Exit code 0 when well, 1 when not.

  hookferry healthcheck && echo well
`;

const timeoutMs = 5_000;

/** Resolves with the exit code; prints what the connector answered. */
export async function healthcheckCommand(args: readonly string[]): Promise<number> {
  const live = args.includes("--live");
  const layers = readLayers(args.filter((arg) => arg !== "--live"));
  // Only where it listens is of interest here: what else is wrong, the connector itself has said.
  const given = mergeLayers(layers, () => {}).get("status_listen");
  const address = parseListen(given);
  if (!address) throw new UsageError(`status_listen ${JSON.stringify(given)}: use HOST:PORT`);
  const host = address.hostname.includes(":") ? `[${address.hostname}]` : address.hostname;
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "[::]" ? "[::1]" : host;
  const url = `http://${reachable}:${address.port}/${live ? "healthz" : "readyz"}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    process.stdout.write(`${(await response.text()).trim()}\n`);
    return response.ok ? exitCode.ok : exitCode.unexpected;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`hookferry healthcheck: no answer from ${url}: ${why}\n`);
    return exitCode.unexpected;
  }
}
