import { crc32 } from 'node:zlib'
import { dataViewOf } from '../bytes/data-view.ts'

/*
 * Puffin specification, "deletion-vector-v1 blob type":
 *
 *   blob    = length(4, big endian: of magic and vector) magic(4) vector crc(4, big endian: CRC-32 of magic and vector)
 *   vector  = count(8) (high 32 bits of positions(4) bitmap)*       RoaringFormatSpec, "64-bit implementations", little endian
 *   bitmap  = cookie(4) ... containers                               RoaringFormatSpec, "General layout"
 */
const magic = 0xd1d33964
const cookieWithoutRuns = 12346
const cookieWithRuns = 12347
/** Containers of a bitmap with runs have offsets only where there are so many. */
const offsetsFrom = 4
const arrayMax = 4096

/**
 * Reads a deletion vector and sets the bit of each position in `bitmap` (lowest bit first), of a data file of `rows` rows. Returns how many
 * it has. Throws a RangeError for bytes that are damaged, or a position that the file has no row at.
 */
export function readDeletionVector(blob: Uint8Array, bitmap: Uint8Array, rows: number): number {
  return readPositions(blob, (position) => {
    if (position >= rows) throw new RangeError(`row ${position} is deleted, and the data file has ${rows}`)
    bitmap[position >> 3] |= 1 << (position & 7)
  })
}

/** The positions in a deletion vector that has `count` of them, ascending. Throws a RangeError for bytes that are damaged, and where it has others. */
export function deletedPositions(blob: Uint8Array, count: number): number[] {
  const positions: number[] = []
  readPositions(blob, (position) => {
    if (positions.push(position) > count)
      throw new RangeError(`the deletion vector has more than the ${count} positions that its manifest entry says`)
  })
  if (positions.length < count)
    throw new RangeError(`the deletion vector has ${positions.length} positions, and its manifest entry says ${count}`)
  return positions
}

/** Gives each position to `take`, and returns how many there are. */
function readPositions(blob: Uint8Array, take: (position: number) => void): number {
  const view = dataViewOf(blob)
  const length = blob.length < 12 ? -1 : view.getUint32(0)
  if (length !== blob.length - 8 || view.getUint32(4) !== magic) throw new RangeError('it is no deletion vector')
  const crc = view.getUint32(blob.length - 4)
  if (crc32(blob.subarray(4, -4)) !== crc) throw new RangeError('the deletion vector has another CRC-32 than it says')
  const reader = new BitmapReader(new DataView(blob.buffer, blob.byteOffset + 8, length - 4), take)
  return reader.read()
}

class BitmapReader {
  readonly #view: DataView
  readonly #take: (position: number) => void
  #at = 0
  #count = 0

  constructor(view: DataView, take: (position: number) => void) {
    this.#view = view
    this.#take = take
  }

  read(): number {
    // Reads past the end throw a RangeError.
    const bitmaps = this.#view.getBigUint64(0, true)
    this.#at = 8
    for (let i = 0n; i < bitmaps; i++) this.#bitmap32(this.#u32() * 2 ** 32)
    if (this.#at !== this.#view.byteLength) throw new RangeError('the deletion vector has bytes behind its last bitmap')
    return this.#count
  }

  #bitmap32(base: number): void {
    const cookie = this.#u32()
    const hasRuns = (cookie & 0xffff) === cookieWithRuns
    if (!hasRuns && cookie !== cookieWithoutRuns) throw new RangeError('a bitmap of the deletion vector has an unknown cookie')
    const size = hasRuns ? (cookie >>> 16) + 1 : this.#u32()
    const runFlags = this.#at
    if (hasRuns) this.#at += (size + 7) >> 3
    const descriptors = this.#at
    this.#at += size * 4
    if (!hasRuns || size >= offsetsFrom) this.#at += size * 4
    for (let i = 0; i < size; i++) {
      const key = this.#view.getUint16(descriptors + i * 4, true)
      const cardinality = this.#view.getUint16(descriptors + i * 4 + 2, true) + 1
      const isRun = hasRuns && (this.#view.getUint8(runFlags + (i >> 3)) & (1 << (i & 7))) !== 0
      this.#container(base + key * 65536, cardinality, isRun)
    }
  }

  #container(base: number, cardinality: number, isRun: boolean): void {
    if (isRun) {
      const runs = this.#u16()
      for (let r = 0; r < runs; r++) {
        const start = base + this.#u16()
        const end = start + this.#u16()
        for (let position = start; position <= end; position++) this.#set(position)
      }
    } else if (cardinality <= arrayMax) {
      for (let i = 0; i < cardinality; i++) this.#set(base + this.#u16())
    } else {
      for (let byte = 0; byte < 8192; byte++) {
        for (let bits = this.#view.getUint8(this.#at++), bit = 0; bits !== 0; bits >>= 1, bit++) {
          if ((bits & 1) === 1) this.#set(base + byte * 8 + bit)
        }
      }
    }
  }

  #set(position: number): void {
    this.#take(position)
    this.#count++
  }

  #u16(): number {
    this.#at += 2
    return this.#view.getUint16(this.#at - 2, true)
  }

  #u32(): number {
    this.#at += 4
    return this.#view.getUint32(this.#at - 4, true)
  }
}
