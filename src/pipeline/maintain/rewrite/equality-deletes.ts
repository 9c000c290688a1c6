import { isPrimitive } from '../../../formats/iceberg/primitive-type.ts'
import type { NestedField, Schema } from '../../../formats/iceberg/schema.ts'
import { project } from '../../../formats/parquet/decode/projection.ts'
import type { LeafRun } from '../../../formats/parquet/encode/row-group-writer.ts'
import { WorkError } from '../../../model/failure.ts'
import type { LiveDelete, LiveFile } from '../rewrite-flow.ts'
import { projectionOf } from './input-file.ts'
import { readDeleteFile } from './read-delete-file.ts'
import type { RewriteOptions } from './rewrite-options.ts'
import { valuesOf } from './run-values.ts'

/** Equality deletes by the same columns. */
interface DeletedKeys {
  /** The columns, and the structs that they are in. */
  readonly fields: readonly NestedField[]
  /** By key, the greatest sequence number of its deletes. */
  readonly sequences: Map<string, bigint>
}

/** Takes rows out of a file by the values of its columns. */
export interface RowMatcher {
  readonly fields: readonly NestedField[]
  /** Sets the bytes of the rows to take out in `kept` to 0. `leaves`: of `fields`. */
  remove(leaves: readonly (readonly LeafRun[])[], kept: Uint8Array): void
}

/** Rows that are deleted by the values of some columns (table specification, "Equality Delete Files"). */
export class EqualityDeletes {
  readonly #options: RewriteOptions
  readonly #byColumns = new Map<string, DeletedKeys>()

  constructor(options: RewriteOptions) {
    this.#options = options
  }

  /** Reads a file of equality deletes. Throws a WorkError that names it. */
  async read({ file, sequenceNumber }: LiveDelete): Promise<void> {
    const { filePath, equalityIds } = file
    if (equalityIds === undefined || equalityIds.length === 0) {
      throw new WorkError(`${filePath}: its manifest entry does not say which columns its deletes compare`, { retry: 'never' })
    }
    const columns = equalityIds.toSorted((a, b) => a - b).join(',')
    let keys = this.#byColumns.get(columns)
    if (keys === undefined) {
      this.#byColumns.set(columns, (keys = { fields: selected(filePath, equalityIds, this.#options), sequences: new Map() }))
    }
    const { fields, sequences } = keys
    // Its partition may be one of another spec, and it has all columns that it compares.
    const context = projectionOf({ partition: [] }, this.#options)
    for await (const { rows, leaves } of readDeleteFile(file, (root) => project(fields, root, context), this.#options)) {
      const keyOf = rowKeys(leaves, rows)
      for (let row = 0; row < rows; row++) {
        const key = keyOf(row)
        const known = sequences.get(key)
        if (known === undefined || known < sequenceNumber) sequences.set(key, sequenceNumber)
      }
    }
  }

  /** Those that may apply to a file. */
  matchersFor({ sequenceNumber }: LiveFile): RowMatcher[] {
    return [...this.#byColumns.values()].map(({ fields, sequences }) => ({
      fields,
      remove(leaves, kept) {
        const keyOf = rowKeys(leaves, kept.length)
        for (let row = 0; row < kept.length; row++) {
          if (kept[row] === 0) continue
          const deletedAt = sequences.get(keyOf(row))
          if (deletedAt !== undefined && deletedAt > sequenceNumber) kept[row] = 0
        }
      },
    }))
  }
}

/** The key of a row: its values, with their lengths, so that no two lists of values have the same. A null equals a null. */
function rowKeys(leaves: readonly (readonly LeafRun[])[], rows: number): (row: number) => string {
  const columns = leaves.map((runs) => valuesOf(runs, rows))
  if (columns.length === 1) return (row) => columns[0].key(row) ?? '\u{ffff}null'
  return (row) => {
    let key = ''
    for (const column of columns) {
      const text = column.key(row)
      key += text === null ? '-' : `${text.length}:${text}`
    }
    return key
  }
}

/** The fields of ids with the structs around them, all optional, from the newest schema that has them all. Throws a WorkError where none has. */
function selected(
  path: string,
  ids: readonly number[],
  { schema, schemas }: Pick<RewriteOptions, 'schema' | 'schemas'>,
): readonly NestedField[] {
  const wanted = new Set(ids)
  const newest: Pick<Schema, 'fields'>[] = [schema, ...schemas.toSorted((a, b) => b['schema-id'] - a['schema-id'])]
  for (const { fields } of newest) {
    const found: number[] = []
    const picked = pick(fields, wanted, found)
    if (found.length === wanted.size) return picked
  }
  throw new WorkError(`${path}: its deletes compare columns ${ids.join(', ')}, which no schema of the table has as primitives`, {
    retry: 'never',
  })
}

function pick(fields: readonly NestedField[], wanted: ReadonlySet<number>, found: number[]): NestedField[] {
  return fields.flatMap((field): NestedField[] => {
    const { type } = field
    if (isPrimitive(type)) {
      if (!wanted.has(field.id)) return []
      found.push(field.id)
      return [{ ...field, required: false }]
    }
    if (type.type !== 'struct') return []
    const inner = pick(type.fields, wanted, found)
    return inner.length === 0 ? [] : [{ ...field, required: false, type: { type: 'struct', fields: inner } }]
  })
}
