import { abortable } from "../../async/abort.ts";
import { StreamFailure, type StreamFailureClass } from "../../flow.ts";
import {
  isProxyFailure,
  type NetworkFailure,
  networkFailure,
} from "../../runtime/network_failure.ts";

/** What one check came to. */
export interface Finding {
  /** What was looked at: "relay.tls", "target.orders". */
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly detail: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** Takes the findings as they come. */
export type Tell = (finding: Finding) => void;

const fixes: Record<NetworkFailure["code"], string> = {
  refused: "start what is to listen there, or correct the address",
  dns: "correct the host name, or ask for it to be made known to this machine's resolver",
  timeout: "let the connection out through the firewall, or set proxy where one leads there",
  reset: "ask who runs the firewall or the proxy on the way what it cuts",
  tls: "correct the TLS settings: docs/NETWORK.md",
  network: "look at the route: the firewall, the proxy, the other side's log",
};

const fixProxy =
  "start the proxy or correct what is set for it; where none is needed set proxy to none";
const fixesOfStream: Partial<Record<StreamFailureClass, string>> = {
  rejected: "correct token and channel, or ask whoever runs the relay for a new token",
  protocol: "correct cloud_url: what answers there is no relay",
};

/**
 * Runs one check: what it returns is told as well, what it throws as failed, with its fix. Resolves with whether it
 * may go on from there. `where` is what is asked, for a failure that does not name it.
 */
export async function check(
  name: string,
  tell: Tell,
  timeoutMs: number,
  run: (signal: AbortSignal) => Promise<Omit<Finding, "check">>,
  where?: string,
): Promise<boolean> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const finding = await abortable(run(signal), signal);
    tell({ check: name, ...finding });
    return finding.status !== "fail";
  } catch (error) {
    const { code, message } = networkFailure(error);
    const late = signal.aborted && error === signal.reason;
    const isNamed = error instanceof StreamFailure || isProxyFailure(error);
    const detail = late
      ? `nothing came within ${timeoutMs / 1000} s`
      : error instanceof StreamFailure
      ? error.message
      : message;
    tell({
      check: name,
      status: "fail",
      detail: where === undefined || isNamed ? detail : `${where}: ${detail}`,
      fix: isProxyFailure(error)
        ? fixProxy
        : (error instanceof StreamFailure && fixesOfStream[error.failureClass]) ||
          fixes[late ? "timeout" : code],
    });
    return false;
  }
}
