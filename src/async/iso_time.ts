let lastSecond = { since: NaN, text: "" };

/** Milliseconds since the epoch as `Date.toISOString` writes them; many that are asked for are of one second. */
export function isoTime(at: number): string {
  const since = Math.floor(at / 1000) * 1000;
  if (lastSecond.since !== since) {
    lastSecond = { since, text: new Date(since).toISOString().slice(0, -"000Z".length) };
  }
  return `${lastSecond.text}${String(Math.floor(at - since)).padStart(3, "0")}Z`;
}
