import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { FileIO } from '../../seams/file-io.ts'
import { readEqualityDeletes } from './equality-positions.ts'
import { limitsOf } from '../tasks/limits.ts'
import type { LiveFiles } from './table-books.ts'
import { forEachAtOnce } from '../../pipeline/verify/at-once.ts'
import { DeletedRows } from '../../pipeline/verify/deleted-rows.ts'
import type { DeleteFile, TableFile } from '../../pipeline/verify/table-files.ts'

/** A table whose deletes are read. */
export interface TableWithDeletes {
  readonly table: string
  readonly metadata: TableMetadata
  readonly processing: ProcessorDocument['spec']['processing']
}

/** Requests for files at once. */
const filesAtOnce = 16

/**
 * Reads which rows of `files` are deleted, by position delete files, deletion vectors and equality deletes. `until`: the sequence number
 * from which on deletes had nothing to take out of a file any more; null: there is none. Throws a WorkError for deletes that can not be
 * read: then nothing tells which rows there are.
 */
export async function readDeletes(
  of: TableWithDeletes,
  io: FileIO,
  { files, deletes }: Pick<LiveFiles, 'files' | 'deletes'>,
  until: (file: TableFile) => bigint | null = () => null,
): Promise<DeletedRows> {
  const other = deletes.find(({ kind, format }) => kind !== 'vector' && format !== 'PARQUET')
  if (other !== undefined) {
    throw new WorkError(
      `table ${of.table} can not be judged: snapshot ${other.snapshot} wrote ${other.kind} deletes in ${other.format} (${other.path}), which can not be read; rewrite its data files, so that the deletes are applied`,
      { retry: 'never' },
    )
  }
  const rows = new DeletedRows()
  const reading = async (file: DeleteFile, read: () => Promise<void>) => {
    try {
      await read()
    } catch (error) {
      if (error instanceof WorkError && error.retry !== 'never') throw error
      throw new WorkError(`table ${of.table} can not be judged: the deletes in ${file.path} can not be read: ${(error as Error).message}`, {
        retry: 'never',
      })
    }
  }
  const equality = deletes.filter(({ kind }) => kind === 'equality')
  const byPosition = deletes.filter(({ kind }) => kind !== 'equality')
  await forEachAtOnce(byPosition, filesAtOnce, (file) => reading(file, () => rows.add(io, file)))
  const memoryBytes = limitsOf(of.processing).maxBatchBytes
  if (equality.length > 0) await readEqualityDeletes(of.metadata, io, files, equality, { rows, memoryBytes, until, reading })
  return rows
}
