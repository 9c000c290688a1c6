import type { DecimalVector, FixedVector } from '../vector.ts'
import type { Builder } from './builder.ts'
import { grown } from './grown.ts'
import { Validity } from './validity.ts'

type Values = Int32Array | Float32Array | Float64Array

/** What the columns of numbers that a JavaScript number holds have in common. */
abstract class NumberBuilder<V extends Values> implements Builder {
  readonly #make: new (length: number) => V
  readonly #validity = new Validity()
  #values: V
  length = 0

  protected constructor(make: new (length: number) => V) {
    this.#make = make
    this.#values = new make(1024)
  }

  get byteLength(): number {
    return this.length * this.#values.BYTES_PER_ELEMENT
  }

  append(value: number): void {
    if (this.length === this.#values.length) this.#values = grown(this.#values, this.#make, this.length + 1)
    this.#values[this.length++] = value
  }

  appendNull(): void {
    this.#validity.markNull(this.length)
    this.append(0)
  }

  truncate(length: number): void {
    this.#validity.truncate(length, this.length)
    this.length = length
  }

  snapshot(): FixedVector {
    const values = this.#values.subarray(0, this.length) as V
    return {
      layout: 'fixed',
      length: this.length,
      nullCount: this.#validity.nulls,
      validity: this.#validity.snapshot(this.length),
      values,
    }
  }

  clear(): void {
    this.#validity.clear()
    this.length = 0
  }
}

/** int and date columns. */
export class Int32Builder extends NumberBuilder<Int32Array> {
  constructor() {
    super(Int32Array)
  }
}

/** float columns: values are rounded to the nearest 32-bit float. */
export class Float32Builder extends NumberBuilder<Float32Array> {
  constructor() {
    super(Float32Array)
  }
}

/** double columns. */
export class Float64Builder extends NumberBuilder<Float64Array> {
  constructor() {
    super(Float64Array)
  }
}

/** long, time and timestamp columns. Values come as bigint or as a double that holds an integer exactly. */
export class Int64Builder implements Builder {
  #values = new BigInt64Array(1024)
  #halves = new Int32Array(this.#values.buffer)
  readonly #validity = new Validity()
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
    this.appendHalves(value | 0, Math.floor(value / 0x1_0000_0000))
  }

  /** The value's low and high 32 bits. */
  appendHalves(low: number, high: number): void {
    this.#reserve()
    const at = this.length++ * 2
    this.#halves[at] = low
    this.#halves[at + 1] = high
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

/** decimal columns: unscaled values of at most 38 digits. */
export class DecimalBuilder implements Builder {
  #values = new BigInt64Array(2048)
  #quarters = new Int32Array(this.#values.buffer)
  readonly #validity = new Validity()
  length = 0

  get byteLength(): number {
    return this.length * 16
  }

  append(unscaled: bigint): void {
    const at = this.#next() * 2
    // Element assignment keeps the low 64 bits.
    this.#values[at] = unscaled
    this.#values[at + 1] = unscaled >> 64n
  }

  /** `unscaled` must be a safe integer. Little-endian hosts only. */
  appendNumber(unscaled: number): void {
    const at = this.#next() * 4
    const high = Math.floor(unscaled / 0x1_0000_0000)
    this.#quarters[at] = unscaled | 0
    this.#quarters[at + 1] = high
    this.#quarters[at + 2] = this.#quarters[at + 3] = high >> 31
  }

  appendNull(): void {
    this.#validity.markNull(this.length)
    this.appendNumber(0)
  }

  truncate(length: number): void {
    this.#validity.truncate(length, this.length)
    this.length = length
  }

  snapshot(): DecimalVector {
    const validity = this.#validity.snapshot(this.length)
    const values = this.#values.subarray(0, this.length * 2)
    return { layout: 'decimal', length: this.length, nullCount: this.#validity.nulls, validity, values }
  }

  clear(): void {
    this.#validity.clear()
    this.length = 0
  }

  #next(): number {
    if (this.length * 2 === this.#values.length) {
      this.#values = grown(this.#values, BigInt64Array, this.length * 2 + 2)
      this.#quarters = new Int32Array(this.#values.buffer)
    }
    return this.length++
  }
}
