/** Blocks of 64 bytes, a bit for each of them in a word. */

export const blockBytes: i32 = 64;
export const none: u64 = 0;
export const all: u64 = ~none;

/** So much of a text at a time is written to `inputAt`; what is compact comes out at `outputAt`. */
export const roomBytes: i32 = 64 * 1024;
const shufflesAt: usize = 1024;
export const inputAt: usize = 4096;
export const outputAt: usize = inputAt + roomBytes + 2 * blockBytes;

/** For each byte of a mask, which of eight bytes are kept: their places, the first ones first. */
for (let mask = 0; mask < 256; mask++) {
  let to = shufflesAt + (mask << 3);
  for (let place = 0; place < 8; place++) if ((mask >> place) & 1) store<u8>(to++, u8(place));
}

@inline
function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  return u64(i8x16.bitmask(a)) | (u64(i8x16.bitmask(b)) << 16) |
    (u64(i8x16.bitmask(c)) << 32) | (u64(i8x16.bitmask(d)) << 48);
}

/** Which of the 64 bytes are this one. */
@inline
export function equal(at: usize, byte: u8): u64 {
  const wanted = i8x16.splat(byte);
  return bits(
    i8x16.eq(v128.load(at), wanted),
    i8x16.eq(v128.load(at, 16), wanted),
    i8x16.eq(v128.load(at, 32), wanted),
    i8x16.eq(v128.load(at, 48), wanted),
  );
}

@inline
function small(bytes: v128): v128 {
  return v128.or(bytes, i8x16.splat(0x20));
}

/** The same with bit 0x20 set: a bracket and its brace are one. */
@inline
export function equalSmall(at: usize, byte: u8): u64 {
  const wanted = i8x16.splat(byte);
  return bits(
    i8x16.eq(small(v128.load(at)), wanted),
    i8x16.eq(small(v128.load(at, 16)), wanted),
    i8x16.eq(small(v128.load(at, 32)), wanted),
    i8x16.eq(small(v128.load(at, 48)), wanted),
  );
}

/** Whether one of the 64 bytes is no larger than this: of most blocks none is a control character. */
@inline
export function hasUpTo(at: usize, largest: u8): bool {
  const least = i8x16.min_u(
    i8x16.min_u(v128.load(at), v128.load(at, 16)),
    i8x16.min_u(v128.load(at, 32), v128.load(at, 48)),
  );
  return v128.any_true(i8x16.le_u(least, i8x16.splat(largest)));
}

@inline
function isSpace(bytes: v128): v128 {
  return v128.or(
    v128.or(i8x16.eq(bytes, i8x16.splat(0x20)), i8x16.eq(bytes, i8x16.splat(0x0a))),
    v128.or(i8x16.eq(bytes, i8x16.splat(0x0d)), i8x16.eq(bytes, i8x16.splat(0x09))),
  );
}

@inline
export function spaces(at: usize): u64 {
  if (!hasUpTo(at, 0x1f)) return equal(at, 0x20);
  return bits(
    isSpace(v128.load(at)),
    isSpace(v128.load(at, 16)),
    isSpace(v128.load(at, 32)),
    isSpace(v128.load(at, 48)),
  );
}

/** Of each bit, whether those up to it are odd in number: from a quote on to before the next one. */
@inline
export function between(quotes: u64): u64 {
  quotes ^= quotes << 1;
  quotes ^= quotes << 2;
  quotes ^= quotes << 4;
  quotes ^= quotes << 8;
  quotes ^= quotes << 16;
  return quotes ^ (quotes << 32);
}

/** The first `count` bits. */
@inline
export function firstBits(count: i32): u64 {
  return count < blockBytes ? (u64(1) << count) - 1 : all;
}

/** Writes those of 64 bytes that are kept; the result is where the next one goes. Writes over what is behind them. */
@inline
export function keep(at: usize, kept: u64, to: usize): usize {
  if (kept == all) {
    v128.store(to, v128.load(at));
    v128.store(to, v128.load(at, 16), 16);
    v128.store(to, v128.load(at, 32), 32);
    v128.store(to, v128.load(at, 48), 48);
    return to + blockBytes;
  }
  to = keep16(at, u32(kept & 0xffff), to);
  to = keep16(at + 16, u32((kept >> 16) & 0xffff), to);
  to = keep16(at + 32, u32((kept >> 32) & 0xffff), to);
  return keep16(at + 48, u32(kept >> 48), to);
}

@inline
function keep16(at: usize, kept: u32, to: usize): usize {
  const bytes = v128.load(at);
  if (kept == 0xffff) {
    v128.store(to, bytes);
    return to + 16;
  }
  const first = kept & 0xff;
  keep8(bytes, first, to);
  keep8(v128.load64_zero(at, 8), kept >> 8, to + popcnt(first));
  return to + popcnt(kept);
}

/** Of the first eight. */
@inline
function keep8(bytes: v128, kept: u32, to: usize): void {
  const places = v128.load64_zero(shufflesAt + (usize(kept) << 3));
  v128.store64_lane(to, v128.swizzle(bytes, places), 0);
}
