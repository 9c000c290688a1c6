/** parquet.thrift, `PageHeader`, as far as it is needed to read values. */
export interface PageHeader {
  /** `PageType`: 0 data, 1 index, 2 dictionary, 3 data of version 2. */
  readonly type: number
  readonly plainBytes: number
  readonly compressedBytes: number
  /** Levels of a data page, entries of a dictionary. */
  readonly valueCount: number
  readonly encoding: number
  /** Of the levels; always RLE in version 2. */
  readonly definitionEncoding: number
  readonly repetitionEncoding: number
  /** Version 2: bytes of levels, which are not compressed. */
  readonly definitionBytes: number
  readonly repetitionBytes: number
  readonly isCompressed: boolean
  /** Bytes of the header itself. */
  readonly length: number
}

/** Reads the header at the start of `bytes`; null where they end before it does. Throws a RangeError for what is none. */
export function readPageHeader(bytes: Uint8Array): PageHeader | null {
  const reader = new Reader(bytes)
  const page = [0, 0, 0, 0]
  let own: number[] = []
  let isCompressed = true
  reader.fields((id, type) => {
    if (id >= 1 && id <= 3 && type === 5) page[id] = reader.integer()
    else if ((id === 5 || id === 7 || id === 8) && type === 12) {
      own = []
      reader.fields((inner, innerType) => {
        if (innerType === 5) own[inner] = reader.integer()
        else if (innerType === 2 && id === 8 && inner === 7) isCompressed = false
        else reader.skip(innerType)
      })
    } else reader.skip(type)
  })
  if (reader.isOver) return null
  const [, type, plainBytes, compressedBytes] = page
  const isV2 = type === 3
  if (plainBytes < 0 || compressedBytes < 0 || (own[1] ?? 0) < 0) throw new RangeError('parquet: a page header has negative sizes')
  return {
    type,
    plainBytes,
    compressedBytes,
    valueCount: own[1] ?? 0,
    encoding: own[isV2 ? 4 : 2] ?? 0,
    definitionEncoding: isV2 ? 3 : (own[3] ?? 3),
    repetitionEncoding: isV2 ? 3 : (own[4] ?? 3),
    definitionBytes: isV2 ? (own[5] ?? 0) : 0,
    repetitionBytes: isV2 ? (own[6] ?? 0) : 0,
    isCompressed,
    length: reader.at,
  }
}

/** Walks through a struct of Thrift's compact protocol; past the end of the bytes everything reads as zeros, and `isOver` tells. */
class Reader {
  readonly #bytes: Uint8Array
  at = 0
  #depth = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isOver(): boolean {
    return this.at > this.#bytes.length
  }

  /** Calls `field` for each field, which must read or skip its value; booleans (types 1 and 2) have none. */
  fields(field: (id: number, type: number) => void): void {
    if (++this.#depth > 16) throw new RangeError('parquet: a page header is nested too deep')
    for (let id = 0; !this.isOver;) {
      const header = this.#byte()
      if (header === 0) break
      id = header >> 4 === 0 ? this.integer() : id + (header >> 4)
      field(id, header & 0x0f)
    }
    this.#depth--
  }

  /** A zigzag varint that fits 32 bits. */
  integer(): number {
    const raw = this.#varint()
    return (raw >>> 1) ^ -(raw & 1)
  }

  skip(type: number): void {
    if (type === 1 || type === 2) return
    if (type === 3) this.at++
    else if (type >= 4 && type <= 6) this.#varint()
    else if (type === 7) this.at += 8
    else if (type === 8) {
      // Not `+=`: the varint moves `at` as well.
      const length = this.#varint() >>> 0
      this.at += length
    } else if (type === 9 || type === 10) {
      const header = this.#byte()
      const size = header >> 4 === 15 ? this.#varint() : header >> 4
      for (let i = 0; i < size && !this.isOver; i++) {
        const element = header & 0x0f
        if (element === 1 || element === 2) this.at++
        else this.skip(element)
      }
    } else if (type === 12) this.fields((_, inner) => this.skip(inner))
    else throw new RangeError(`parquet: type ${type} does not occur in page headers`)
  }

  #byte(): number {
    return this.at < this.#bytes.length ? this.#bytes[this.at++] : ((this.at = this.#bytes.length + 1), 0)
  }

  #varint(): number {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte()
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new RangeError('parquet: a number in a page header is longer than ten bytes')
  }
}
