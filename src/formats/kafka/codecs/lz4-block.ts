import { CodecError } from './codec-error.ts'
import { copyLiteral, copyMatch } from './copy.ts'

/*
 * LZ4 block format (lz4/doc/lz4_Block_format.md):
 *
 *   block    = sequence+          the last one has literals only
 *   sequence = token(1: literal length 4 bits, match length − 4 in 4 bits) [literal length(1+)] literals
 *              offset(2, little endian) [match length(1+)]
 *
 * A length of 15 goes on in the following bytes, each added, until one is not 255.
 */

/**
 * Inflates the block `source[from, end)` to `target` at `to`, not past `limit`. Matches reach back no further than `window`.
 * Returns where writing ended. Throws a CodecError.
 */
export function inflateLz4Block(
  source: Uint8Array,
  from: number,
  end: number,
  target: Uint8Array,
  to: number,
  window: number,
  limit: number,
): number {
  while (from < end) {
    const token = source[from++]
    let length = token >>> 4
    if (length === 15) {
      let byte = 255
      while (byte === 255) {
        if (from >= end) throw new CodecError('an LZ4 literal length is cut off')
        byte = source[from++]
        length += byte
      }
    }
    if (length > end - from) throw new CodecError(`an LZ4 literal of ${length} bytes runs over the end of its block`)
    if (length > limit - to) throw new CodecError(overflow)
    copyLiteral(source, from, target, to, length)
    from += length
    to += length
    if (from === end) return to

    if (end - from < 2) throw new CodecError('an LZ4 match is cut off')
    const distance = source[from] | (source[from + 1] << 8)
    from += 2
    length = (token & 15) + 4
    if (length === 19) {
      let byte = 255
      while (byte === 255) {
        if (from >= end) throw new CodecError('an LZ4 match length is cut off')
        byte = source[from++]
        length += byte
      }
    }
    if (distance === 0 || distance > to - window) {
      throw new CodecError(`an LZ4 match reaches ${distance} bytes back, and ${to - window} are there`)
    }
    if (length > limit - to) throw new CodecError(overflow)
    copyMatch(target, to, distance, length)
    to += length
  }
  throw new CodecError('an LZ4 block does not end with literals')
}

const overflow = 'an LZ4 block inflates to more than its frame or the bound for one batch allows'
