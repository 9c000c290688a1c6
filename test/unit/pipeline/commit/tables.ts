import { writeManifestList, readManifestList, type ManifestList } from '../../../../src/formats/iceberg/manifest-list.ts'
import type { Snapshot, SnapshotReference, TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import { normalizeRanges, type OffsetRange } from '../../../../src/model/offset-range.ts'
import { type Progress, progressOf } from '../../../../src/model/progress.ts'
import { encodeProgress } from '../../../../src/pipeline/commit/progress-text.ts'
import { formatVersion, summaryKeys } from '../../../../src/pipeline/commit/summary-keys.ts'
import { at } from '../../service/segments.ts'

export const source = 's3://bucket/'

/** Progress of the one topic-partition of these tests. */
export function decided(...ranges: (readonly [number, number])[]): Progress {
  const bigs = ranges.map(([start, end]): OffsetRange => [BigInt(start), BigInt(end)])
  return progressOf([{ source, at, ranges: normalizeRanges(bigs) }])
}

/** A snapshot that somebody else made. */
export function foreign(id: number, parent: number | null, more: Partial<Snapshot> = {}): Snapshot {
  return {
    'snapshot-id': BigInt(id),
    ...(parent === null ? {} : { 'parent-snapshot-id': BigInt(parent) }),
    'sequence-number': BigInt(id),
    'timestamp-ms': 1_000 * id,
    'manifest-list': `memory:/list-${id}.avro`,
    summary: { operation: 'append' },
    ...more,
  }
}

/** A snapshot of ours that carries this progress. */
export function ours(id: number, parent: number | null, progress: Progress, summary: Record<string, string> = {}): Snapshot {
  return foreign(id, parent, {
    summary: {
      operation: 'append',
      [summaryKeys.version]: formatVersion,
      [summaryKeys.commitId]: `commit-${id}`,
      [summaryKeys.progress]: encodeProgress(progress),
      ...summary,
    },
  })
}

/** A table with these snapshots, of which the last is the current one unless `current` names another. */
export function tableWith(
  snapshots: readonly Snapshot[],
  more: {
    current?: number | null
    properties?: Record<string, string>
    refs?: Record<string, SnapshotReference>
  } & Partial<TableMetadata> = {},
): TableMetadata {
  const { current = snapshots.length === 0 ? null : Number(snapshots.at(-1)!['snapshot-id']), refs, ...rest } = more
  const main: Record<string, SnapshotReference> = current === null ? {} : { main: { 'snapshot-id': BigInt(current), type: 'branch' } }
  return {
    'format-version': 2,
    'table-uuid': '11111111-1111-4111-8111-111111111111',
    location: 'memory:/orders',
    'last-sequence-number': BigInt(snapshots.length),
    'last-updated-ms': 1_000 * snapshots.length,
    'last-column-id': 1,
    schemas: [{ type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'offset', required: true, type: 'long' }] }],
    'current-schema-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    'default-spec-id': 0,
    'last-partition-id': 999,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': 0,
    'current-snapshot-id': current === null ? null : BigInt(current),
    snapshots,
    refs: { ...main, ...refs },
    ...rest,
  }
}

/** A manifest list without manifests and with this metadata, as it is read. */
export function listWith(metadata: Record<string, string>): ManifestList {
  const snapshot = { snapshotId: 1n, parentSnapshotId: null, sequenceNumber: 1n, formatVersion: 2 as const }
  return readManifestList(writeManifestList({ manifests: [], ...snapshot, metadata, syncMarker: new Uint8Array(16) }))
}
