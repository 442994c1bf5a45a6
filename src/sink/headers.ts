import { isHeaderField } from "../protocol/header_field.ts";
import { connectionOptions, hopByHopHeaders } from "../protocol/hop_by_hop.ts";

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** Those that are made anew for the target. */
const ours = new Set(["host", "content-length"]);

/**
 * What goes on to the target: without hop-by-hop headers and those that `Connection` names, and without
 * any that is not a valid field, which could smuggle in another; nor those of the names in `without`, which are in
 * small letters. Order and repeats are kept.
 */
export function forwardedHeaders(
  headers: HeaderList,
  without: readonly ReadonlySet<string>[] = [],
): HeaderList {
  const named = connectionOptions(headers);
  return headers.filter((header) => {
    const lower = header[0].toLowerCase();
    return !hopByHopHeaders.has(lower) && !ours.has(lower) && !named.has(lower) &&
      !without.some((names) => names.has(lower)) &&
      isHeaderField(header);
  });
}

/** Their names in small letters. */
export function namesOf(headers: HeaderList): ReadonlySet<string> {
  return new Set(headers.map(([name]) => name.toLowerCase()));
}
