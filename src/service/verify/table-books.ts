import type { DataFile, ManifestFile } from '../../formats/iceberg/data-file.ts'
import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { parseSegmentFileName, partitionPrefix } from '../../formats/kfs/segment-key.ts'
import type { ParquetColumns } from '../../formats/parquet/read-rows.ts'
import { WorkError } from '../../model/failure.ts'
import type { FileIO } from '../../seams/file-io.ts'
import { DeleteIndex } from '../../pipeline/maintain/delete-index.ts'
import { liveDelete } from '../../pipeline/maintain/live-entries.ts'
import { forEachAtOnce } from '../../pipeline/verify/at-once.ts'
import { Books } from '../../pipeline/verify/books.ts'
import { openDataFile } from '../../pipeline/verify/data-file.ts'
import { enterAltered, enterFile, type FileClaim } from '../../pipeline/verify/enter-file.ts'
import { DeletedRows } from '../../pipeline/verify/deleted-rows.ts'
import {
  type DeleteFile,
  deleteFile,
  type KafkaColumns,
  manifestEntries,
  type TableFile,
  tableFile,
} from '../../pipeline/verify/table-files.ts'
import { decodeSources, type FileSource, sourcesKey } from '../../pipeline/write/file-sources.ts'

/** The files that a snapshot has. */
export interface LiveFiles {
  readonly files: readonly TableFile[]
  readonly deletes: readonly DeleteFile[]
  /** The deletes, by what they may apply to. */
  readonly index: DeleteIndex
}

/** Requests for files at once. */
const filesAtOnce = 16
/** Files that are named one by one; the rest is counted. */
const namedFiles = 20

/** Reads the manifests of a snapshot; of its data files, those that are wanted. Throws as `readManifest` does. */
export async function liveFiles(
  io: FileIO,
  { 'partition-specs': specs }: Pick<TableMetadata, 'partition-specs'>,
  manifests: readonly ManifestFile[],
  columns: KafkaColumns,
  isWanted: (file: DataFile) => boolean = () => true,
): Promise<LiveFiles> {
  const files: TableFile[] = []
  const deletes: DeleteFile[] = []
  const index = new DeleteIndex(specs)
  const keyIds = new Set<number>()
  // Deletes first: they say which columns are compared.
  const inOrder = manifests.toSorted((a, b) => b.content - a.content)
  for await (const one of manifestEntries(io, inOrder)) {
    const { status, dataFile } = one.entry
    if (status === 2) continue
    if (dataFile.content !== 0) {
      deletes.push(deleteFile(one, columns))
      index.add(liveDelete(one.entry, one.specId))
      for (const id of dataFile.equalityIds ?? []) keyIds.add(id)
    } else if (isWanted(dataFile)) files.push(tableFile(one, columns, keyIds))
  }
  return { files, deletes, index }
}

/** How files are entered in books. */
export interface Entering {
  readonly io: FileIO
  readonly columns: KafkaColumns
  /** What stands before a topic in the source's keys. */
  readonly prefix: string
  readonly exact: boolean
  readonly deletes: DeletedRows
  readonly progress?: (done: number, total: number) => void
}

/** What came of entering files. */
export interface Entered {
  readonly books: Books
  /** Files whose columns were read. */
  readonly read: number
  readonly gone: number
  /** Whether a file can not be read and nothing tells which rows it has. */
  readonly unknownRows: boolean
  readonly notes: readonly string[]
}

/** Enters the rows of all files in books. Throws what the store throws; files that are gone or damaged are told of. */
export async function enterFiles(
  files: readonly TableFile[],
  { io, columns, prefix, exact, deletes, progress }: Entering,
): Promise<Entered> {
  const books = new Books()
  const notes: string[] = []
  let [read, gone, done, unknownRows] = [0, 0, 0, false]
  await forEachAtOnce(files, filesAtOnce, async (entry, index) => {
    const opened = await openDataFile(io, entry)
    const whyUnknown = deletes.whyUnknown(entry)
    if (opened.kind === 'open' && whyUnknown !== undefined) damaged(entry, claimsOf(opened.parquet, prefix), whyUnknown)
    else if (opened.kind === 'open') {
      const claims = claimsOf(opened.parquet, prefix)
      try {
        const deleted = deletes.of(entry)
        if (await enterFile({ index, entry, parquet: opened.parquet, claims, deleted }, columns, exact, books)) read++
      } catch (error) {
        if (error instanceof WorkError) throw error
        damaged(entry, claims, (error as Error).message)
      } finally {
        opened.parquet.close()
      }
    } else if (opened.kind === 'gone') {
      gone++
      notes.push(`data file ${entry.path} is gone`)
    } else damaged(entry, null, opened.reason)
    progress?.(++done, files.length)
  })
  const more = notes.length - namedFiles
  return { books, read, gone, unknownRows, notes: more > 0 ? [...notes.slice(0, namedFiles), `and ${more} files more`] : notes }

  function damaged(entry: TableFile, claims: readonly FileClaim[] | null, reason: string): void {
    notes.push(`data file ${entry.path} can not be read: ${reason}`)
    if (!enterAltered(entry, claims, books)) unknownRows = true
  }
}

/** What a file says of its sources; null where it does not say it, or not as we do. */
function claimsOf(parquet: ParquetColumns, prefix: string): FileClaim[] | null {
  const text = parquet.keyValue(sourcesKey)
  if (text === undefined) return null
  let sources: FileSource[]
  try {
    sources = decodeSources(text)
  } catch {
    return null
  }
  return sources.map(({ key, etag, at, ranges }) => {
    const folder = partitionPrefix(prefix, at)
    const name = key.startsWith(folder) ? parseSegmentFileName(key.slice(folder.length)) : null
    return { at, baseOffset: name?.baseOffset ?? null, etag, ranges }
  })
}
