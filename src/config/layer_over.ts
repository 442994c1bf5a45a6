/** Keys of a file that say the same in two ways. */
const pairs = [["token", "token_file"], ["target_url", "default_target"]] as const;

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
  return { ...kept, ...over };
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}
