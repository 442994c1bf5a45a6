/** The number that a text is, as people and JSON write it; undefined for what only a program takes for one, as 0x10. */
export function decimal(text: string): number | undefined {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : undefined;
}
