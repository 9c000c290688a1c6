import { type Column } from '../column.ts'
import type { ColumnShape, RecordShape } from '../shape.ts'

/** A place in documents where members are told apart by their keys: the root, an object that leads to columns, a struct. */
export interface Level {
  readonly members: readonly Member[]
  /** What leads here from the record, or from the list element it is in: steps of a normalized path. */
  readonly path: string
  /** What leads here from the record, `[*]` for list indexes. */
  readonly pattern: string
}

export interface Member {
  readonly key: string
  /** From where `Level.path` begins to the member. */
  readonly path: string
  readonly required: boolean
  /** A column or a struct's field, or a deeper level on the way to columns. */
  readonly target: Column | Level
}

export function isLevel(target: Column | Level): target is Level {
  return 'members' in target
}

/** The step of a normalized path (RFC 9535, section 2.7) for a key without control characters. */
function stepOf(key: string): string {
  return `['${key.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']`
}

/** The root level of a record: columns' paths become a tree of levels. */
export function rootLevel(shape: RecordShape, columns: readonly Column[]): Level {
  return levelOf(
    shape.columns.map((column, i) => ({ ...column, column: columns[i] })),
    0,
    '',
  )
}

function levelOf(columns: readonly (ColumnShape & { column: Column })[], depth: number, path: string): Level {
  const byKey = Map.groupBy(columns, (column) => column.path[depth])
  const members = [...byKey].map(([key, group]): Member => {
    const at = path + stepOf(key)
    const [first] = group
    const isColumn = first.path.length === depth + 1
    return {
      key,
      path: at,
      required: isColumn ? first.required : group.some(({ required }) => required),
      target: isColumn ? first.column : levelOf(group, depth + 1, at),
    }
  })
  return { members, path, pattern: `$${path}` }
}

/** The level of a struct: `path` leads to it from where paths begin, `pattern` from the record. */
export function structLevel(column: Column, path: string, pattern: string): Level {
  const fields = column.shape.kind === 'struct' ? column.shape.fields : []
  const members = fields.map(({ key }, i) => ({ key, path: path + stepOf(key), required: false, target: column.children[i] }))
  return { members, path, pattern }
}
