/** Letters that may differ: more in a long name, "secs" for "seconds". */
function maxDistance({ length }: string): number {
  return length < 9 ? 2 : 3;
}

/** ", did you mean NAME?" for a name that is nearly one of `known`, else "". */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? "" : `, did you mean ${near}?`;
}

/** The one of `known` that the name nearly is. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let near: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const apart = distance(name.toLowerCase(), candidate.toLowerCase());
    if (apart <= maxDistance(candidate) && apart < least) [near, least] = [candidate, apart];
  }
  return near;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
