import type { DataFile } from '../../formats/iceberg/data-file.ts'
import { nameMappingKey, parseNameMapping } from '../../formats/iceberg/name-mapping.ts'
import { currentSchema, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { project } from '../../formats/parquet/decode/projection.ts'
import { RowGroupReader } from '../../formats/parquet/decode/row-group-reader.ts'
import { WorkError } from '../../model/failure.ts'
import type { FileIO } from '../../seams/file-io.ts'
import { ObjectNotFound } from '../../seams/object-store.ts'
import { DeleteIndex, scopeOf } from '../../pipeline/maintain/delete-index.ts'
import { EqualityDeletes, type EqualityMatcher, keyBytes } from '../../pipeline/maintain/rewrite/equality-deletes.ts'
import { openParquet, projectionOf } from '../../pipeline/maintain/rewrite/input-file.ts'
import { forEachAtOnce } from '../../pipeline/verify/at-once.ts'
import type { DeletedRows } from '../../pipeline/verify/deleted-rows.ts'
import type { DeleteFile, TableFile } from '../../pipeline/verify/table-files.ts'

/** How equality deletes are read. */
export interface EqualityReading {
  /** Gets the rows that are deleted. */
  readonly rows: DeletedRows
  /** What deleted keys may take at once: where there are more, the files are read once for each part of them. */
  readonly memoryBytes: number
  /** The sequence number from which on deletes had nothing to take out of a file any more; null: there is none. */
  readonly until: (file: TableFile) => bigint | null
  /** Reads a delete file, and says of what is thrown which file it is about. */
  readonly reading: (file: DeleteFile, read: () => Promise<void>) => Promise<void>
}

/** Data files that are read at once. */
const filesAtOnce = 4
const rowsAtOnce = 64 * 1024
const windowBytes = 1024 * 1024
/** The scope of deletes that apply to the whole table. */
const everywhere = ''

/**
 * Makes equality deletes into positions of the rows that they take out of `files`, each with the snapshot that first did: as many keys
 * as memory is for are read, then the columns that they compare of each file that they may apply to. A file that is gone, or can not be
 * read, has none. Throws what `reading` throws, and what the store does.
 */
export async function readEqualityDeletes(
  metadata: TableMetadata,
  io: FileIO,
  files: readonly TableFile[],
  deletes: readonly DeleteFile[],
  { rows, memoryBytes, until, reading }: EqualityReading,
): Promise<void> {
  const { properties = {}, schemas } = metadata
  const specs = new Map(metadata['partition-specs'].map((spec) => [spec['spec-id'], spec]))
  const mapping = properties[nameMappingKey]
  const nameMapping = mapping === undefined ? null : parseNameMapping(mapping)
  const index = new DeleteIndex(metadata['partition-specs'])
  const snapshots = new Map(deletes.map(({ dataSequence, snapshot }) => [dataSequence, snapshot]))
  const keys = new Map<string, EqualityDeletes>()
  for (const one of deletes) {
    await reading(one, async () => {
      const { specId, dataSequence: sequenceNumber } = one
      const live = { file: dataFileOf(one, 2), specId, sequenceNumber }
      const scope = index.isGlobal(live) ? everywhere : scopeOf(specId, live.file)
      let own = keys.get(scope)
      if (own === undefined) keys.set(scope, (own = new EqualityDeletes({ io, schema: currentSchema(metadata), schemas, nameMapping })))
      for await (const _ of own.read(live)) {
        if ([...keys.values()].reduce((sum, { size }) => sum + size, 0) * keyBytes >= memoryBytes) await apply()
      }
    })
  }
  await apply()

  async function apply(): Promise<void> {
    await forEachAtOnce(files, filesAtOnce, async (file) => {
      const scopes = [everywhere, scopeOf(file.specId, file)]
      const matchers = scopes.flatMap((scope) => keys.get(scope)?.matchersFor({ sequenceNumber: file.dataSequence }) ?? [])
      if (matchers.length === 0) return
      try {
        await matchRows(file, matchers)
      } catch (error) {
        if (error instanceof ObjectNotFound) return
        if (error instanceof WorkError && error.retry !== 'never') throw error
        rows.addUnknown(file, (error as Error).message)
      }
    })
    for (const own of keys.values()) own.clear()
  }

  async function matchRows(file: TableFile, matchers: readonly EqualityMatcher[]): Promise<void> {
    const { parquet, close } = await openParquet(dataFileOf(file, 0), { io })
    const context = projectionOf(file, { spec: specs.get(file.specId) ?? { fields: [] }, nameMapping })
    const sources = matchers.map(({ fields }) => project(fields, parquet.root, context))
    const end = until(file)
    const found = new Map<bigint, number[]>()
    for (const group of parquet.rowGroups) {
      const reader = new RowGroupReader(group, sources.flat(), windowBytes)
      for (let at = 0; at < group.rows; at += rowsAtOnce) {
        const count = Math.min(rowsAtOnce, group.rows - at)
        const leaves = await reader.read(count)
        let leaf = 0
        const lookups = matchers.map(({ deletedAt }, i) => deletedAt(leaves.slice(leaf, (leaf += sources[i].length)), count))
        for (let row = 0; row < count; row++) {
          let first: bigint | undefined
          for (const lookup of lookups) {
            const sequence = lookup(row)
            if (sequence !== undefined && (first === undefined || sequence < first)) first = sequence
          }
          if (first === undefined || (end !== null && first >= end)) continue
          const known = found.get(first)
          if (known === undefined) found.set(first, [group.firstRow + at + row])
          else known.push(group.firstRow + at + row)
        }
      }
      reader.close()
    }
    close()
    for (const [sequence, positions] of found) rows.addRows(file, { sequence, snapshot: snapshots.get(sequence) ?? null, positions })
  }
}

function dataFileOf({ path, format, rows, bytes, partition, ...more }: TableFile, content: 0 | 2): DataFile {
  const equalityIds = (more as Partial<DeleteFile>).equalityIds
  return {
    content,
    filePath: path,
    fileFormat: format,
    partition,
    recordCount: rows,
    fileSizeInBytes: BigInt(bytes),
    ...(equalityIds !== undefined && { equalityIds }),
  }
}
