import type { StoredVector } from './value-store.ts'

/** Of the vectors that hold byte strings, or what becomes some. */
export type Layout = 'bytes' | 'fixed-bytes' | 'decimal'

/**
 * A column of byte strings as offsets into bytes, whatever its vector's layout: slot i is `data[offsets[i], offsets[i + 1] - gap)`.
 * Reads whole words where fewer bytes are meant, as far as the buffer behind the bytes goes.
 */
export class ByteSlots {
  offsets: Int32Array = new Int32Array(1)
  /** Bytes between a value and the next one. */
  gap: 0 | 4 = 0
  data: Uint8Array = new Uint8Array(0)
  /** Over `data` and a few bytes behind it, if there are any. */
  view: DataView = new DataView(this.data.buffer)
  /** Values that end here or before can be read in words of eight bytes. */
  wordsEnd = 0
  readonly #layout: Layout
  readonly #fixedLength: number
  #fixedOffsets = new Int32Array(1)
  #bigEndian = new Uint8Array(0)

  /** `layout`: of the vectors. `fixedLength`: bytes of every value; 0 where they differ. */
  constructor(layout: Layout, fixedLength: number) {
    this.#layout = layout
    this.#fixedLength = fixedLength
  }

  /** @throws RangeError where the vector has other values than the column. */
  open(vector: StoredVector): void {
    const { length } = vector
    if (vector.layout === 'plain-bytes' && this.#layout === 'bytes') return this.#set(length, vector.offsets, vector.data, 4)
    const isEncoded = vector.layout === 'fixed-bytes' && this.#layout === 'decimal'
    if (vector.layout !== this.#layout && !isEncoded)
      throw new RangeError(`expected a vector of layout ${this.#layout}, found one of ${vector.layout}`)
    if (vector.layout === 'bytes') this.#set(length, vector.offsets, vector.data)
    else if (vector.layout === 'decimal') this.#set(length, this.#offsetsTo(length), this.#toBigEndian(vector.values, vector.validity))
    else if (vector.layout === 'fixed-bytes') {
      if (vector.width !== this.#fixedLength) throw new RangeError(`expected values of ${this.#fixedLength} bytes, found ${vector.width}`)
      this.#set(length, this.#offsetsTo(length), vector.data)
    }
  }

  /** @throws RangeError where the offsets of `length` slots lead past the bytes. */
  #set(length: number, offsets: Int32Array, data: Uint8Array, gap: 0 | 4 = 0): void {
    if (offsets.length <= length || offsets[length] - gap > data.length) throw new RangeError('its offsets lead past its bytes')
    this.offsets = offsets
    this.gap = gap
    this.data = data
    const behind = data.buffer.byteLength - data.byteOffset - data.byteLength
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength + Math.min(8, behind))
    this.wordsEnd = this.view.byteLength - 8
  }

  #offsetsTo(length: number): Int32Array {
    if (length >= this.#fixedOffsets.length) {
      const fixed = this.#fixedLength
      this.#fixedOffsets = Int32Array.from({ length: length * 2 + 1 }, (_, i) => i * fixed)
    }
    return this.#fixedOffsets
  }

  /** The low bytes of decimals, highest first; those above must be their sign. */
  #toBigEndian(values: BigInt64Array, validity: Uint8Array | null): Uint8Array {
    const length = this.#fixedLength
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    const count = values.length / 2
    // Eight bytes more than needed, for reads of whole words.
    if (count * length + 8 > this.#bigEndian.length) this.#bigEndian = new Uint8Array(count * length * 2 + 8)
    const out = this.#bigEndian
    for (let i = 0; i < count; i++) {
      const from = i * 16
      for (let k = 0; k < length; k++) out[i * length + k] = bytes[from + length - 1 - k]
      const sign = bytes[from + length - 1] >> 7 === 0 ? 0 : 0xff
      for (let k = length; k < 16; k++) {
        if (bytes[from + k] !== sign && (validity === null || (validity[i >> 3] & (1 << (i & 7))) !== 0)) {
          throw new RangeError(`a decimal does not fit ${length} bytes`)
        }
      }
    }
    return out.subarray(0, count * length)
  }
}
