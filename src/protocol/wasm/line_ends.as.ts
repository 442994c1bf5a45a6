/**
 * Where lines end, 64 bytes at a time. AssemblyScript: `deno task wasm` makes ../line_ends_wasm.ts of it. Who calls it is
 * ../line_ends.ts.
 */

import { blockBytes, equal, firstBits, inputAt, outputAt } from "./blocks.as";

export { inputAt, outputAt, roomBytes } from "./blocks.as";

const cr: u8 = 0x0d;
const lf: u8 = 0x0a;

/** Whether there is a byte among the 64 that is no larger than a CR: most blocks have none. */
@inline
function hasControl(at: usize): bool {
  const least = i8x16.min_u(
    i8x16.min_u(v128.load(at), v128.load(at, 16)),
    i8x16.min_u(v128.load(at, 32), v128.load(at, 48)),
  );
  return v128.any_true(i8x16.le_u(least, i8x16.splat(cr)));
}

/** Writes at `outputAt` where each CR and LF of the input is, in words of 32 bits; the result is how many. */
export function find(length: i32): i32 {
  let to = outputAt;
  for (let at: i32 = 0; at < length; at += blockBytes) {
    const block = inputAt + at;
    if (!hasControl(block)) continue;
    let ends = (equal(block, lf) | equal(block, cr)) & firstBits(length - at);
    for (; ends != 0; ends &= ends - 1) {
      store<i32>(to, at + i32(ctz(ends)));
      to += 4;
    }
  }
  return i32(to - outputAt) >> 2;
}
