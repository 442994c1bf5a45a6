import { isObject } from "../protocol/json_object.ts";

/** Keys of a file that say the same in two ways. */
const pairs = [["token", "token_file"], ["target_url", "default_target"]] as const;

/** Options that stand for a value of `default_target`, which is stronger where it is nearer. */
const ofTarget = [["target_method", "method"], ["target_timeout", "timeout_seconds"]] as const;

type Content = Readonly<Record<string, unknown>>;

/**
 * What a part of a file says with what a nearer part says in its place. Where the nearer one says one of a pair, the
 * other is not taken from what it overrides: it would go on in place of the nearer choice.
 */
export function layerOver(under: Content, over: Content): Record<string, unknown> {
  const kept: Record<string, unknown> = { ...under };
  for (const [one, other] of pairs) {
    if (isSet(over[one])) delete kept[other];
    if (isSet(over[other])) delete kept[one];
  }
  const target = over["default_target"];
  for (const [option, key] of ofTarget) {
    if (isObject(target) && isSet(target[key])) delete kept[option];
  }
  return { ...kept, ...over };
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}
