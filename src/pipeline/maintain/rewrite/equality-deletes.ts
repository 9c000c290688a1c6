import { isPrimitive } from '../../../formats/iceberg/primitive-type.ts'
import type { NestedField, Schema } from '../../../formats/iceberg/schema.ts'
import type { FileGroup } from '../../../formats/parquet/decode/file-schema.ts'
import { project } from '../../../formats/parquet/decode/projection.ts'
import type { LeafRun } from '../../../formats/parquet/encode/row-group-writer.ts'
import { WorkError } from '../../../model/failure.ts'
import type { LiveDelete, LiveFile } from '../rewrite-flow.ts'
import { projectionOf } from './input-file.ts'
import { readDeleteFile } from './read-delete-file.ts'
import type { RewriteOptions } from './rewrite-options.ts'
import { valuesOf } from './run-values.ts'

/** When a key was deleted: its last delete, and the ones before. Keys with the same deletes share it. */
interface Deleted {
  readonly sequence: bigint
  readonly before: Deleted | null
  readonly after: Map<bigint, Deleted>
}

/** Equality deletes by the same columns. */
interface DeletedKeys {
  /** The columns, and the structs that they are in. */
  readonly fields: readonly NestedField[]
  readonly byKey: Map<string, Deleted>
  readonly first: Map<bigint, Deleted>
  /** The greatest sequence number of all. */
  newest: bigint
}

/** Takes rows out of a file by the values of its columns. */
export interface RowMatcher {
  readonly fields: readonly NestedField[]
  /** Sets the bytes of the rows to take out in `kept` to 0. `leaves`: of `fields`. */
  remove(leaves: readonly (readonly LeafRun[])[], kept: Uint8Array): void
}

/** Tells which rows of a file are deleted by the values of its columns, and when that was. */
export interface EqualityMatcher extends RowMatcher {
  /** The sequence number of the first delete that took a row out; undefined: it is there. `leaves`: of `fields`. */
  deletedAt(leaves: readonly (readonly LeafRun[])[], rows: number): (row: number) => bigint | undefined
}

/** About what a deleted key takes in memory, bytes. */
export const keyBytes = 160

type EqualityOptions = Pick<RewriteOptions, 'io' | 'schema' | 'schemas' | 'spec' | 'nameMapping'>

/** Rows that are deleted by the values of some columns (table specification, "Equality Delete Files"). */
export class EqualityDeletes {
  readonly #options: Omit<EqualityOptions, 'spec'>
  readonly #byColumns = new Map<string, DeletedKeys>()

  constructor(options: Omit<EqualityOptions, 'spec'>) {
    this.#options = options
  }

  /** Keys that are held, each of `keyBytes` or so. */
  get size(): number {
    return [...this.#byColumns.values()].reduce((sum, { byKey }) => sum + byKey.size, 0)
  }

  /** Forgets the keys that were read until now. */
  clear(): void {
    this.#byColumns.clear()
  }

  /** Reads a file of equality deletes, and stops after some rows each time, so that what is held may be used and forgotten. Throws a WorkError that names it. */
  async *read({ file, sequenceNumber }: LiveDelete): AsyncGenerator<void, void, undefined> {
    const { filePath, equalityIds } = file
    if (equalityIds === undefined || equalityIds.length === 0) {
      throw new WorkError(`${filePath}: its manifest entry does not say which columns its deletes compare`, { retry: 'never' })
    }
    const fields = selected(filePath, equalityIds, this.#options)
    // Its partition may be one of another spec, and it has all columns that it compares.
    const context = projectionOf({ partition: [] }, { spec: { fields: [] }, nameMapping: this.#options.nameMapping })
    const sourcesOf = (root: FileGroup) => {
      const sources = project(fields, root, context)
      const lacking = sources.find(({ kind }) => kind !== 'read')
      if (lacking !== undefined) throw new Error(`it lacks column ${lacking.path}, which its deletes compare`)
      return sources
    }
    for await (const { rows, leaves } of readDeleteFile(file, sourcesOf, this.#options)) {
      const keys = this.#keysOf(equalityIds, fields)
      if (keys.newest < sequenceNumber) keys.newest = sequenceNumber
      const keyOf = rowKeys(leaves, rows)
      for (let row = 0; row < rows; row++) {
        const key = keyOf(row)
        keys.byKey.set(key, withDelete(keys, keys.byKey.get(key) ?? null, sequenceNumber))
      }
      yield
    }
  }

  #keysOf(ids: readonly number[], fields: readonly NestedField[]): DeletedKeys {
    const columns = ids.toSorted((a, b) => a - b).join(',')
    let keys = this.#byColumns.get(columns)
    if (keys === undefined) this.#byColumns.set(columns, (keys = { fields, byKey: new Map(), first: new Map(), newest: 0n }))
    return keys
  }

  /** Those that may apply to a file. */
  matchersFor({ sequenceNumber }: Pick<LiveFile, 'sequenceNumber'>): EqualityMatcher[] {
    const younger = [...this.#byColumns.values()].filter(({ newest }) => newest > sequenceNumber)
    return younger.map(({ fields, byKey }) => {
      const deletedAt: EqualityMatcher['deletedAt'] = (leaves, rows) => {
        const keyOf = rowKeys(leaves, rows)
        return (row) => firstAfter(byKey.get(keyOf(row)), sequenceNumber)
      }
      return {
        fields,
        deletedAt,
        remove(leaves, kept) {
          const at = deletedAt(leaves, kept.length)
          for (let row = 0; row < kept.length; row++) if (kept[row] === 1 && at(row) !== undefined) kept[row] = 0
        },
      }
    })
  }
}

/** What a key's deletes are with one more of them. */
function withDelete(keys: Pick<DeletedKeys, 'first'>, deleted: Deleted | null, sequence: bigint): Deleted {
  if (deleted?.sequence === sequence) return deleted
  const isLast = deleted === null || deleted.sequence < sequence
  const [before, last] = isLast ? [deleted, sequence] : [withDelete(keys, deleted.before, sequence), deleted.sequence]
  const known = before?.after ?? keys.first
  let made = known.get(last)
  if (made === undefined) known.set(last, (made = { sequence: last, before, after: new Map() }))
  return made
}

function firstAfter(deleted: Deleted | undefined, sequence: bigint): bigint | undefined {
  let first: bigint | undefined
  for (let one = deleted ?? null; one !== null && one.sequence > sequence; one = one.before) first = one.sequence
  return first
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
