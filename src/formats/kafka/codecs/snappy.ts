import { dataViewOf } from '../../bytes/data-view.ts'
import { CodecError } from './codec-error.ts'
import { copyLiteral, copyMatch } from './copy.ts'
import { Output, tooLarge } from './output.ts'

/*
 * Snappy's raw format (google/snappy, format_description.txt), little endian:
 *
 *   raw     = length(varint, at most 5 bytes) element*
 *   element = tag(1) [length(1 to 4)] literal bytes            tag & 3 = 0
 *           | tag(1) offset(1)                                 1: 4 to 11 bytes, up to 2047 back
 *           | tag(1) offset(2)                                 2: 1 to 64 bytes
 *           | tag(1) offset(4)                                 3: 1 to 64 bytes
 *
 * and the framing that snappy-java gives it (SnappyOutputStream), big endian, which Kafka's Java clients write:
 *
 *   xerial  = (header chunk*)+
 *   header  = 0x82 "SNAPPY" 0x00 version(4) compatible version(4)
 *   chunk   = length(4) raw
 */
const xerialMagic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
const xerialHeaderBytes = 16

/** Snappy, raw or in snappy-java's framing. Throws a CodecError. */
export function inflateSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  // No raw stream starts like this: read as one, the fourth byte would be a copy from before the first byte.
  const output = new Output(maxBytes, 0)
  if (isXerialHeader(bytes, 0)) inflateXerial(bytes, output)
  else inflateRaw(bytes, 0, bytes.length, output)
  return output.filled()
}

function inflateXerial(bytes: Uint8Array, output: Output): void {
  const view = dataViewOf(bytes)
  for (let position = 0; position < bytes.length;) {
    if (isXerialHeader(bytes, position)) {
      position += xerialHeaderBytes
      if (position > bytes.length) throw new CodecError('its snappy header is cut off')
      continue
    }
    if (position + 4 > bytes.length) throw new CodecError(`its snappy chunk at byte ${position} is cut off`)
    const length = view.getInt32(position)
    position += 4
    if (length < 0 || length > bytes.length - position) {
      throw new CodecError(`a snappy chunk says ${length} bytes, and ${bytes.length - position} are there`)
    }
    inflateRaw(bytes, position, position + length, output)
    position += length
  }
}

function isXerialHeader(bytes: Uint8Array, position: number): boolean {
  return xerialMagic.every((byte, i) => bytes[position + i] === byte)
}

function inflateRaw(source: Uint8Array, start: number, end: number, output: Output): void {
  let from = start
  let declared = 0
  for (let shift = 0; ; shift += 7) {
    if (from >= end || shift > 28) throw new CodecError('its snappy length is cut off or too long')
    const byte = source[from++]
    declared += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (declared > output.maxBytes - output.length) throw tooLarge(output.maxBytes)
  // The densest element makes 64 bytes out of 3, so a length beyond that is a lie, and no memory is given to it.
  if (declared > (end - from) * 22) throw new CodecError(`its snappy length says ${declared} bytes, more than ${end - from} bytes can hold`)
  output.reserve(declared)
  const target = output.bytes
  const first = output.length
  const limit = first + declared
  let to = first
  while (from < end) {
    const tag = source[from++]
    let length = tag >>> 2
    if ((tag & 3) === 0) {
      if (length >= 60) {
        const lengthBytes = length - 59
        if (lengthBytes > end - from) throw new CodecError('a snappy literal is cut off')
        length = 0
        for (let i = 0; i < lengthBytes; i++) length += source[from++] * 2 ** (8 * i)
      }
      length++
      if (length > end - from || length > limit - to) throw new CodecError('a snappy literal runs over the end')
      copyLiteral(source, from, target, to, length)
      from += length
      to += length
      continue
    }
    let distance: number
    if ((tag & 3) === 1) {
      length = (length & 7) + 4
      distance = ((tag & 0xe0) << 3) | source[from++]
    } else if ((tag & 3) === 2) {
      length++
      distance = source[from] | (source[from + 1] << 8)
      from += 2
    } else {
      length++
      distance = (source[from] | (source[from + 1] << 8) | (source[from + 2] << 16) | (source[from + 3] << 24)) >>> 0
      from += 4
    }
    if (from > end) throw new CodecError('a snappy copy is cut off')
    if (distance === 0 || distance > to - first)
      throw new CodecError(`a snappy copy reaches ${distance} bytes back, and ${to - first} are there`)
    if (length > limit - to) throw new CodecError('a snappy copy runs over the end')
    copyMatch(target, to, distance, length)
    to += length
  }
  if (to !== limit) throw new CodecError(`its snappy length says ${declared} bytes, and it inflates to ${to - first}`)
  output.length = to
}
