import type { ColumnBatch } from '../../formats/arrow/vector.ts'
import type { MetricsMode } from '../../formats/iceberg/metrics-config.ts'
import { isPrimitive, parsePrimitive } from '../../formats/iceberg/primitive-type.ts'
import type { NestedField, PrimitiveType } from '../../formats/iceberg/schema.ts'
import { BooleanExtremes } from './extremes/booleans.ts'
import { BytesExtremes, FixedBytesExtremes } from './extremes/bytes.ts'
import { DecimalExtremes } from './extremes/decimals.ts'
import type { Bounds, Extremes } from './extremes/extremes.ts'
import { LongExtremes } from './extremes/longs.ts'
import { FloatExtremes, IntExtremes } from './extremes/numbers.ts'
import { UuidExtremes } from './extremes/uuids.ts'
import { leafColumn } from './leaf-column.ts'

/** What is gathered of a column besides what a Parquet footer tells. */
export interface FoundBounds extends Partial<Bounds> {
  /** For float and double. */
  readonly nanCount?: bigint
}

/** Finds a column in a batch: its place among the fields, then among those of the structs that it is nested in. */
interface Leaf {
  readonly id: number
  readonly path: readonly number[]
  readonly extremes: Extremes
}

/**
 * Bounds and NaN counts of the columns of one data file, gathered from its row groups: of the primitives at the top and within
 * structs, by field id. There are none inside lists and maps, nor of columns whose metrics mode needs none.
 */
export class ColumnBounds {
  readonly #leaves: readonly Leaf[]
  readonly #byId: ReadonlyMap<number, Extremes>

  /** `fields`: the columns of the batches, in their order. */
  constructor(fields: readonly NestedField[], modes: ReadonlyMap<number, MetricsMode>) {
    this.#leaves = leavesOf(fields, modes, [])
    this.#byId = new Map(this.#leaves.map(({ id, extremes }) => [id, extremes]))
  }

  /** What was found of a column so far; undefined where nothing is gathered of it. */
  of(id: number): FoundBounds | undefined {
    const extremes = this.#byId.get(id)
    return extremes && { ...extremes.bounds(), nanCount: extremes.nanCount ?? undefined }
  }

  add(batch: ColumnBatch): void {
    for (const { path, extremes } of this.#leaves) {
      const { column, present } = leafColumn(batch, path)
      extremes.add(column, present)
    }
  }
}

function leavesOf(fields: readonly NestedField[], modes: ReadonlyMap<number, MetricsMode>, parent: readonly number[]): Leaf[] {
  return fields.flatMap(({ id, type }, i) => {
    const path = [...parent, i]
    if (!isPrimitive(type)) return type.type === 'struct' ? leavesOf(type.fields, modes, path) : []
    const extremes = extremesFor(type)
    const mode = modes.get(id)?.kind ?? 'none'
    const isWanted = mode === 'counts' ? extremes.nanCount !== null : mode !== 'none'
    return isWanted ? [{ id, path, extremes }] : []
  })
}

function extremesFor(type: PrimitiveType): Extremes {
  const { kind } = parsePrimitive(type)
  switch (kind) {
    case 'boolean':
      return new BooleanExtremes()
    case 'int':
    case 'date':
      return new IntExtremes()
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return new LongExtremes()
    case 'float':
    case 'double':
      return new FloatExtremes(kind)
    case 'decimal':
      return new DecimalExtremes()
    case 'string':
    case 'binary':
      return new BytesExtremes()
    case 'uuid':
      return new UuidExtremes()
    case 'fixed':
      return new FixedBytesExtremes()
  }
}
