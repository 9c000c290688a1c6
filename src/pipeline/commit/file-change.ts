import type { DataFile } from '../../formats/iceberg/data-file.ts'

/** A data file that a snapshot brings into the table. */
export interface AddedFile {
  readonly file: DataFile
  /** The partition spec that its partition follows. */
  readonly specId: number
  /** The data sequence number that it carries, which is older than the snapshot; null: it inherits the snapshot's. */
  readonly sequenceNumber: bigint | null
}

/** What a snapshot does to a table's files. */
export interface FileChange {
  /** Table specification, "Snapshots": `replace` changes files and no row, `delete` removes rows alone. */
  readonly operation: 'append' | 'replace' | 'overwrite' | 'delete'
  readonly added: readonly AddedFile[]
  /** Live files, of data or deletes, to take out: their keys (`fileKey`), by the path of the manifest of the parent that has them. */
  readonly removed: ReadonlyMap<string, ReadonlySet<string>>
  /** Whether manifests are written again, few and by partition, whatever the files. */
  readonly clusters?: true
}

/** What stays as it is while something else is said of the table. */
export const noFiles: FileChange = { operation: 'append', added: [], removed: new Map() }

/** New files of rows that the table did not have. */
export function appended(files: readonly DataFile[], specId: number): FileChange {
  return { ...noFiles, added: files.map((file) => ({ file, specId, sequenceNumber: null })) }
}
