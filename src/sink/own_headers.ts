import type { TargetSettings } from "../config/settings.ts";
import { forwardedHeaders, type HeaderList, namesOf } from "./headers.ts";

/** What the settings of a target say is sent, in place of anything of the same name. */
export interface OwnHeaders {
  readonly headers: HeaderList;
  /** In small letters. */
  readonly names: ReadonlySet<string>;
  /** Instead of that of the URL. */
  readonly host: string | undefined;
}

const known = new WeakMap<TargetSettings, OwnHeaders>();

/** Made once for each target. */
export function ownHeaders(target: TargetSettings): OwnHeaders {
  const before = known.get(target);
  if (before) return before;
  const headers = forwardedHeaders(target.headers);
  const host = target.headers.find(([name]) => name.toLowerCase() === "host")?.[1];
  const made = { headers, names: namesOf(headers), host };
  known.set(target, made);
  return made;
}
