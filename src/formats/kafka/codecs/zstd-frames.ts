import { dataViewOf } from '../../bytes/data-view.ts'
import { CodecError } from './codec-error.ts'

/*
 * RFC 8878, section 3.1.1, little endian:
 *
 *   frame            = magic(4) descriptor(1) [window(1)] [dictionary id(0, 1, 2 or 4)] [content size(0, 1, 2, 4 or 8)]
 *                      block+ [checksum(4)]
 *   block            = header(3: last 1 bit, type 2 bits, size 21 bits) content
 *   skippable frame  = magic 0x184D2A5?(4) size(4) content
 */
const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50
/** Producers write one frame a batch. The bound keeps a batch made of millions of empty frames from taking minutes. */
const maxFrames = 1024

/** Cuts `bytes` into its Zstandard frames, leaving skippable ones out. Throws a CodecError where the bytes are not such a row. */
export function zstdFrames(bytes: Uint8Array): Uint8Array[] {
  const view = dataViewOf(bytes)
  const frames: Uint8Array[] = []
  let position = 0
  while (position < bytes.length) {
    need(view, position, 8)
    const magic = view.getUint32(position, true)
    let end: number
    if (magic === frameMagic) {
      end = endOfFrame(view, position)
      frames.push(bytes.subarray(position, end))
      if (frames.length > maxFrames) throw new CodecError(`it has more than ${maxFrames} zstd frames`)
    } else if ((magic & ~0xf) >>> 0 === skippableMagic) {
      end = position + 8 + view.getUint32(position + 4, true)
      need(view, position, end - position)
    } else throw new CodecError(`a zstd frame was expected at its byte ${position}, and there is none`)
    position = end
  }
  if (frames.length === 0) throw new CodecError('it has no zstd frame')
  return frames
}

function endOfFrame(view: DataView, start: number): number {
  const descriptor = view.getUint8(start + 4)
  const singleSegment = (descriptor & 0x20) !== 0
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3]
  const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]
  let position = start + 5 + (singleSegment ? 0 : 1) + dictionaryIdBytes + contentSizeBytes
  for (let last = false; !last;) {
    need(view, position, 3)
    const header = view.getUint16(position, true) | (view.getUint8(position + 2) << 16)
    last = (header & 1) === 1
    const runLength = ((header >>> 1) & 3) === 1
    position += 3 + (runLength ? 1 : header >>> 3)
  }
  if ((descriptor & 4) !== 0) position += 4
  need(view, position, 0)
  return position
}

function need(view: DataView, position: number, bytes: number): void {
  if (position + bytes > view.byteLength) throw new CodecError(`its zstd frame ends early, ${view.byteLength} bytes in`)
}
