import type { BytesVector, FixedBytesVector } from '../vector.ts'
import type { Builder } from './builder.ts'
import { grown } from './grown.ts'
import { Validity } from './validity.ts'

/** Bytes past the end of what is written that may be overwritten: whole words are stored where fewer bytes are meant. */
const slack = 8
/** What 32-bit offsets reach. */
const mostBytes = 0x7fffffff

/** string and binary columns. The caller answers for UTF-8. */
export class BytesBuilder implements Builder {
  /** Where slots end; `offsets[length]` is where the next one begins. For those who write into `data` themselves. */
  offsets = new Int32Array(1024)
  /** At least `slack` bytes longer than what was reserved. */
  data = new Uint8Array(16384)
  /** Of `data`, for stores of whole words. */
  view = new DataView(this.data.buffer)
  readonly #validity = new Validity()
  length = 0

  get byteLength(): number {
    return this.offsets[this.length] + this.length * 4
  }

  /** Copies `source[start, end)` into the next slot. Throws a RangeError past 2^31 − 1 bytes in one column. */
  append(source: Uint8Array, start: number, end: number): void {
    const from = this.reserve(end - start)
    // A loop beats set(subarray) for the short values that keys and headers are.
    if (end - start < 64) for (let i = start, j = from; i < end; i++, j++) this.data[j] = source[i]
    else this.data.set(source.subarray(start, end), from)
    this.push(from + (end - start))
  }

  /** Makes room for `bytes` more and returns where the next slot begins. Then `data`, `view` and `offsets` are other ones, perhaps. */
  reserve(bytes: number): number {
    const from = this.offsets[this.length]
    if (from + bytes + slack > this.data.length) this.#grow(from + bytes + slack)
    return from
  }

  /** Ends the next slot at `end`: its bytes have been written after a `reserve`. */
  push(end: number): void {
    if (++this.length >= this.offsets.length) this.offsets = grown(this.offsets, Int32Array, this.length + 1)
    this.offsets[this.length] = end
  }

  appendNull(): void {
    this.#validity.markNull(this.length)
    this.push(this.offsets[this.length])
  }

  truncate(length: number): void {
    this.#validity.truncate(length, this.length)
    this.length = length
  }

  snapshot(): BytesVector {
    const validity = this.#validity.snapshot(this.length)
    return {
      layout: 'bytes',
      length: this.length,
      nullCount: this.#validity.nulls,
      validity,
      offsets: this.offsets.subarray(0, this.length + 1),
      data: this.data.subarray(0, this.offsets[this.length]),
    }
  }

  clear(): void {
    this.#validity.clear()
    this.length = 0
  }

  #grow(bytes: number): void {
    if (bytes > mostBytes) throw new RangeError(`a column batch would hold ${bytes} bytes, more than 32-bit offsets reach`)
    this.data = grown(this.data, Uint8Array, bytes, mostBytes)
    this.view = new DataView(this.data.buffer)
  }
}

/** uuid and fixed columns: `width` bytes a slot. */
export class FixedBytesBuilder implements Builder {
  readonly width: number
  readonly #validity = new Validity()
  #data: Uint8Array
  length = 0

  constructor(width: number) {
    this.width = width
    this.#data = new Uint8Array(width * 1024)
  }

  get byteLength(): number {
    return this.length * this.width
  }

  /** Throws a RangeError for a value that is not `width` bytes long. */
  append(value: Uint8Array): void {
    if (value.length !== this.width) throw new RangeError(`a value of ${value.length} bytes in a column of ${this.width} bytes each`)
    const from = this.#next()
    const data = this.#data
    // Faster than a call of set(), for values as short as a UUID.
    for (let i = 0; i < value.length; i++) data[from + i] = value[i]
  }

  appendNull(): void {
    this.#validity.markNull(this.length)
    const from = this.#next()
    this.#data.fill(0, from, from + this.width)
  }

  truncate(length: number): void {
    this.#validity.truncate(length, this.length)
    this.length = length
  }

  snapshot(): FixedBytesVector {
    const validity = this.#validity.snapshot(this.length)
    const data = this.#data.subarray(0, this.byteLength)
    return { layout: 'fixed-bytes', length: this.length, nullCount: this.#validity.nulls, validity, width: this.width, data }
  }

  clear(): void {
    this.#validity.clear()
    this.length = 0
  }

  #next(): number {
    const from = this.length++ * this.width
    if (from + this.width > this.#data.length) this.#data = grown(this.#data, Uint8Array, from + this.width)
    return from
  }
}
