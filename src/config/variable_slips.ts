import { nearest } from "./near_name.ts";
import { envName, options } from "./options.ts";

const prefix = "CONNECTOR_";

/** The variables that are nearly one of ours, one line each. What else begins as ours do may be of others. */
export function variableSlips(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = options.map((option) => envName(option).slice(prefix.length));
  return Object.keys(env).filter((name) => env[name] && name.startsWith(prefix)).flatMap((name) => {
    const rest = name.slice(prefix.length);
    const near = known.includes(rest) ? undefined : nearest(rest, known);
    return near === undefined
      ? []
      : [`${name}: no setting has this variable, did you mean ${prefix}${near}?`];
  });
}
