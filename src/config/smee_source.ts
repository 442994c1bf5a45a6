/** What is other where the source is a smee stream: no channel to name, no token, nobody who takes anything back. */
import type { Report } from "./config_error.ts";
import type { Values } from "./merge.ts";
import type { OptionKey } from "./options.ts";

export function isSmee(values: Values): boolean {
  return values.get("source") === "smee";
}

/** The webhook id of everything that comes, where `channel` gives it no other name. */
export const smeeChannel = "smee";

/** Reports what is set and cannot be had. */
export function checkSmee(values: Values, report: Report): void {
  const refuse = (key: OptionKey, accepted: string, why: string) => {
    if ((values.origin(key)?.rank ?? 0) === 0 || values.get(key) === accepted) return;
    report(`${key}: ${values.quoted(key)}: with source smee use ${accepted}: ${why}`);
  };
  refuse("protocol", "auto", "there is one kind of smee stream");
  refuse("on_exhausted", "dead_letter", "a smee stream takes nothing back");
}

/** What whoever reads such a stream must know. */
export function smeeWarnings(values: Values): string[] {
  const hasToken = values.get("token") !== undefined || values.get("token_file") !== undefined;
  return [
    "source smee: the protocol has no acknowledgements: what is posted while the connector is not " +
    "connected is lost, and so is what a crash finds in hand; the URL is the only secret: whoever " +
    "knows it reads and posts (docs/SMEE.md)",
    ...(hasToken ? ["token: is not sent: a smee stream takes none"] : []),
  ];
}
