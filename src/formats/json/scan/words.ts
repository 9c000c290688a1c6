/**
 * Four bytes of text at a time, as the 32-bit integer that a little-endian load gives. The tests follow the classic bit tricks for
 * "has a byte less than n" and "has a byte equal to n"; a borrow can only spoil bytes above the first hit, and the first is what counts.
 */

/** The high bit of the first byte of `word` that is a quote, a backslash or a control character; 0 where none is. */
export function specialIn(word: number): number {
  return ((word - 0x20202020) | ((word ^ 0x22222222) - 0x01010101) | ((word ^ 0x5c5c5c5c) - 0x01010101)) & ~word & 0x80808080
}

/** How many bytes stand before the first one that `specialIn` marked. */
export function bytesBefore(special: number): number {
  return (31 - Math.clz32(special & -special)) >> 3
}

/** Whether all four bytes are ASCII digits. */
export function areDigits(word: number): boolean {
  const digits = word - 0x30303030
  return ((digits | (digits + 0x76767676)) & 0x80808080) === 0
}
