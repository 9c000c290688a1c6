import type { PageBytes } from './bit-view.ts'

/*
 * DELTA_BINARY_PACKED (parquet-format, Encodings.md, "DELTA_BINARY_PACKED = 5"):
 *
 *   header = values in a block, miniblocks in a block, values in all (varints), first value (zigzag)
 *   block  = least delta (zigzag) bit widths(1 byte a miniblock) miniblocks
 */

/** Numbers as words of 32 bits: two each (low, high) for those of 64. */
export interface Deltas {
  readonly words: Int32Array
  /** Where the numbers end in the page. */
  readonly end: number
}

/** Reads numbers of 32 or 64 bits. Throws a RangeError for bytes that are none. */
export function decodeDeltas({ bytes, view, end: limit }: PageBytes, start: number, width: 1 | 2, count: number): Deltas {
  let at = start
  let low = 0
  let high = 0

  function varint(): void {
    low = 0
    high = 0
    for (let shift = 0; ; shift += 7) {
      if (at >= limit || shift > 63) throw cutOff()
      const byte = bytes[at++]
      const part = byte & 0x7f
      if (shift < 28) low |= part << shift
      else if (shift === 28) {
        low |= part << 28
        high = part >>> 4
      } else high |= part << (shift - 32)
      if (byte < 0x80) return
    }
  }
  function zigzag(): void {
    varint()
    const sign = -(low & 1)
    low = ((low >>> 1) | (high << 31)) ^ sign
    high = (high >>> 1) ^ sign
  }

  varint()
  const blockSize = low
  varint()
  const miniblocks = low
  varint()
  const total = low
  zigzag()
  if (total < count || miniblocks <= 0 || blockSize <= 0 || blockSize % (miniblocks * 8) !== 0) throw cutOff()
  const perMiniblock = blockSize / miniblocks
  const words = new Int32Array(count * width)
  let [valueLow, valueHigh] = [low, high]
  let filled = 0
  function put(): void {
    words[filled * width] = valueLow
    if (width === 2) words[filled * 2 + 1] = valueHigh
    filled++
  }
  if (count > 0) put()
  // What follows is skipped too where fewer values are wanted than there are: they do not differ in pages.
  while (filled < count) {
    zigzag()
    const [leastLow, leastHigh] = [low, high]
    const widths = at
    at += miniblocks
    if (at > limit) throw cutOff()
    for (let m = 0; m < miniblocks && filled < count; m++) {
      const bitWidth = bytes[widths + m]
      if (bitWidth > 64) throw cutOff()
      const here = Math.min(perMiniblock, count - filled)
      if (at + ((here * bitWidth + 7) >> 3) > limit) throw cutOff()
      for (let i = 0, bit = 0; i < here; i++, bit += bitWidth) {
        const place = at + (bit >> 3)
        const shift = bit & 7
        const deltaLow = bitWidth === 0 ? 0 : bits(view, place, shift, Math.min(32, bitWidth))
        const deltaHigh = bitWidth <= 32 ? 0 : bits(view, place + 4, shift, bitWidth - 32)
        const sum = (deltaLow >>> 0) + (leastLow >>> 0) + (valueLow >>> 0)
        valueLow = sum | 0
        valueHigh = (valueHigh + leastHigh + deltaHigh + Math.floor(sum / 0x1_0000_0000)) | 0
        put()
      }
      at += (perMiniblock * bitWidth) >> 3
    }
  }
  // The last miniblock may be cut off behind its last value.
  return { words, end: Math.min(at, limit) }
}

/** `width` bits, 1 to 32, from bit `shift` of the byte at `place` on. */
function bits(view: DataView, place: number, shift: number, width: number): number {
  const low = view.getInt32(place, true) >>> shift
  const value = shift === 0 ? low : low | (view.getUint8(place + 4) << (32 - shift))
  return width === 32 ? value : value & ((1 << width) - 1)
}

function cutOff(): RangeError {
  return new RangeError('parquet: delta-packed numbers end before their last value or make no sense')
}
