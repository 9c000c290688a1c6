import { createHash } from 'node:crypto'
import type { DataFile, ManifestEntry, ManifestFile, SingleValue } from '../../formats/iceberg/data-file.ts'
import { readManifest, writeManifest } from '../../formats/iceberg/manifest.ts'
import { readManifestList, writeManifestList } from '../../formats/iceberg/manifest-list.ts'
import { mergeEntries, mergeOptions, planManifestMerge } from '../../formats/iceberg/merge-manifests.ts'
import type { PartitionSpec } from '../../formats/iceberg/partition-spec.ts'
import { findField } from '../../formats/iceberg/primitive-type.ts'
import type { Schema } from '../../formats/iceberg/schema.ts'
import { appendSummary } from '../../formats/iceberg/snapshot-summary.ts'
import { summarizeManifest } from '../../formats/iceberg/summarize-manifest.ts'
import { metadataDirectory } from '../../formats/iceberg/table-location.ts'
import { currentSchema, defaultSpec, type Snapshot, snapshotById, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import type { TableRequirement, TableUpdate } from '../../formats/iceberg/table-update.ts'
import { WorkError } from '../../model/failure.ts'
import { hasIncarnations } from '../../model/incarnation.ts'
import type { Progress } from '../../model/progress.ts'
import { isEmpty, type Requests } from '../../model/requests.ts'
import type { Retraction } from '../../model/retraction.ts'
import type { Frontiers } from '../../model/segment.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { FileIO } from '../../seams/file-io.ts'
import { expiredSnapshots } from './expire-snapshots.ts'
import { encodeFrontiers, encodeProgress } from './progress-text.ts'
import { encodeRequests } from './requests-text.ts'
import { formatVersion, incarnationsVersion, maxSummaryProgressBytes, summaryKeys } from './summary-keys.ts'

/** What a snapshot of ours says beside its files. */
export interface SnapshotContents {
  readonly processorName: string
  readonly commitId: string
  readonly files: readonly DataFile[]
  readonly progress: Progress
  readonly frontiers: Frontiers
  readonly watermarkMs: number | null
  readonly rescuedRows: bigint | null
  readonly requests: Requests
  /** Offsets without a row that were accepted as such. */
  readonly accepted: Progress
  readonly retraction: Retraction | null
}

export interface BuiltCommit {
  readonly snapshot: Snapshot
  readonly requirements: readonly TableRequirement[]
  readonly updates: readonly TableUpdate[]
  /** The manifest of the new files. Its entries inherit, so another attempt on another parent can name it again. */
  readonly newManifest: ManifestFile | null
}

interface Surroundings {
  readonly io: FileIO
  readonly entropy: Entropy
  readonly nowMs: number
  readonly propertiesInCommit: boolean
}

/**
 * Writes the manifests and the manifest list of an append on top of the current snapshot of main, and says what to commit. Nothing
 * is committed here: until the catalog accepts, the files written are orphans that no reader sees.
 * `reuse`: the manifest of the same files from an attempt that met a conflict.
 */
export async function buildSnapshot(
  metadata: TableMetadata,
  parentId: bigint | null,
  contents: SnapshotContents,
  reuse: ManifestFile | null,
  around: Surroundings,
): Promise<BuiltCommit> {
  const parent = parentId === null ? null : parentOf(metadata, parentId)
  const snapshotId = newSnapshotId(metadata, around.entropy)
  const existing = parent === null ? [] : await manifestsOf(parent, around.io)
  const newManifest = contents.files.length === 0 ? null : (reuse ?? (await writeNewManifest(metadata, snapshotId, contents, around)))
  const manifests = await mergeExisting(metadata, snapshotId, existing, around)
  if (newManifest !== null) manifests.unshift({ ...newManifest, addedSnapshotId: snapshotId })

  const progress = encodeProgress(contents.progress)
  const inline = Buffer.byteLength(progress) <= maxSummaryProgressBytes
  const sequenceNumber = metadata['last-sequence-number'] + 1n
  const manifestList = `${metadataDirectory(metadata)}/snap-${snapshotId}-1-${contents.commitId}-${around.entropy.uuid()}.avro`
  const listBytes = writeManifestList({
    manifests,
    snapshotId,
    parentSnapshotId: parentId,
    sequenceNumber,
    formatVersion: 2,
    metadata: {
      [summaryKeys.frontiers]: encodeFrontiers(contents.frontiers),
      ...(contents.accepted.size === 0 ? {} : { [summaryKeys.accepted]: encodeProgress(contents.accepted) }),
      ...retractionKeys(contents.retraction),
      ...(inline ? {} : { [summaryKeys.progress]: progress }),
    },
    syncMarker: marker(around.entropy),
  })
  await around.io.write(manifestList, [listBytes])

  const snapshot: Snapshot = {
    'snapshot-id': snapshotId,
    ...(parentId === null ? {} : { 'parent-snapshot-id': parentId }),
    'sequence-number': sequenceNumber,
    // Readers take history by time: a snapshot must not seem older than its parent, whatever this machine's clock says.
    'timestamp-ms': Math.max(around.nowMs, (parent?.['timestamp-ms'] ?? -1) + 1, metadata['last-updated-ms']),
    'manifest-list': manifestList,
    summary: appendSummary({
      parent,
      added: {
        files: contents.files.length,
        records: contents.files.reduce((sum, file) => sum + file.recordCount, 0n),
        bytes: contents.files.reduce((sum, file) => sum + file.fileSizeInBytes, 0n),
        partitions: countPartitions(contents.files),
      },
      extra: summaryOf(contents, progress, inline),
    }),
    'schema-id': metadata['current-schema-id'],
  }
  const expired = expiredSnapshots(metadata, around.nowMs)
  return {
    snapshot,
    newManifest,
    requirements: [
      { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': parentId },
    ],
    updates: [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', ...keptRefSettings(metadata), 'snapshot-id': snapshotId },
      ...(expired.length === 0 ? [] : [{ action: 'remove-snapshots', 'snapshot-ids': expired } as const]),
      ...(around.propertiesInCommit ? [{ action: 'set-properties', updates: copyOf(metadata, progress, contents.requests) } as const] : []),
    ],
  }
}

function retractionKeys(retraction: Retraction | null): Record<string, string> {
  if (retraction === null) return {}
  return { [summaryKeys.retracted]: encodeProgress(retraction.offsets), [summaryKeys.retractedUpTo]: String(retraction.upTo) }
}

/** The copy in the properties, for when history is expired back to before our newest snapshot. */
function copyOf(metadata: TableMetadata, progress: string, requests: Requests): Record<string, string> {
  const asked = !isEmpty(requests) || metadata.properties?.[summaryKeys.requests] !== undefined
  return { [summaryKeys.progress]: progress, ...(asked ? { [summaryKeys.requests]: encodeRequests(requests) } : {}) }
}

function summaryOf(contents: SnapshotContents, progress: string, inline: boolean): Record<string, string> {
  return {
    [summaryKeys.version]: hasIncarnations(contents.progress) ? incarnationsVersion : formatVersion,
    [summaryKeys.name]: contents.processorName,
    [summaryKeys.commitId]: contents.commitId,
    ...(contents.watermarkMs === null ? {} : { [summaryKeys.watermarkMs]: String(contents.watermarkMs) }),
    ...(contents.rescuedRows === null ? {} : { [summaryKeys.rescuedRows]: String(contents.rescuedRows) }),
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

async function writeNewManifest(
  metadata: TableMetadata,
  snapshotId: bigint,
  contents: SnapshotContents,
  around: Surroundings,
): Promise<ManifestFile> {
  const entries = contents.files.map((dataFile): ManifestEntry => ({
    status: 1,
    snapshotId: null,
    sequenceNumber: null,
    fileSequenceNumber: null,
    dataFile,
  }))
  return writeOne(metadata, snapshotId, defaultSpec(metadata)['spec-id'], entries, around)
}

async function mergeExisting(
  metadata: TableMetadata,
  snapshotId: bigint,
  existing: readonly ManifestFile[],
  around: Surroundings,
): Promise<ManifestFile[]> {
  const plan = planManifestMerge(existing, mergeOptions(metadata.properties ?? {}))
  const merged: ManifestFile[] = []
  for (const group of plan.merge) {
    const read = await Promise.all(
      group.map(async (manifest) => readManifest(await around.io.read(manifest.manifestPath), manifest).entries),
    )
    merged.push(await writeOne(metadata, snapshotId, group[0].partitionSpecId, mergeEntries(read, snapshotId), around))
  }
  return [...merged, ...plan.keep]
}

async function writeOne(
  metadata: TableMetadata,
  snapshotId: bigint,
  specId: number,
  entries: readonly ManifestEntry[],
  around: Surroundings,
): Promise<ManifestFile> {
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === specId)
  if (spec === undefined)
    throw new WorkError(`${metadata.location}: a manifest names partition spec ${specId}, which the table does not have`, {
      retry: 'never',
    })
  const schema = schemaFor(metadata, spec)
  const path = `${metadataDirectory(metadata)}/${around.entropy.uuid()}-m0.avro`
  const bytes = writeManifest({ schema, spec, content: 0, formatVersion: 2, entries, syncMarker: marker(around.entropy) })
  await around.io.write(path, [bytes])
  return summarizeManifest({ path, length: BigInt(bytes.length), spec, schema, content: 0, snapshotId, sequenceNumber: null, entries })
}

/** The current schema, or where it lacks a source column of an old spec, the newest that has all of them. */
function schemaFor(metadata: TableMetadata, spec: PartitionSpec): Schema {
  const hasSources = ({ fields }: Schema) => spec.fields.every((field) => findField(fields, field['source-id']) !== undefined)
  const current = currentSchema(metadata)
  return hasSources(current) ? current : (metadata.schemas.findLast(hasSources) ?? current)
}

/** How many partitions files are of. */
function countPartitions(files: readonly DataFile[]): number {
  const text = (value: SingleValue) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : Object.is(value, -0) ? '-0' : String(value)
  return new Set(files.map(({ partition }) => JSON.stringify(partition.map((value) => [value === null, text(value)])))).size
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

function marker(entropy: Entropy): Uint8Array {
  return Uint8Array.from(Buffer.from(entropy.uuid().replaceAll('-', ''), 'hex'))
}
