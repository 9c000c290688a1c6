import { readManifestList } from '../formats/iceberg/manifest-list.ts'
import { currentSnapshot, type Snapshot, snapshotById, type TableMetadata } from '../formats/iceberg/table-metadata.ts'
import { parseSegmentFileName, segmentKey } from '../formats/kfs/segment-key.ts'
import { WorkError } from '../model/failure.ts'
import { endOf, holesOf, intersectRanges, maxOffset, type OffsetRange, type OffsetRanges, subtractRanges } from '../model/offset-range.ts'
import { currentId } from '../model/incarnation.ts'
import { decidedRanges } from '../model/progress.ts'
import { frontierOf } from '../model/segment.ts'
import type { TopicPartition } from '../model/topic-partition.ts'
import type { ObjectInfo, ObjectStore } from '../seams/object-store.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import { tablesFor } from '../spec/table-mapping.ts'
import { findTableState, type TableState } from './commit/table-state.ts'
import { discoverPartitions } from './plan/discover-partitions.ts'
import { listSegments } from './plan/list-segments.ts'
import type { ProcessorSeams, SourceIdentity } from './processor.ts'

/** How far one document's tables have come. */
export interface DocumentStatus {
  /** The document's name. */
  readonly name: string
  readonly tables: readonly TableStatus[]
}

/** One table, and what its progress says of each topic-partition. */
export interface TableStatus {
  /** With its namespace: `analytics.orders`. */
  readonly table: string
  /** Whether the catalog has it yet. */
  readonly exists: boolean
  /** Null while there is none. */
  readonly snapshotId: bigint | null
  readonly lastCommitMs: number | null
  readonly secondsSinceLastCommit: number | null
  /** Age of the oldest record that is not in the table, from when its segment was written; null where none waits. */
  readonly oldestUnmaterializedRecordAgeSeconds: number | null
  /** Of its data files, by the newest snapshot; null where that does not tell or there are none. */
  readonly meanDataFileBytes: number | null
  /** Event time up to which the table is complete, ms; null where no record told one. */
  readonly watermarkMs: number | null
  /** Null where the table does not tell. */
  readonly rows: bigint | null
  readonly partitions: readonly PartitionStatus[]
  /** Topics that stand still until they are resumed. */
  readonly paused: readonly string[]
  /** Why the whole table does not go on; null where it does. */
  readonly stopped: string | null
}

/** One topic-partition: what is decided, and what is left in the source. */
export interface PartitionStatus {
  readonly topic: string
  readonly partition: number
  /** The first offset that is not decided; null before anything is. */
  readonly next: bigint | null
  /** One past the highest offset that the source is known to have: a hint from its listing; null where that tells none. */
  readonly endOffset: bigint | null
  /** What is not decided yet. Null: not known. */
  readonly lagOffsets: bigint | null
  readonly lagSegments: number | null
  readonly lagBytes: number | null
  readonly lagSeconds: number | null
  /** Not materialized yet, between offsets that are. */
  readonly holes: OffsetRanges
  /** Missing in the source. */
  readonly gaps: OffsetRanges
  /** The last segment that was decided whole; null where none was. */
  readonly frontierKey: string | null
}

type StatusSeams = Pick<ProcessorSeams, 'source' | 'catalog' | 'io' | 'clock'>

/** Looks at the tables and the source of a document; changes nothing. Throws what the stores and the catalog throw. */
export async function documentStatus(document: ProcessorDocument, source: SourceIdentity, seams: StatusSeams): Promise<DocumentStatus> {
  const found = await discoverPartitions(seams.source, source.prefix, document.spec.source.topics)
  const mapped = tablesFor(document, new Set(found.map(({ topic }) => topic)))
  const tables: TableStatus[] = []
  for (const [name, { topics }] of mapped) {
    const partitions = found.filter(({ topic }) => topics.includes(topic))
    tables.push(await tableStatus({ namespace: document.spec.sink.database.split('.'), name }, partitions, source, seams))
  }
  return { name: document.metadata.name, tables }
}

