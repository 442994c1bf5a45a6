import process from "node:process";
import { oneSignal } from "./one_signal.ts";

/**
 * What SIGHUP means: on a terminal, that it has gone (`onGone`); for a service, what services take it for
 * (`onAsked`). Until the result is called.
 */
export function onHangUp(
  { onGone, onAsked }: { readonly onGone: () => void; readonly onAsked: () => void },
): () => void {
  const isOnTerminal = process.stdin.isTTY || process.stdout.isTTY;
  const listener = oneSignal(isOnTerminal ? onGone : onAsked);
  process.on("SIGHUP", listener);
  return () => void process.off("SIGHUP", listener);
}
