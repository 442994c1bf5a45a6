import { type Chaos } from "../chaos/chaos.ts";
import { parseChaos } from "../chaos/chaos_text.ts";
import { isLoopback } from "../config/host.ts";
import { UsageError } from "./usage_error.ts";

export interface ChaosFlag {
  /** The arguments without `--chaos` and `--i-know`. */
  readonly rest: readonly string[];
  readonly chaos: Chaos | undefined;
  /** Throws `UsageError` where the faults would hit others than this machine and nobody said that is meant. */
  assertAllowed(relay: URL): void;
}

/** Takes `--chaos` out of a command's arguments: it is for tests (CONTRIBUTING.md). Throws `UsageError`. */
export function takeChaos(args: readonly string[]): ChaosFlag {
  const rest: string[] = [];
  let text: string | undefined;
  let isSure = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--i-know") isSure = true;
    else if (arg === "--chaos") text = args[++i] ?? "";
    else if (arg.startsWith("--chaos=")) text = arg.slice("--chaos=".length);
    else rest.push(arg);
  }
  if (text === undefined) {
    if (isSure) throw new UsageError("--i-know goes with --chaos");
    return { rest, chaos: undefined, assertAllowed() {} };
  }
  const chaos = parseChaos(text, Math.floor(Math.random() * 2 ** 32));
  if (typeof chaos === "string") throw new UsageError(`--chaos ${chaos}`);
  return {
    rest,
    chaos,
    assertAllowed(relay) {
      if (isSure || isLoopback(relay.hostname)) return;
      throw new UsageError(
        `--chaos loses and repeats what ${relay.origin} has, which is not on this machine; ` +
          "add --i-know if that is what you want",
      );
    },
  };
}
