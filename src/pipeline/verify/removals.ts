import type { ManifestFile } from '../../formats/iceberg/data-file.ts'
import type { Snapshot } from '../../formats/iceberg/table-metadata.ts'
import { intersectRanges, type OffsetRanges, subtractRanges } from '../../model/offset-range.ts'
import type { FileIO } from '../../seams/file-io.ts'
import { type DeleteFile, deleteFile, type KafkaColumns, manifestEntries, type TableFile, tableFile } from './table-files.ts'

/** What the snapshots of a history took out. */
export interface RemovedFiles {
  /** Data files that are no longer in the table; `snapshot` is the one that removed them. */
  readonly files: readonly TableFile[]
  readonly deletes: readonly DeleteFile[]
}

/**
 * Reads from the manifests of a history, newest snapshot first, what each of its snapshots removed. Snapshots whose summary says that
 * they only added are passed over; those whose files are gone are, too, since then nobody knows any more.
 */
export async function removedFiles(
  history: readonly Snapshot[],
  columns: KafkaColumns,
  io: FileIO,
  manifestsOf: (snapshot: Snapshot) => Promise<readonly ManifestFile[] | null>,
): Promise<RemovedFiles> {
  const files: TableFile[] = []
  const deletes: DeleteFile[] = []
  for (const snapshot of history) {
    if (onlyAdds(snapshot)) continue
    const id = snapshot['snapshot-id']
    const own = (await manifestsOf(snapshot))?.filter(
      ({ addedSnapshotId, content, deletedFilesCount }) => addedSnapshotId === id && (content === 1 || deletedFilesCount > 0),
    )
    for await (const one of manifestEntries(io, own ?? [])) {
      const { snapshotId, status, dataFile } = one.entry
      if (snapshotId !== id) continue
      if (dataFile.content === 0 && status === 2) files.push(tableFile(one, columns))
      if (dataFile.content !== 0 && status === 1) deletes.push(deleteFile(one, columns))
    }
  }
  return { files, deletes }
}

function onlyAdds({ summary }: Snapshot): boolean {
  const counts = ['deleted-data-files', 'added-delete-files', 'deleted-records']
  return summary['operation'] === 'append' && counts.every((key) => (summary[key] ?? '0') === '0')
}

/** Rows that were in a file and are no longer in the table. */
export interface RemovedRows {
  readonly ranges: OffsetRanges
  /** The sequence number with which the file came. */
  readonly sequence: bigint
  /** The snapshot that removed the rows. */
  readonly snapshot: bigint | null
}

/**
 * Which snapshot removed rows that are not in the table: of all files that had a row, the one that came last had it last, and the first
 * snapshot that took it from there removed it. `null`: what nothing tells of.
 *
 * @param orderOf a snapshot's place in the history: lower is earlier
 */
export function attribute(
  missing: OffsetRanges,
  removals: readonly RemovedRows[],
  orderOf: (snapshot: bigint) => number,
): Map<bigint | null, OffsetRanges> {
  const order = ({ snapshot }: RemovedRows) => (snapshot === null ? -1 : orderOf(snapshot))
  const latest = removals.toSorted((a, b) => (a.sequence === b.sequence ? order(a) - order(b) : a.sequence < b.sequence ? 1 : -1))
  const found = new Map<bigint | null, OffsetRanges>()
  let left = missing
  for (const { ranges, snapshot } of latest) {
    const removed = intersectRanges(left, ranges)
    if (removed.length === 0) continue
    found.set(snapshot, [...(found.get(snapshot) ?? []), ...removed])
    left = subtractRanges(left, removed)
    if (left.length === 0) break
  }
  if (left.length > 0) found.set(null, [...(found.get(null) ?? []), ...left])
  return found
}
