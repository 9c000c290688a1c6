import type { DataFile, ManifestEntry, ManifestFile } from './data-file.ts'
import type { PartitionSpec } from './partition-spec.ts'
import { summarizePartitionField } from './partition-summary.ts'
import { partitionTypes } from './partition-type.ts'
import type { Schema } from './schema.ts'

/** Sequence number of a manifest whose snapshot is not committed yet: the manifest list that names it gives it its own. */
export const unassignedSequenceNumber = -1n

/** What the row of a manifest list needs to know of an entry. */
export interface SummarizedEntry extends Pick<ManifestEntry, 'status' | 'sequenceNumber'> {
  readonly dataFile: Pick<DataFile, 'partition' | 'recordCount'>
}

export interface WrittenManifest {
  readonly path: string
  /** Of the file, bytes. */
  readonly length: bigint
  readonly spec: PartitionSpec
  readonly schema: Schema
  readonly content: 0 | 1
  /** The snapshot that adds the manifest. */
  readonly snapshotId: bigint
  /** Null: that of the snapshot, which is known when its manifest list is written. */
  readonly sequenceNumber: bigint | null
  readonly entries: readonly SummarizedEntry[]
}

/**
 * The row of a manifest list for a manifest (table specification, "Manifest Lists"). The smallest sequence number is that of the
 * live entries; where all of them inherit theirs, it is the manifest's own. Partitions are summarized all or, which is optional, not at all.
 */
export function summarizeManifest(manifest: WrittenManifest): ManifestFile {
  const { entries } = manifest
  const sequenceNumber = manifest.sequenceNumber ?? unassignedSequenceNumber
  const known = entries.flatMap((entry) => (entry.status !== 2 && entry.sequenceNumber !== null ? [entry.sequenceNumber] : []))
  const counts = ([0, 1, 2] as const).map((status) => {
    const files = entries.filter((entry) => entry.status === status)
    return { files: files.length, rows: files.reduce((sum, entry) => sum + entry.dataFile.recordCount, 0n) }
  })
  const [existing, added, deleted] = counts
  const partitions = partitionTypes(manifest.schema, manifest.spec).map((type, field) =>
    summarizePartitionField(
      type,
      entries.map((entry) => entry.dataFile.partition[field]),
    ),
  )
  return {
    manifestPath: manifest.path,
    manifestLength: manifest.length,
    partitionSpecId: manifest.spec['spec-id'],
    content: manifest.content,
    sequenceNumber,
    minSequenceNumber: known.reduce((smallest, number) => (smallest < 0n || number < smallest ? number : smallest), sequenceNumber),
    addedSnapshotId: manifest.snapshotId,
    addedFilesCount: added.files,
    existingFilesCount: existing.files,
    deletedFilesCount: deleted.files,
    addedRowsCount: added.rows,
    existingRowsCount: existing.rows,
    deletedRowsCount: deleted.rows,
    ...(partitions.every((summary) => summary !== null) && { partitions }),
  }
}
