import { dataViewOf } from '../../bytes/data-view.ts'
import { CodecError } from './codec-error.ts'
import { inflateLz4Block } from './lz4-block.ts'
import { Output, tooLarge } from './output.ts'

/*
 * LZ4 frame format (lz4/doc/lz4_Frame_format.md), little endian:
 *
 *   frame           = magic 0x184D2204(4) descriptor block* end mark 0(4) [content checksum(4)]
 *   descriptor      = flags(1) block descriptor(1) [content size(8)] [dictionary id(4)] header checksum(1)
 *   block           = size(4, highest bit: not compressed) data [block checksum(4)]
 *   skippable frame = magic 0x184D2A5?(4) size(4) content
 *
 * The xxHash checksums are stepped over: the batch's CRC-32C has vouched for these bytes already.
 */
const frameMagic = 0x184d2204
const skippableMagic = 0x184d2a50

/** LZ4 frames, one or several in a row, skippable ones among them. Throws a CodecError. */
export function inflateLz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const view = dataViewOf(bytes)
  const output = new Output(maxBytes, Math.max(1024, bytes.length * 3))
  let position = 0
  let frames = 0
  while (position < bytes.length) {
    need(view, position, 8)
    const magic = view.getUint32(position, true)
    if (magic === frameMagic) {
      position = inflateFrame(bytes, view, position + 4, output)
      frames++
    } else if ((magic & ~0xf) >>> 0 === skippableMagic) {
      const size = view.getUint32(position + 4, true)
      need(view, position + 8, size)
      position += 8 + size
    } else throw new CodecError(`an LZ4 frame was expected at its byte ${position}, and there is none`)
  }
  if (frames === 0) throw new CodecError('it has no LZ4 frame')
  return output.filled()
}

/** Inflates the frame whose descriptor starts at `position`; returns where the frame ends. */
function inflateFrame(bytes: Uint8Array, view: DataView, position: number, output: Output): number {
  const flags = view.getUint8(position)
  const blockDescriptor = view.getUint8(position + 1)
  const blockMaxBytes = 2 ** (8 + 2 * ((blockDescriptor >>> 4) & 7))
  if (flags >>> 6 !== 1 || (flags & 2) !== 0 || (blockDescriptor & 0x8f) !== 0 || blockMaxBytes < 65536) {
    throw new CodecError('its LZ4 frame descriptor has a version or reserved bits that are not known')
  }
  if ((flags & 1) !== 0) throw new CodecError('its LZ4 frame needs a dictionary')
  const independent = (flags & 0x20) !== 0
  const blockChecksumBytes = (flags & 0x10) !== 0 ? 4 : 0
  const hasContentSize = (flags & 8) !== 0
  const frameStart = output.length
  position += 2
  need(view, position, (hasContentSize ? 8 : 0) + 1)
  const contentSize = hasContentSize ? view.getBigUint64(position, true) : null
  position += (hasContentSize ? 8 : 0) + 1
  if (contentSize !== null && contentSize > output.maxBytes - frameStart) throw tooLarge(output.maxBytes)

  for (;;) {
    need(view, position, 4)
    const size = view.getUint32(position, true)
    position += 4
    if (size === 0) break
    const length = size & 0x7fffffff
    need(view, position, length + blockChecksumBytes)
    if (length > blockMaxBytes) throw new CodecError(`an LZ4 block of ${length} bytes is larger than its frame's ${blockMaxBytes}`)
    if (size >= 0x80000000) output.append(bytes.subarray(position, position + length))
    else {
      // A byte of a block makes 255 bytes at most, so a small block never asks for the memory of a large one.
      const limit = output.reserve(Math.min(blockMaxBytes, length * 255))
      const window = independent ? output.length : frameStart
      output.length = inflateLz4Block(bytes, position, position + length, output.bytes, output.length, window, limit)
    }
    position += length + blockChecksumBytes
  }
  if (contentSize !== null && contentSize !== BigInt(output.length - frameStart)) {
    throw new CodecError(`its LZ4 frame says ${contentSize} bytes, and it inflates to ${output.length - frameStart}`)
  }
  const contentChecksumBytes = (flags & 4) !== 0 ? 4 : 0
  need(view, position, contentChecksumBytes)
  return position + contentChecksumBytes
}

function need(view: DataView, position: number, bytes: number): void {
  if (position + bytes > view.byteLength) throw new CodecError(`its LZ4 frame ends early, ${view.byteLength} bytes in`)
}
