/** A view that would keep much more than itself in memory becomes a copy. */
export function ownBytes(view: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return view.buffer.byteLength > 2 * view.byteLength ? view.slice() : view;
}

/** One after the other, in memory of their own. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
