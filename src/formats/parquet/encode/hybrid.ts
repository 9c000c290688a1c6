/**
 * Parquet's RLE / bit-packing hybrid (parquet-format, Encodings.md, "RLE = 3"), without the length in front that some places want.
 */

/** The widest values that are packed here, bits. */
export const maxWidth = 24

/** Bits that every number up to `max` fits in. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(max)
}

/** No fewer bytes than `encodeHybrid` writes for `count` values, those that it writes past their end included. */
export function hybridBound(count: number, width: number): number {
  // A header for each group of eight; a run is never longer than the groups that it stands for, but for a short one at the end.
  return ((count + 7) >> 3) * (width + 1) + 16
}

/** Groups of eight values under one header, at most: so that it is a single byte. */
export const maxGroups = 63

/**
 * Writes `values[0, count)`, none wider than `width` (1 to `maxWidth`) bits, at `out[at…]`. Returns where they end. Up to seven
 * elements past `count` are overwritten, and a few bytes past the end: both must be there.
 */
export function encodeHybrid(values: Int32Array, count: number, width: number, out: DataView, at: number): number {
  // What is short of a group of eight is zeros, which readers do not look at.
  values.fill(0, count, count + 7)
  const minRun = shortestRun(width)
  let header = -1
  let groups = 0
  let end = at
  for (let i = 0; i < count;) {
    const value = values[i]
    if (isGroupOf(value, values, i) || count - i < 8) {
      let run = i + 1
      while (run < count && values[run] === value) run++
      if (run - i >= minRun || (run === count && header < 0)) {
        end = encodeRun(value, run - i, width, out, end)
        header = -1
        i = run
        continue
      }
    }
    if (header < 0 || groups === maxGroups) {
      header = end++
      groups = 0
    }
    out.setUint8(header, (++groups << 1) | 1)
    end = width <= 4 ? packNarrow(values, i, width, out, end) : packWide(values, i, width, out, end)
    i += 8
  }
  return end
}

/** A run takes two bytes and more, and the literals after it another header: eight equal values of one bit are shorter as a literal. */
export function shortestRun(width: number): number {
  return width === 1 ? 32 : width === 2 ? 16 : 8
}

/** One run of `count` equal values. */
export function encodeRun(value: number, count: number, width: number, out: DataView, at: number): number {
  let end = at
  // The lowest bit of the header is 0 for a run; a count can take all 32 bits.
  let rest = count >>> 6
  out.setUint8(end++, ((count & 0x3f) << 1) | (rest > 0 ? 0x80 : 0))
  for (; rest > 0; rest >>>= 7) out.setUint8(end++, rest > 0x7f ? rest | 0x80 : rest)
  for (let shift = 0; shift < width; shift += 8) out.setUint8(end++, value >> shift)
  return end
}

/** Whether the eight values from `i` on are all `value`. */
function isGroupOf(value: number, values: Int32Array, i: number): boolean {
  const different =
    (values[i + 1] ^ value) |
    (values[i + 2] ^ value) |
    (values[i + 3] ^ value) |
    (values[i + 4] ^ value) |
    (values[i + 5] ^ value) |
    (values[i + 6] ^ value) |
    (values[i + 7] ^ value)
  return different === 0
}

/** Eight values of at most four bits in `width` bytes, the first in the lowest bits. */
function packNarrow(values: Int32Array, i: number, width: number, out: DataView, at: number): number {
  const low = values[i] | (values[i + 1] << width) | (values[i + 2] << (2 * width)) | (values[i + 3] << (3 * width))
  const high = values[i + 4] | (values[i + 5] << width) | (values[i + 6] << (2 * width)) | (values[i + 7] << (3 * width))
  out.setInt32(at, low | (high << (4 * width)), true)
  return at + width
}

/** Likewise, values of more than four bits. */
export function packWide(values: Int32Array, i: number, width: number, out: DataView, at: number): number {
  let bits = 0
  let held = 0
  let end = at
  for (let k = i; k < i + 8; k++) {
    const value = values[k]
    bits |= value << held
    held += width
    if (held >= 32) {
      out.setInt32(end, bits, true)
      end += 4
      held -= 32
      bits = held === 0 ? 0 : value >>> (width - held)
    }
  }
  out.setInt32(end, bits, true)
  return at + width
}
