/**
 * Growable columns in the Arrow layout. A builder is filled, snapshotted into a `Vector` that shares its buffers, and cleared:
 * the vector is valid until the next append. `truncate` takes back the last slots, so that a batch of records can be appended
 * whole or not at all.
 */
import type { BytesVector, FixedVector, ListVector, StructVector, Vector } from './vector.ts'

class Validity {
  #bits = new Uint8Array(128)
  nulls = 0

  /** Slots are present unless marked: a cleared or fresh bitmap is all ones. */
  constructor() {
    this.#bits.fill(0xff)
  }

  markNull(i: number): void {
    const byte = i >> 3
    if (byte >= this.#bits.length) this.#grow(byte + 1)
    this.#bits[byte] &= ~(1 << (i & 7))
    this.nulls++
  }

  truncate(from: number, to: number): void {
    for (let i = from; i < to && this.nulls > 0; i++) {
      const byte = i >> 3
      if (byte >= this.#bits.length) return
      if ((this.#bits[byte] & (1 << (i & 7))) === 0) {
        this.#bits[byte] |= 1 << (i & 7)
        this.nulls--
      }
    }
  }

  snapshot(length: number): Uint8Array | null {
    if (this.nulls === 0) return null
    const bytes = (length + 7) >> 3
    if (bytes > this.#bits.length) this.#grow(bytes)
    return this.#bits.subarray(0, bytes)
  }

  clear(): void {
    if (this.nulls > 0) this.#bits.fill(0xff)
    this.nulls = 0
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(bytes, this.#bits.length * 2)).fill(0xff)
    larger.set(this.#bits)
    this.#bits = larger
  }
}

/** A column that can be cut back, measured, snapshotted and cleared. */
export interface Builder {
  readonly length: number
  /** Bytes held by the slots so far. */
  readonly byteLength: number
  truncate(length: number): void
  snapshot(): Vector
  clear(): void
}

/** int columns. */
export class Int32Builder implements Builder {
  #values = new Int32Array(1024)
  length = 0

  get byteLength(): number {
    return this.length * 4
  }

  append(value: number): void {
    if (this.length === this.#values.length) this.#values = grown(this.#values, Int32Array, this.length + 1)
    this.#values[this.length++] = value
  }

  truncate(length: number): void {
    this.length = length
  }

  snapshot(): FixedVector {
    return { layout: 'fixed', length: this.length, nullCount: 0, validity: null, values: this.#values.subarray(0, this.length) }
  }

  clear(): void {
    this.length = 0
  }
}

/** long and timestamp columns. Values come as bigint or as a double that holds an integer exactly. */
export class Int64Builder implements Builder {
  #values = new BigInt64Array(1024)
  #halves = new Int32Array(this.#values.buffer)
  #validity = new Validity()
  length = 0

  get byteLength(): number {
    return this.length * 8
  }

  append(value: bigint): void {
    this.#reserve()
    this.#values[this.length++] = value
  }

  /** `value` must be a safe integer: it is stored as two 32-bit halves, without a BigInt. Little-endian hosts only, as Arrow's buffers are. */
  appendNumber(value: number): void {
    this.#reserve()
    const at = this.length++ * 2
    this.#halves[at] = value | 0
    this.#halves[at + 1] = Math.floor(value / 0x1_0000_0000)
  }

  appendNull(): void {
    this.#reserve()
    this.#values[this.length] = 0n
    this.#validity.markNull(this.length++)
  }

  truncate(length: number): void {
    this.#validity.truncate(length, this.length)
    this.length = length
  }

  snapshot(): FixedVector {
    const validity = this.#validity.snapshot(this.length)
    return {
      layout: 'fixed',
      length: this.length,
      nullCount: this.#validity.nulls,
      validity,
      values: this.#values.subarray(0, this.length),
    }
  }

  clear(): void {
    this.#validity.clear()
    this.length = 0
  }

  #reserve(): void {
    if (this.length < this.#values.length) return
    this.#values = grown(this.#values, BigInt64Array, this.length + 1)
    this.#halves = new Int32Array(this.#values.buffer)
  }
}

/** string and binary columns. The caller answers for UTF-8. */
export class BytesBuilder implements Builder {
  #offsets = new Int32Array(1024)
  #data = new Uint8Array(16384)
  #validity = new Validity()
  length = 0

  get byteLength(): number {
    return this.#offsets[this.length] + this.length * 4
  }

  /** Copies `source[start, end)` into the next slot. Throws a RangeError past 2^31 − 1 bytes in one column. */
  append(source: Uint8Array, start: number, end: number): void {
    const from = this.#offsets[this.length]
    const to = from + (end - start)
    if (to > this.#data.length) this.#growData(to)
    // A loop beats set(subarray) for the short values that keys and headers are.
    if (end - start < 64) for (let i = start, j = from; i < end; i++, j++) this.#data[j] = source[i]
    else this.#data.set(source.subarray(start, end), from)
    this.#push(to)
  }

  appendNull(): void {
    this.#validity.markNull(this.length)
    this.#push(this.#offsets[this.length])
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
      offsets: this.#offsets.subarray(0, this.length + 1),
      data: this.#data.subarray(0, this.#offsets[this.length]),
    }
  }

  clear(): void {
    this.#validity.clear()
    this.length = 0
  }

  #push(end: number): void {
    if (++this.length >= this.#offsets.length) this.#offsets = grown(this.#offsets, Int32Array, this.length + 1)
    this.#offsets[this.length] = end
  }

  #growData(bytes: number): void {
    if (bytes > 0x7fffffff) throw new RangeError(`a column batch would hold ${bytes} bytes, more than 32-bit offsets reach`)
    this.#data = grown(this.#data, Uint8Array, bytes)
  }
}

/** Lists of structs: append the children's slots, then close the list. */
export class ListBuilder<Children extends readonly Builder[]> implements Builder {
  #offsets = new Int32Array(1024)
  readonly children: Children
  length = 0

  constructor(children: Children) {
    this.children = children
  }

  get byteLength(): number {
    return this.children.reduce((sum, child) => sum + child.byteLength, this.length * 4)
  }

  /** Ends the list begun by the children's slots appended since the last one; none appended is an empty list. */
  close(): void {
    if (++this.length >= this.#offsets.length) this.#offsets = grown(this.#offsets, Int32Array, this.length + 1)
    this.#offsets[this.length] = this.children[0].length
  }

  truncate(length: number): void {
    for (const child of this.children) child.truncate(this.#offsets[length])
    this.length = length
  }

  snapshot(): ListVector {
    const element: StructVector = {
      layout: 'struct',
      length: this.children[0].length,
      nullCount: 0,
      validity: null,
      children: this.children.map((child) => child.snapshot()),
    }
    return {
      layout: 'list',
      length: this.length,
      nullCount: 0,
      validity: null,
      offsets: this.#offsets.subarray(0, this.length + 1),
      element,
    }
  }

  clear(): void {
    for (const child of this.children) child.clear()
    this.length = 0
  }
}

function grown<T extends Int32Array | BigInt64Array | Uint8Array>(old: T, make: new (length: number) => T, needed: number): T {
  const larger = new make(Math.max(needed, old.length * 2))
  larger.set(old as never)
  return larger
}
