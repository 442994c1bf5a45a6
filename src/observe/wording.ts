/** How numbers, times and problems are said to people. */

/** "0.4 s", "12 s", "3 min 12 s", "5 h 2 min", "3 d 4 h". */
export function span(ms: number): string {
  if (ms < 1_000) return ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  const two = (big: number, bigUnit: string, small: number, unit: string) =>
    small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${unit}`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return two(minutes, "min", seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return two(hours, "h", minutes % 60, "min");
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** A duration measured to the millisecond: "8 ms", "1.25 s", "2 min 3 s". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${Number((ms / 1000).toPrecision(3))} s` : span(ms);
}

/** Digits in groups of three. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** Of something a second. */
export function rate(n: number): string {
  return n === 0 ? "0" : n < 10 ? n.toFixed(1) : count(Math.round(n));
}

export function size(bytes: number): string {
  if (bytes < 1_024) return `${bytes} bytes`;
  const kib = bytes / 1_024;
  return kib < 1_024 ? `${Number(kib.toPrecision(3))} KiB` : `${(kib / 1_024).toFixed(1)} MiB`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** Of a list of problems, one beside the other. */
export function inOneLine(message: string): string {
  const [first, ...problems] = message.split(/\n *- /);
  return [first, problems.join("; ")].join(" ").trim();
}
