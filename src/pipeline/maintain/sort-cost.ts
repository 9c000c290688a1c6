import type { DataFile } from '../../formats/iceberg/data-file.ts'
import { parsePrimitive } from '../../formats/iceberg/primitive-type.ts'
import type { PrimitiveType } from '../../formats/iceberg/schema.ts'
import type { SortOrder } from '../../formats/iceberg/table-metadata.ts'
import type { Leaf } from '../../formats/parquet/encode/schema-elements.ts'
import { placeBytes } from '../../formats/parquet/sort/row-sorter.ts'
import { maxSliceRows, sliceBytes } from './rewrite/slices.ts'
import { fanIn, sortedPageBytes, sortedRowGroupBytes } from './rewrite/sorted-runs.ts'
import { sortingMemory } from './rewrite/rewrite-files.ts'
import { requestsToWrite, type RewriteCost } from './rewrite-cost.ts'

/** How rewrites sort their rows. */
export interface Sorting {
  readonly order: SortOrder
  /** Of one rewrite. */
  readonly memoryLimitBytes: number
}

/** A byte string takes about so many times the room that it does compressed: of JSON more, of what is random less. */
const inflation = 2
/** Where values take this or less compressed, they are nearly always entries of a dictionary. */
const dictionaryBits = 20
const slotBytes = 4
/** Buffers grow by half when they are full: on average so much of them is taken for nothing. */
const slack = 1.2

/** About the memory that a file's rows take while they are sorted, less their places, by its manifest entry. */
export function heldToSort(file: DataFile, leaves: readonly Pick<Leaf, 'fieldId' | 'type'>[]): number {
  const rows = Number(file.recordCount)
  const held = leaves.map(({ fieldId, type }) => {
    const values = Number(file.valueCounts?.get(fieldId) ?? rows)
    const compressed = Number(file.columnSizes?.get(fieldId) ?? 0n)
    if (compressed * 8 <= values * dictionaryBits) return values * slotBytes + compressed
    const width = widthOf(type)
    return width === null ? values * slotBytes + compressed * inflation : values * width
  })
  return slack * held.reduce((sum, bytes) => sum + bytes, 0)
}

/**
 * What sorting takes beside reading inputs and writing outputs, where the rows need more memory than there is: files of sorted rows, written, read
 * and removed. `heldBytes`: of all inputs, by `heldToSort`; `inputBytes`: of their files.
 */
export function sortCost(
  {
    heldBytes,
    rows,
    inputFiles,
    inputBytes,
  }: { readonly heldBytes: number; readonly rows: number; readonly inputFiles: number; readonly inputBytes: number },
  leaves: number,
  { order, memoryLimitBytes }: Sorting,
): Pick<RewriteCost, 'gets' | 'puts' | 'spilledFiles' | 'spilledBytes'> {
  const memoryBytes = sortingMemory(memoryLimitBytes)
  const held = heldBytes + rows * placeBytes(order.fields)
  // Rows come in slices of a file, and one more than there is memory for is still taken.
  const sliceRows = Math.max(1, Math.min(maxSliceRows, (sliceBytes * slack * rows) / Math.max(1, heldBytes), rows / inputFiles))
  const sliceHeld = (held / Math.max(1, rows)) * sliceRows
  const runHeld = Math.ceil(memoryBytes / sliceHeld) * sliceHeld
  const none = { gets: 0, puts: 0, spilledFiles: 0, spilledBytes: 0 }
  if (held < memoryBytes) return none
  let cost = none
  const write = (bytes: number) => {
    cost = {
      gets: cost.gets + readsOf(bytes, leaves),
      puts: cost.puts + requestsToWrite(bytes),
      spilledFiles: cost.spilledFiles + 1,
      spilledBytes: cost.spilledBytes + bytes,
    }
    return bytes
  }
  const count = Math.ceil(held / runHeld)
  let runs = Array.from({ length: count }, (_, i) => write((inputBytes / held) * Math.min(runHeld, held - i * runHeld)))
  const most = fanIn(memoryBytes, leaves)
  while (runs.length > most) {
    const merged: number[] = []
    for (let at = 0; at < runs.length; at += most) {
      const some = runs.slice(at, at + most)
      merged.push(some.length === 1 ? some[0] : write(some.reduce((sum, bytes) => sum + bytes, 0)))
    }
    runs = merged
  }
  return cost
}

/** Of a file of sorted rows: the footer, and of each row group the windows of its leaves, which are as large as a page and often end within one. */
function readsOf(bytes: number, leaves: number): number {
  const groups = Math.ceil(bytes / sortedRowGroupBytes)
  return 1 + Math.ceil((1.25 * bytes) / sortedPageBytes) + Math.ceil((groups * leaves) / 2)
}

/** Bytes of a value; null: it has no width. */
function widthOf(type: PrimitiveType): number | null {
  const parsed = parsePrimitive(type)
  switch (parsed.kind) {
    case 'boolean':
      return 1
    case 'int':
    case 'float':
    case 'date':
      return 4
    case 'fixed':
      return parsed.length
    case 'uuid':
      return 16
    case 'decimal':
      return parsed.precision <= 18 ? 8 : 16
    case 'string':
    case 'binary':
      return null
    case 'long':
    case 'double':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return 8
  }
}
