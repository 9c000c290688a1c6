import type { ColumnBatch, Vector } from '../../formats/arrow/vector.ts'

/** A column of a batch, and which of its slots hold a value, the structs around them included. */
export interface LeafColumn {
  readonly column: Vector
  /** A validity bitmap; null where every slot is present. */
  readonly present: Uint8Array | null
}

/** Finds a column: `path` is its place in the batch, then those within the structs that it is nested in. */
export function leafColumn({ columns }: ColumnBatch, path: readonly number[]): LeafColumn {
  let column = columns[path[0]]
  let present = column.validity
  for (const child of path.slice(1)) {
    if (column.layout !== 'struct') throw new TypeError(`expected a struct column, found a ${column.layout} one`)
    column = column.children[child]
    present = both(present, column.validity)
  }
  return { column, present }
}

/** The slots that two bitmaps both mark: what is in a null struct is null, whatever it holds. */
function both(a: Uint8Array | null, b: Uint8Array | null): Uint8Array | null {
  if (a === null || b === null) return a ?? b
  return a.map((byte, i) => byte & b[i])
}
