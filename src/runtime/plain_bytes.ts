/**
 * The same bytes, or some of them, not as the `Buffer` that sockets give: Deno's looks for a byte, and cuts, many times
 * slower.
 */
export function plainBytes(
  bytes: Uint8Array,
  start = 0,
  count = bytes.byteLength - start,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset + start, count);
}
