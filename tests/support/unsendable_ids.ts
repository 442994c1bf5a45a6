/** Event ids that no header can hold: sent back in Last-Event-ID they would fail every later connection. */
export const unsendableIds: readonly (readonly [name: string, id: string])[] = [
  ["beyond Latin-1", "€"],
  ["with a tab and a control character", "a\tb\x01"],
  ["of a megabyte", "x".repeat(1_000_000)],
];
