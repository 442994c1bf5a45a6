/** Of what can be chosen, what was asked for; all of it when nothing was. */
export function chosenFrom<T extends string>(
  all: readonly T[],
  wanted: readonly string[],
): readonly T[] {
  const some = all.filter((one) => wanted.includes(one));
  return some.length > 0 ? some : all;
}
