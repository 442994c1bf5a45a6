/** The escapes of the characters met so far: most texts use few. */
const escapes = new Map<number, string>();
const maxEscapes = 4_096;

/** The same JSON text with everything beyond ASCII escaped. */
export function asciiJson(text: string): string {
  return text.replace(/[^\0-\x7f]+/g, (run) => {
    let escaped = "";
    for (let i = 0; i < run.length; i++) escaped += escapeOf(run.charCodeAt(i));
    return escaped;
  });
}

function escapeOf(code: number): string {
  const known = escapes.get(code);
  if (known !== undefined) return known;
  const escape = `\\u${code.toString(16).padStart(4, "0")}`;
  if (escapes.size < maxEscapes) escapes.set(code, escape);
  return escape;
}
