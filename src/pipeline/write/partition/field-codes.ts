import {
  type BytesVector,
  type ColumnBatch,
  type DecimalVector,
  type FixedBytesVector,
  type FixedVector,
} from '../../../formats/arrow/vector.ts'
import type { SingleValue } from '../../../formats/iceberg/data-file.ts'
import { murmur3 } from '../../../formats/iceberg/murmur3.ts'
import type { PresentValue } from '../../../formats/iceberg/single-value.ts'
import { transformFunction } from '../../../formats/iceberg/transforms.ts'
import { leafColumn } from '../leaf-column.ts'
import { BytesCodes } from './bytes-codes.ts'
import type { PartitionSource } from './partition-source.ts'

/** The code of null, in every field. */
const nullCode = 0

const microsPer: Readonly<Record<string, number>> = {
  hour: 3_600_000_000,
  day: 86_400_000_000,
  month: 86_400_000_000,
  year: 86_400_000_000,
}

/**
 * Partition values of one field, over the columns of a task: each row's as a small number, the same for equal values. A transform is
 * applied to the vector, and to a value of its own only where the value (or its hour or day) is met for the first time.
 */
export class FieldCodes {
  readonly #source: PartitionSource
  readonly #apply: (value: SingleValue) => SingleValue
  /** By code. */
  readonly #values: SingleValue[] = [null]
  readonly #codes = new Map<number | bigint | boolean | string, number>()
  /** By the hour or the day that a time lies in. */
  readonly #units = new Map<number, number>()
  readonly #bytes: BytesCodes

  constructor(source: PartitionSource) {
    this.#source = source
    const { transform, type } = source
    this.#apply = source.path === null ? () => null : transformFunction(transform, type)
    this.#bytes = new BytesCodes(type === 'string', (value) => this.#values.push(value) - 1)
  }

  valueOf(code: number): SingleValue {
    return this.#values[code]
  }

  /** Each row's code. */
  of(batch: ColumnBatch): Int32Array {
    const codes = new Int32Array(batch.length)
    const { path } = this.#source
    if (path === null) return codes
    const { column, present } = leafColumn(batch, path)
    const codeOf = this.#reader(column)
    for (let i = 0; i < codes.length; i++) {
      codes[i] = present !== null && (present[i >> 3] & (1 << (i & 7))) === 0 ? nullCode : codeOf(i)
    }
    return codes
  }

  /** What gives the code of a slot that is present. */
  #reader(column: ReturnType<typeof leafColumn>['column']): (slot: number) => number {
    switch (column.layout) {
      case 'fixed':
        return column.values instanceof BigInt64Array ? this.#longs(column.values) : this.#numbers(column.values)
      case 'boolean':
        return (i) => this.#code(this.#apply((column.values[i >> 3] & (1 << (i & 7))) !== 0))
      case 'decimal':
        return this.#decimals(column)
      case 'bytes':
      case 'fixed-bytes':
        return this.#slices(column)
      case 'list':
      case 'map':
      case 'struct':
        throw new TypeError(`a ${column.layout} column can not be partitioned by`)
    }
  }

  #numbers(values: Exclude<FixedVector['values'], BigInt64Array>): (slot: number) => number {
    let last = Number.NaN
    let lastCode = -1
    return (i) => {
      const value = values[i]
      if (!Object.is(value, last) || lastCode < 0) {
        last = value
        lastCode = this.#code(this.#apply(value))
      }
      return lastCode
    }
  }

  /** Longs and times are looked at as halves: each bigint would be an object. */
  #longs(values: BigInt64Array): (slot: number) => number {
    const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
    const { transform } = this.#source
    const bucket = /^bucket\[(\d+)\]$/.exec(transform)
    if (bucket !== null) {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, 8 * values.length)
      const count = Number(bucket[1])
      return (i) => this.#code((murmur3(bytes, 8 * i, 8 * i + 8) & 0x7fff_ffff) % count)
    }
    const unit = microsPer[transform]
    let [lastLow, lastHigh, lastCode] = [0, 0, -1]
    return (i) => {
      const [low, high] = [halves[2 * i], halves[2 * i + 1]]
      if (lastCode >= 0 && low === lastLow && high === lastHigh) return lastCode
      ;[lastLow, lastHigh] = [low, high]
      lastCode = unit === undefined ? this.#code(this.#apply(values[i])) : this.#timeCode(values, i, low, high, unit)
      return lastCode
    }
  }

  #timeCode(values: BigInt64Array, i: number, low: number, high: number, micros: number): number {
    const time = high * 0x1_0000_0000 + (low >>> 0)
    if (!Number.isSafeInteger(time)) return this.#code(this.#apply(values[i]))
    // Floored, so that times before 1970 belong to the hour and day that they lie in; exact, since both are safe integers.
    const unit = Math.floor(time / micros)
    let code = this.#units.get(unit)
    if (code === undefined) this.#units.set(unit, (code = this.#code(this.#apply(values[i]))))
    return code
  }

  #decimals({ values }: DecimalVector): (slot: number) => number {
    return (i) => this.#code(this.#apply((values[2 * i + 1] << 64n) | BigInt.asUintN(64, values[2 * i])))
  }

  /** Text and bytes: hashed or cut where they lie. */
  #slices(column: BytesVector | FixedBytesVector): (slot: number) => number {
    const { data } = column
    const [start, end] =
      column.layout === 'bytes'
        ? [(i: number) => column.offsets[i], (i: number) => column.offsets[i + 1]]
        : [(i: number) => i * column.width, (i: number) => (i + 1) * column.width]
    const { transform } = this.#source
    const [, kind, digits] = /^(bucket|truncate)\[(\d+)\]$/.exec(transform) ?? []
    const width = Number(digits)
    if (kind === 'bucket') return (i) => this.#code((murmur3(data, start(i), end(i)) & 0x7fff_ffff) % width)
    const cut = kind === 'truncate' ? width : Infinity
    return (i) => this.#bytes.codeOf(data, start(i), end(i), cut)
  }

  #code(result: SingleValue): number {
    if (result === null) return nullCode
    const key = keyOf(result)
    let code = this.#codes.get(key)
    if (code === undefined) this.#codes.set(key, (code = this.#values.push(result) - 1))
    return code
  }
}

/** What tells values apart: a map takes −0.0 for 0.0, and the reference implementation does not. */
function keyOf(value: PresentValue): number | bigint | boolean | string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  return Object.is(value, -0) ? '-0' : value
}
