/** Durations counted in buckets that grow by a fifth: a percentile is right within a tenth, whatever its size. */
const perDoubling = 4;

/** Up to 131 s; what is longer counts as that. */
export const latencyBuckets = 17 * perDoubling + 2;

export function bucketOf(ms: number): number {
  if (ms < 1) return 0;
  return Math.min(latencyBuckets - 1, 1 + Math.floor(perDoubling * Math.log2(ms)));
}

/** The duration that this share of those counted was not above, milliseconds; undefined when there are none. */
export function percentile(counts: ArrayLike<number>, share: number): number | undefined {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i] ?? 0;
  if (total === 0) return undefined;
  const rank = Math.max(1, Math.ceil(share * total));
  let seen = 0;
  for (let i = 0; i < counts.length; i++) {
    seen += counts[i] ?? 0;
    if (seen >= rank) return i === 0 ? 0 : Math.round(2 ** ((i - 0.5) / perDoubling));
  }
  return undefined;
}
