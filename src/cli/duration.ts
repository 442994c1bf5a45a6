const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of "90", "90s", "10m", "1.5h" or "1d"; undefined for anything else, and for nothing at all. */
export function parseDuration(text: string): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim());
  const unit = (parts?.[2] ?? "s") as keyof typeof unitMs;
  const ms = Number(parts?.[1]) * unitMs[unit];
  return ms > 0 ? ms : undefined;
}
