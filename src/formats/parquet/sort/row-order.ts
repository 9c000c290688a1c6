import type { SingleValue } from '../../iceberg/data-file.ts'
import { isPrimitive, parsePrimitive } from '../../iceberg/primitive-type.ts'
import type { NestedField, PrimitiveType } from '../../iceberg/schema.ts'
import { compareSingleValues, type PresentValue } from '../../iceberg/single-value.ts'
import type { SortField, SortOrder } from '../../iceberg/table-metadata.ts'
import { transformFunction } from '../../iceberg/transforms.ts'
import { fromBigEndian } from '../../iceberg/unscaled.ts'
import { leavesOf } from '../encode/schema-elements.ts'
import type { StoredVector } from '../encode/value-store.ts'
import type { RowColumn } from './row-column.ts'

/** A field of a sort order, and the leaf that it looks at. */
export interface SortKey {
  readonly leaf: number
  readonly type: PrimitiveType
  readonly field: SortField
}

/** What rows of a column are compared by. */
export interface KeyColumn {
  /** By row, a number that is never greater than that of a row behind; rows of the same number may differ all the same. */
  readonly ranks: Float64Array
  /** Whether rows of one number are equal. */
  readonly isExact: boolean
  /** What else tells rows of one number apart. */
  readonly valueAt: (row: number) => SingleValue
  readonly field: SortField
}

/**
 * The leaves that a sort order looks at. Throws an Error where one is gone, in a list, or of a transform that we do not know: rows are
 * not sorted by halves.
 */
export function sortKeys(fields: readonly NestedField[], order: SortOrder): SortKey[] {
  const leaves = leavesOf(fields)
  return order.fields.map((field) => {
    const leaf = leaves.findIndex(({ fieldId }) => fieldId === field['source-id'])
    const { type, maxRepetition } = leaves[leaf] ?? {}
    try {
      if (type === undefined || !isPrimitive(type) || maxRepetition !== 0) throw new Error('it is no column that rows can be sorted by')
      transformFunction(field.transform, type)
      return { leaf, type, field }
    } catch (error) {
      const what = `sort order ${order['order-id']} has column ${field['source-id']} by ${field.transform}`
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error })
    }
  })
}

/** The order, where rows of these fields can be brought into it; null where not, or where there is none. */
export function sortableOrder(fields: readonly NestedField[], order: SortOrder | null): SortOrder | null {
  if (order === null) return null
  try {
    sortKeys(fields, order)
    return order
  } catch {
    return null
  }
}

export function keyColumns(columns: readonly RowColumn[], rows: number, keys: readonly SortKey[]): KeyColumn[] {
  return keys.map((key) => keyColumn(columns[key.leaf], rows, key))
}

/** Compares a row with another one, of the same columns or others by the same keys (table specification, "Sorting"). */
export function compareRows(a: readonly KeyColumn[], row: number, b: readonly KeyColumn[], other: number): number {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i], b[i]]
    if (x.ranks[row] < y.ranks[other]) return -1
    if (x.ranks[row] > y.ranks[other]) return 1
    if (x.isExact && y.isExact) continue
    const sign = compareNullable(x.valueAt(row), y.valueAt(other), x.field)
    if (sign !== 0) return sign
  }
  return 0
}

/** The rows in order; equal ones stay as they were. */
export function sortedRows(keys: readonly KeyColumn[], rows: number): Int32Array {
  const order = new Int32Array(rows)
  for (let row = 0; row < rows; row++) order[row] = row
  if (isSorted(keys, rows)) return order
  const ranks = keys[0]?.ranks
  return order.sort((a, b) => {
    if (ranks[a] < ranks[b]) return -1
    if (ranks[a] > ranks[b]) return 1
    return compareRows(keys, a, keys, b) || a - b
  })
}

function isSorted(keys: readonly KeyColumn[], rows: number): boolean {
  for (let row = 1; row < rows; row++) if (compareRows(keys, row - 1, keys, row) > 0) return false
  return true
}

function keyColumn(column: RowColumn, rows: number, { type, field }: SortKey): KeyColumn {
  const { direction, 'null-order': nullOrder, transform } = field
  const { kind } = parsePrimitive(type)
  const turn = direction === 'asc' ? 1 : -1
  const nullRank = nullOrder === 'nulls-first' ? -Infinity : Infinity
  const ofSlot = column.values === null ? () => null : valuesOf(column.values, type, transform)
  const valueAt = (row: number) => {
    const slot = column.slotAt(row)
    return slot < 0 ? null : ofSlot(slot)
  }
  const ranks = new Float64Array(rows)
  for (let row = 0; row < rows; row++) {
    const value = valueAt(row)
    ranks[row] = value === null ? nullRank : turn * rankOf(value)
  }
  return { ranks, isExact: transform === 'identity' && (kind === 'int' || kind === 'date' || kind === 'boolean'), valueAt, field }
}

/** By slot, what is compared. Text stays bytes: their order is the same. */
function valuesOf(vector: StoredVector, type: PrimitiveType, transform: string): (slot: number) => SingleValue {
  const { kind } = parsePrimitive(type)
  if (transform === 'identity') return (slot) => valueIn(vector, kind, slot, false)
  const apply = transformFunction(transform, type)
  const known: SingleValue[] = []
  return (slot) => (known[slot] ??= apply(valueIn(vector, kind, slot, true)))
}

function compareNullable(a: SingleValue, b: SingleValue, { direction, 'null-order': nullOrder }: SortField): number {
  if (a === null || b === null) return (Number(b === null) - Number(a === null)) * (nullOrder === 'nulls-first' ? 1 : -1)
  return direction === 'asc' ? comparePresent(a, b) : comparePresent(b, a)
}

/** NaN is greater than all other numbers. */
function comparePresent(a: PresentValue, b: PresentValue): number {
  const [x, y] = [Number.isNaN(a), Number.isNaN(b)]
  return x || y ? Number(x) - Number(y) : compareSingleValues(a, b)
}

/** Never falls as values rise, and needs not rise with them: bytes count for their first six. */
function rankOf(value: PresentValue): number {
  if (typeof value === 'number') return Number.isNaN(value) ? Infinity : value
  if (typeof value === 'bigint' || typeof value === 'boolean') return Number(value)
  // A pair that is cut in two spoils no byte before the eighth.
  const bytes = typeof value === 'string' ? Buffer.from(value.slice(0, 8)) : value
  let rank = 0
  for (let i = 0; i < 6; i++) rank = rank * 256 + (i < bytes.length ? bytes[i] : 0)
  return rank
}

function valueIn(vector: StoredVector, kind: string, slot: number, asText: boolean): PresentValue {
  switch (vector.layout) {
    case 'fixed':
      return vector.values[slot]
    case 'plain-decimals':
      return BigInt(vector.values[slot])
    case 'decimal':
      return (vector.values[2 * slot + 1] << 64n) | BigInt.asUintN(64, vector.values[2 * slot])
    case 'boolean':
      return ((vector.values[slot >> 3] >> (slot & 7)) & 1) === 1
    case 'fixed-bytes': {
      const bytes = vector.data.subarray(slot * vector.width, (slot + 1) * vector.width)
      return kind === 'decimal' ? fromBigEndian(bytes) : bytes
    }
    case 'bytes': {
      const bytes = vector.data.subarray(vector.offsets[slot], vector.offsets[slot + 1])
      return kind === 'string' && asText ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8') : bytes
    }
    case 'plain-bytes':
    case 'list':
    case 'map':
    case 'struct':
      throw new TypeError(`values of layout ${vector.layout} are not gathered`)
  }
}
