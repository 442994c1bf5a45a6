/**
 * Reads a `Retry-After` header (RFC 9110 section 10.2.3): seconds or an HTTP date. Milliseconds from now,
 * never negative; undefined when there is none or it cannot be read.
 */
export function parseRetryAfter(
  value: string | null | undefined,
  nowMs: number,
): number | undefined {
  const text = value?.trim();
  if (!text) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  // Date.parse reads nearly anything; the three forms of an HTTP date begin with the name of the day.
  const isDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text);
  // One of them does not say that it is in GMT.
  const at = isDate ? Date.parse(text.endsWith("GMT") ? text : `${text} GMT`) : NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