async function tableStatus(
  table: { namespace: readonly string[]; name: string },
  partitions: readonly TopicPartition[],
  source: SourceIdentity,
  seams: StatusSeams,
): Promise<TableStatus> {
  const name = [...table.namespace, table.name].join('.')
  const loaded = await seams.catalog.loadTable(table)
  const { state, stopped } = loaded === null ? { state: null, stopped: null } : await stateOrStop(name, loaded.metadata, seams)
  const snapshot = loaded === null ? null : currentSnapshot(loaded.metadata)
  const rows = snapshot?.summary['total-records']
  const dataFiles = Number(snapshot?.summary['total-data-files'] ?? 0)
  const lastCommitMs = (loaded === null ? undefined : lastOfOurs(loaded.metadata, state))?.['timestamp-ms'] ?? null
  const found = await Promise.all(partitions.map((at) => partitionStatus(at, state, source, seams)))
  const ages = found.flatMap(({ lagSegments, lagSeconds }) => (lagSegments && lagSeconds !== null ? [lagSeconds] : []))
  return {
    table: name,
    exists: loaded !== null,
    snapshotId: snapshot?.['snapshot-id'] ?? null,
    lastCommitMs,
    secondsSinceLastCommit: lastCommitMs === null ? null : Math.max(0, Math.round((seams.clock.now() - lastCommitMs) / 1000)),
    oldestUnmaterializedRecordAgeSeconds: ages.length === 0 ? null : ages.reduce((oldest, age) => Math.max(oldest, age)),
    meanDataFileBytes: dataFiles > 0 ? Math.round(Number(snapshot?.summary['total-files-size']) / dataFiles) : null,
    watermarkMs: state?.watermarkMs ?? null,
    rows: rows === undefined ? null : BigInt(rows),
    partitions: found,
    paused: state?.requests.pause ?? [],
    stopped,
  }
}

async function stateOrStop(
  name: string,
  metadata: TableMetadata,
  seams: StatusSeams,
): Promise<{ state: TableState | null; stopped: string | null }> {
  try {
    const state = await findTableState(name, metadata, async (snapshot) => {
      try {
        return readManifestList(await seams.io.read(snapshot['manifest-list']))
      } catch {
        return null
      }
    })
    return { state, stopped: null }
  } catch (error) {
    if (!(error instanceof WorkError)) throw error
    return { state: null, stopped: error.message }
  }
}

function lastOfOurs(metadata: TableMetadata, state: TableState | null): Snapshot | undefined {
  return state?.newest == null ? undefined : snapshotById(metadata, state.newest['snapshot-id'])
}

async function partitionStatus(
  at: TopicPartition,
  state: TableState | null,
  source: SourceIdentity,
  seams: StatusSeams,
): Promise<PartitionStatus> {
  const decided = state === null ? [] : decidedRanges(state.progress, currentId(state.progress, source.id), at)
  const frontier = state === null ? null : frontierOf(state.frontiers, currentId(state.progress, source.id), at)
  const missing = holesOf(decided)
  const from = missing.length > 0 ? missing[0][0] : (frontier?.baseOffset ?? null)
  const bounds = { maxBytes: Infinity, maxObjects: Infinity }
  const segments = segmentsIn((await listSegments(seams.source, source.prefix, at, from, bounds)).objects)
  const newest = segments.at(-1)
  const endOffset = newest === undefined ? (endOf(decided) ?? null) : await endHint(seams.source, newest)
  const spans = segments.map(({ baseOffset }, i): OffsetRange => [
    baseOffset,
    maxOffset(baseOffset, segments[i + 1]?.baseOffset ?? endOffset ?? baseOffset),
  ])
  const left = segments.filter(
    (segment, i) => segment.baseOffset > (frontier?.baseOffset ?? -1n) && subtractRanges([spans[i]], decided).length > 0,
  )
  const holes = missing.filter((hole) => intersectRanges([hole], spans).length > 0)
  const oldestMs = left.reduce((oldest, { object }) => Math.min(oldest, object.lastModifiedMs), Infinity)
  return {
    topic: at.topic,
    partition: at.partition,
    next: endOf(decided) ?? null,
    endOffset,
    lagOffsets: left.length === 0 || endOffset === null ? 0n : maxOffset(0n, endOffset - (endOf(decided) ?? left[0].baseOffset)),
    lagSegments: left.length,
    lagBytes: left.reduce((sum, { object }) => sum + object.size, 0),
    lagSeconds: left.length === 0 ? 0 : Math.max(0, Math.round((seams.clock.now() - oldestMs) / 1000)),
    holes,
    gaps: missing.filter((range) => !holes.includes(range)),
    frontierKey: frontier === null ? null : segmentKey(source.prefix, at, frontier.baseOffset, 'kfs'),
  }
}

function segmentsIn(objects: readonly ObjectInfo[]): { baseOffset: bigint; object: ObjectInfo }[] {
  return objects.flatMap((object) => {
    const name = parseSegmentFileName(object.key.slice(object.key.lastIndexOf('/') + 1))
    return name?.extension === 'kfs' ? [{ baseOffset: name.baseOffset, object }] : []
  })
}

/** One past the last offset that the newest segment's footer tells (bytes 4 to 12 of its 16); its base offset where that can not be believed. */
async function endHint(store: ObjectStore, { baseOffset, object }: { baseOffset: bigint; object: ObjectInfo }): Promise<bigint> {
  if (object.size < 16) return baseOffset
  const footer = await store.get(object.key, { range: { start: object.size - 16, end: object.size } }).catch(() => null)
  const lastOffset = footer === null ? -1n : new DataView(footer.buffer, footer.byteOffset, footer.length).getBigInt64(4)
  return lastOffset >= baseOffset ? lastOffset + 1n : baseOffset
}
