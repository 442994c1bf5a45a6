import { hopByHopHeaders } from "../protocol/hop_by_hop.ts";

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** Those that are made anew for the target. */
const ours = new Set(["host", "content-length"]);

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** A field value may hold visible bytes, spaces and tabs (RFC 9110 section 5.5): no CR, LF, NUL, and nothing above a byte. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * What goes on to the target: without hop-by-hop headers and those that `Connection` names, and without
 * any that is not a valid field, which could smuggle in another. Order and repeats are kept.
 */
export function forwardedHeaders(headers: HeaderList): HeaderList {
  const named = new Set<string>();
  for (const [name, value] of headers) {
    if (name.toLowerCase() !== "connection") continue;
    for (const option of value.split(",")) named.add(option.trim().toLowerCase());
  }
  return headers.filter(([name, value]) => {
    const lower = name.toLowerCase();
    return !hopByHopHeaders.has(lower) && !ours.has(lower) && !named.has(lower) &&
      token.test(name) &&
      fieldValue.test(value);
  });
}

/** `headers` with `overrides` behind them, in place of those with the same name. */
export function withOverrides(headers: HeaderList, overrides: HeaderList): HeaderList {
  const names = new Set(overrides.map(([name]) => name.toLowerCase()));
  return [...headers.filter(([name]) => !names.has(name.toLowerCase())), ...overrides];
}
