/**
 * Bounds of strings and binaries, on their bytes: a string is its UTF-8, so that nothing is decoded on the way from a column to a
 * manifest. Readers compare bounds byte by byte, unsigned, which for UTF-8 is code point order.
 */

/** Negative, zero or positive: `a` before, equal to or after `b`, bytes unsigned, a prefix before what it begins. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i] - b[i]
  return a.length - b.length
}

/** The first `codePoints` code points of a UTF-8 text: never greater than the text. */
export function truncateLowerString(utf8: Uint8Array, codePoints: number): Uint8Array {
  return utf8.subarray(0, prefixLength(utf8, codePoints))
}

/**
 * A text of at most `codePoints` code points that is not less than the given one: itself where it is short enough, else its beginning
 * with the last code point that can be incremented replaced by the next one that is valid Unicode. Undefined where none can be.
 */
export function truncateUpperString(utf8: Uint8Array, codePoints: number): Uint8Array | undefined {
  let end = prefixLength(utf8, codePoints)
  if (end === utf8.length) return utf8
  while (end > 0) {
    let start = end - 1
    while (start > 0 && isContinuation(utf8[start])) start--
    const next = nextCodePoint(decode(utf8.subarray(start, end)))
    if (next !== undefined) {
      const last = encode(next)
      const bound = new Uint8Array(start + last.length)
      bound.set(utf8.subarray(0, start))
      bound.set(last, start)
      return bound
    }
    end = start
  }
  return undefined
}

/** The first `length` bytes. */
export function truncateLowerBinary(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.subarray(0, length)
}

/** At most `length` bytes that are not less than the given ones; undefined where all of the first `length` are 0xff. */
export function truncateUpperBinary(bytes: Uint8Array, length: number): Uint8Array | undefined {
  if (bytes.length <= length) return bytes
  let end = length
  while (end > 0 && bytes[end - 1] === 0xff) end--
  if (end === 0) return undefined
  const bound = bytes.slice(0, end)
  bound[end - 1]++
  return bound
}

/** The bytes that the first `codePoints` code points take. */
function prefixLength(utf8: Uint8Array, codePoints: number): number {
  // A code point takes a byte or more, so that short texts need no look.
  if (utf8.length <= codePoints) return utf8.length
  let seen = 0
  for (let i = 0; i < utf8.length; i++) if (!isContinuation(utf8[i]) && seen++ === codePoints) return i
  return utf8.length
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80
}

function nextCodePoint(codePoint: number): number | undefined {
  if (codePoint >= 0x10_ffff) return undefined
  return codePoint === 0xd7ff ? 0xe000 : codePoint + 1
}

function decode(utf8: Uint8Array): number {
  if (utf8.length === 1) return utf8[0]
  let codePoint = utf8[0] & (0xff >> (utf8.length + 1))
  for (const byte of utf8.subarray(1)) codePoint = (codePoint << 6) | (byte & 0x3f)
  return codePoint
}

function encode(codePoint: number): Uint8Array {
  return new TextEncoder().encode(String.fromCodePoint(codePoint))
}
