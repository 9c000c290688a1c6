import { readManifestList } from '../../formats/iceberg/manifest-list.ts'
import { currentSnapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { stringifyJson } from '../../formats/json/exact.ts'
import type { FileIO } from '../../seams/file-io.ts'

/** What tells whether a table is in good order: by its metadata alone. Null where that does not tell. */
export interface TableHealth {
  readonly dataFiles: number | null
  readonly dataBytes: number | null
  /** As many files as the data would be at the target size. */
  readonly filesAtTarget: number | null
  readonly deleteFiles: number | null
  /** Rows that deletes take out, of all in the data files; equality deletes counted as a row each. */
  readonly deleteRatio: number | null
  readonly manifests: number | null
  readonly snapshots: number
  /** Beside main. */
  readonly branchesAndTags: number
  /** Of the metadata document, which is written anew by every commit. */
  readonly metadataBytes: number
  /** Its log: earlier documents that it names. */
  readonly metadataLog: number
}

/** Reads the manifest list of the current snapshot, and else nothing. */
export async function tableHealth(metadata: TableMetadata, targetFileSizeBytes: number, io: Pick<FileIO, 'read'>): Promise<TableHealth> {
  const snapshot = currentSnapshot(metadata)
  const total = (key: string): number | null => {
    const text = snapshot?.summary[`total-${key}`]
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null
  }
  const [dataFiles, filesSize, rows] = [total('data-files'), total('files-size'), total('records')]
  const [positions, equality] = [total('position-deletes'), total('equality-deletes')]
  return {
    dataFiles,
    dataBytes: filesSize,
    filesAtTarget: filesSize === null ? null : Math.ceil(filesSize / targetFileSizeBytes),
    deleteFiles: total('delete-files'),
    deleteRatio: rows === null || rows === 0 || positions === null || equality === null ? null : Math.min(1, (positions + equality) / rows),
    manifests: snapshot === null ? 0 : await manifestsIn(snapshot['manifest-list'], io),
    snapshots: metadata.snapshots?.length ?? 0,
    branchesAndTags: Object.keys(metadata.refs ?? {}).filter((name) => name !== 'main').length,
    metadataBytes: Buffer.byteLength(stringifyJson(metadata)),
    metadataLog: metadata['metadata-log']?.length ?? 0,
  }
}

async function manifestsIn(list: string | undefined, io: Pick<FileIO, 'read'>): Promise<number | null> {
  if (list === undefined) return null
  try {
    return readManifestList(await io.read(list)).manifests.length
  } catch {
    return null
  }
}
