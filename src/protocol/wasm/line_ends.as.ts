/**
 * Where lines end, 64 bytes at a time. AssemblyScript: `deno task wasm` makes ../line_ends_wasm.ts of it. Who calls it is
 * ../line_ends.ts.
 */

import { blockBytes, equal, firstBits, hasUpTo, inputAt, outputAt } from "./blocks.as";

export { inputAt, outputAt, roomBytes } from "./blocks.as";

const cr: u8 = 0x0d;
const lf: u8 = 0x0a;

/** Writes at `outputAt` where each CR and LF of the input is, in words of 32 bits; the result is how many. */
export function find(length: i32): i32 {
  let to = outputAt;
  for (let at: i32 = 0; at < length; at += blockBytes) {
    const block = inputAt + at;
    if (!hasUpTo(block, cr)) continue;
    let ends = (equal(block, lf) | equal(block, cr)) & firstBits(length - at);
    for (; ends != 0; ends &= ends - 1) {
      store<i32>(to, at + i32(ctz(ends)));
      to += 4;
    }
  }
  return i32(to - outputAt) >> 2;
}
