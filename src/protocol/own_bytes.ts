/** A view that would keep much more than itself in memory becomes a copy. */
export function ownBytes(view: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return view.buffer.byteLength > 2 * view.byteLength ? view.slice() : view;
}
