import { createHash } from 'node:crypto'
import type { ManifestFile } from '../../formats/iceberg/data-file.ts'
import { readManifestList, writeManifestList } from '../../formats/iceberg/manifest-list.ts'
import { assignRowIds } from '../../formats/iceberg/row-ids.ts'
import { snapshotSummary } from '../../formats/iceberg/snapshot-summary.ts'
import { metadataDirectory } from '../../formats/iceberg/table-location.ts'
import { type Snapshot, snapshotById, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import type { TableRequirement, TableUpdate } from '../../formats/iceberg/table-update.ts'
import { WorkError } from '../../model/failure.ts'
import { hasIncarnations } from '../../model/incarnation.ts'
import { isEmpty } from '../../model/requests.ts'
import type { Retraction } from '../../model/retraction.ts'
import { encodeSpeed } from '../../model/speed.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { FileIO } from '../../seams/file-io.ts'
import { carryManifests } from './carry-manifests.ts'
import type { FileChange } from './file-change.ts'
import { encodeFrontiers, encodeProgress } from './progress-text.ts'
import { encodeRequests } from './requests-text.ts'
import { formatVersion, incarnationsVersion, maxSummaryProgressBytes, notesVersion, summaryKeys } from './summary-keys.ts'
import type { TableState } from './table-state.ts'
import { type ManifestWriting, syncMarker, versionOf, writeAdded } from './write-manifests.ts'

/** What a snapshot of ours says, and the files that it changes. */
export interface SnapshotContents extends Omit<TableState, 'snapshotId' | 'newest'> {
  readonly processorName: string
  readonly commitId: string
  readonly change: FileChange
}

export interface BuiltCommit {
  readonly snapshot: Snapshot
  readonly requirements: readonly TableRequirement[]
  readonly updates: readonly TableUpdate[]
  /** The manifests of the new files. What their entries do not say they inherit, so another attempt on another parent can name them again. */
  readonly newManifests: readonly ManifestFile[]
}

interface Surroundings {
  readonly io: FileIO
  readonly entropy: Entropy
  readonly nowMs: number
  readonly propertiesInCommit: boolean
}

/**
 * Writes the manifests and the manifest list of a snapshot on top of the current one of main, and says what to commit. Nothing
 * is committed here: until the catalog accepts, the files written are orphans that no reader sees.
 * `reuse`: the manifests of the same new files from an attempt that met a conflict.
 */
export async function buildSnapshot(
  metadata: TableMetadata,
  parentId: bigint | null,
  contents: SnapshotContents,
  reuse: readonly ManifestFile[] | null,
  around: Surroundings,
): Promise<BuiltCommit> {
  const parent = parentId === null ? null : parentOf(metadata, parentId)
  const snapshotId = newSnapshotId(metadata, around.entropy)
  const { change } = contents
  const writing: ManifestWriting = { metadata, snapshotId, io: around.io, entropy: around.entropy }
  const newManifests = reuse ?? (await writeAdded(writing, change.added))
  const carried =
    parent === null ? { manifests: [], removed: [] } : await carryManifests(writing, await manifestsOf(parent, around.io), change)
  const all = [...newManifests.map((manifest) => ({ ...manifest, addedSnapshotId: snapshotId })), ...carried.manifests]
  const { manifests, rowLineage } = assignRowIds(metadata, all)

  const progress = encodeProgress(contents.progress)
  const inline = Buffer.byteLength(progress) <= maxSummaryProgressBytes
  const sequenceNumber = metadata['last-sequence-number'] + 1n
  const manifestList = `${metadataDirectory(metadata)}/snap-${snapshotId}-1-${contents.commitId}-${around.entropy.uuid()}.avro`
  const listBytes = writeManifestList({
    manifests,
    snapshotId,
    parentSnapshotId: parentId,
    sequenceNumber,
    formatVersion: versionOf(metadata),
    metadata: {
      [summaryKeys.frontiers]: encodeFrontiers(contents.frontiers),
      ...(contents.leftOut.size === 0 ? {} : { [summaryKeys.leftOut]: encodeProgress(contents.leftOut) }),
      ...(contents.skipped === null ? {} : { [summaryKeys.skipped]: encodeProgress(contents.skipped) }),
      ...(contents.control.size === 0 ? {} : { [summaryKeys.control]: encodeProgress(contents.control) }),
      ...(contents.accepted.size === 0 ? {} : { [summaryKeys.accepted]: encodeProgress(contents.accepted) }),
      ...retractionKeys(contents.retraction),
      ...(inline ? {} : { [summaryKeys.progress]: progress }),
    },
    syncMarker: syncMarker(around.entropy),
  })
  await around.io.write(manifestList, [listBytes])

  const snapshot: Snapshot = {
    'snapshot-id': snapshotId,
    ...(parentId === null ? {} : { 'parent-snapshot-id': parentId }),
    'sequence-number': sequenceNumber,
    // Readers take history by time: a snapshot must not seem older than its parent, whatever this machine's clock says.
    'timestamp-ms': Math.max(around.nowMs, (parent?.['timestamp-ms'] ?? -1) + 1, metadata['last-updated-ms']),
    'manifest-list': manifestList,
    summary: snapshotSummary({
      operation: change.operation,
      parent,
      added: change.added.map(({ file }) => file),
      removed: carried.removed,
      extra: summaryOf(contents, progress, inline),
    }),
    'schema-id': metadata['current-schema-id'],
    ...rowLineage,
  }
  return {
    snapshot,
    newManifests,
    requirements: [
      { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': parentId },
    ],
    updates: [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', ...keptRefSettings(metadata), 'snapshot-id': snapshotId },
      ...(around.propertiesInCommit ? [{ action: 'set-properties', updates: copyOf(metadata, progress, contents) } as const] : []),
    ],
  }
}

function retractionKeys(retraction: Retraction | null): Record<string, string> {
  if (retraction === null) return {}
  return { [summaryKeys.retracted]: encodeProgress(retraction.offsets), [summaryKeys.retractedUpTo]: String(retraction.upTo) }
}

/** The copy in the properties, for when history is expired back to before our newest snapshot. */
function copyOf(metadata: TableMetadata, progress: string, contents: SnapshotContents): Record<string, string> {
  const { requests, accepted, leftOut } = contents
  const version = progressVersion(contents)
  // What stood there once is overwritten, also by nothing.
  const stood = (key: string) => metadata.properties?.[key] !== undefined
  return {
    [summaryKeys.progress]: progress,
    ...((version !== formatVersion || stood(summaryKeys.version)) && { [summaryKeys.version]: version }),
    ...((!isEmpty(requests) || stood(summaryKeys.requests)) && { [summaryKeys.requests]: encodeRequests(requests) }),
    ...((leftOut.size > 0 || stood(summaryKeys.leftOut)) && { [summaryKeys.leftOut]: encodeProgress(leftOut) }),
    ...((accepted.size > 0 || stood(summaryKeys.accepted)) && { [summaryKeys.accepted]: encodeProgress(accepted) }),
  }
}

/** The oldest version whose readers carry all of this on. */
function progressVersion({ progress, accepted, leftOut, retraction }: SnapshotContents): string {
  if (accepted.size > 0 || leftOut.size > 0 || retraction !== null) return notesVersion
  return hasIncarnations(progress) ? incarnationsVersion : formatVersion
}

function summaryOf(contents: SnapshotContents, progress: string, inline: boolean): Record<string, string> {
  return {
    [summaryKeys.version]: progressVersion(contents),
    [summaryKeys.name]: contents.processorName,
    [summaryKeys.commitId]: contents.commitId,
    ...(contents.watermarkMs === null ? {} : { [summaryKeys.watermarkMs]: String(contents.watermarkMs) }),
    ...(contents.rescuedRows === null ? {} : { [summaryKeys.rescuedRows]: String(contents.rescuedRows) }),
    ...(contents.speed === null ? {} : { [summaryKeys.speed]: encodeSpeed(contents.speed) }),
    ...(isEmpty(contents.requests) ? {} : { [summaryKeys.requests]: encodeRequests(contents.requests) }),
    ...(inline
      ? { [summaryKeys.progress]: progress }
      : {
          [summaryKeys.progressIn]: 'manifest-list',
          [summaryKeys.progressSha256]: createHash('sha256').update(progress).digest('hex'),
        }),
  }
}

/** Whoever set the retention of the branch main keeps it. */
function keptRefSettings(metadata: TableMetadata): object {
  const { 'snapshot-id': _replaced, type: _type, ...settings } = metadata.refs?.main ?? { 'snapshot-id': 0n, type: 'branch' }
  return settings
}

async function manifestsOf(parent: Snapshot, io: FileIO): Promise<ManifestFile[]> {
  return [...readManifestList(await io.read(parent['manifest-list'])).manifests]
}

/** Without the parent's manifest list a commit would drop every file of the table. */
function parentOf(metadata: TableMetadata, id: bigint): Snapshot {
  const parent = snapshotById(metadata, id)
  if (parent === undefined)
    throw new WorkError(`${metadata.location}: snapshot ${id} is current, and the metadata does not have it`, { retry: 'later' })
  return parent
}

function newSnapshotId(metadata: TableMetadata, entropy: Entropy): bigint {
  for (;;) {
    const id = entropy.int63()
    if (id > 0n && snapshotById(metadata, id) === undefined) return id
  }
}
