export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear between the two values it falls between. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? NaN;
  const high = sorted[Math.ceil(at)] ?? NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of Student's t, what 2.5 % are above, by degrees of freedom from 1 up; then it is nearly that of ten. */
const t = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23];

/** How far from the mean of these values the true one may be, at 95 % confidence. */
export function reachOfMean(values: readonly number[]): number {
  const freedom = values.length - 1;
  const middle = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / freedom;
  return (t[Math.min(freedom, t.length) - 1] ?? NaN) * Math.sqrt(variance / values.length);
}
