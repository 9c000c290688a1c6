import { compareBytes } from '../../formats/iceberg/bounds.ts'
import type { BytesVector, ColumnBatch, FixedVector } from '../../formats/arrow/vector.ts'

/** The smallest and the largest value of a column so far, single-value serialized (a string as its UTF-8); undefined while every slot was null. */
export interface Bounds {
  readonly lower: Uint8Array
  readonly upper: Uint8Array
}

/** Bounds of the top-level columns of one data file, gathered from its row groups. Lists have none. */
export class ColumnBounds {
  readonly #bounds: (Bounds | undefined)[] = []

  /** `i` is a column's place in the batch. */
  of(i: number): Bounds | undefined {
    return this.#bounds[i]
  }

  add(batch: ColumnBatch): void {
    for (const [i, column] of batch.columns.entries()) {
      const found = column.layout === 'bytes' ? bytesBounds(column) : column.layout === 'fixed' ? integerBounds(column) : undefined
      if (found === undefined) continue
      const known = this.#bounds[i]
      const compare = column.layout === 'bytes' ? compareBytes : compareIntegers
      this.#bounds[i] =
        known === undefined
          ? found
          : {
              lower: compare(found.lower, known.lower) < 0 ? found.lower : known.lower,
              upper: compare(found.upper, known.upper) > 0 ? found.upper : known.upper,
            }
    }
  }
}

function bytesBounds(column: BytesVector): Bounds | undefined {
  const { offsets, data, validity } = column
  let low = -1
  let high = -1
  for (let i = 0; i < column.length; i++) {
    if (validity !== null && (validity[i >> 3] & (1 << (i & 7))) === 0) continue
    if (low < 0) low = high = i
    else if (isLess(data, offsets[i], offsets[i + 1], offsets[low], offsets[low + 1])) low = i
    else if (isLess(data, offsets[high], offsets[high + 1], offsets[i], offsets[i + 1])) high = i
  }
  if (low < 0) return undefined
  return { lower: data.slice(offsets[low], offsets[low + 1]), upper: data.slice(offsets[high], offsets[high + 1]) }
}

/** Whether `data[a, aEnd)` sorts before `data[b, bEnd)` as unsigned bytes. */
function isLess(data: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  const length = Math.min(aEnd - a, bEnd - b)
  for (let k = 0; k < length; k++) {
    const difference = data[a + k] - data[b + k]
    if (difference !== 0) return difference < 0
  }
  return aEnd - a < bEnd - b
}

function integerBounds(column: FixedVector): Bounds | undefined {
  const { values, validity } = column
  let lower: number | bigint | undefined
  let upper: number | bigint | undefined
  for (let i = 0; i < column.length; i++) {
    if (validity !== null && (validity[i >> 3] & (1 << (i & 7))) === 0) continue
    const value = values[i]
    if (lower === undefined || value < lower) lower = value
    if (upper === undefined || value > upper) upper = value
  }
  return lower === undefined ? undefined : { lower: littleEndian(values, lower), upper: littleEndian(values, upper!) }
}

function littleEndian(values: FixedVector['values'], value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(values.BYTES_PER_ELEMENT)
  const view = new DataView(bytes.buffer)
  if (typeof value === 'bigint') view.setBigInt64(0, value, true)
  else view.setInt32(0, value, true)
  return bytes
}

function compareIntegers(a: Uint8Array, b: Uint8Array): number {
  const x = BigInt.asIntN(a.length * 8, unsigned(a))
  const y = BigInt.asIntN(b.length * 8, unsigned(b))
  return x < y ? -1 : x > y ? 1 : 0
}

function unsigned(littleEndianBytes: Uint8Array): bigint {
  return littleEndianBytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}
