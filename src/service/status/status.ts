import { currentSnapshot, type Snapshot, snapshotById, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { currentId } from '../../model/incarnation.ts'
import { type BackfillState, offsetsLeft, openBackfills } from '../../model/backfill.ts'
import { WorkError } from '../../model/failure.ts'
import type { Counted } from '../../model/health.ts'
import { decidedSets } from '../../model/progress.ts'
import type { SetAsideTask } from '../../model/set-aside-task.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { leftOutBy } from '../../spec/table-mapping.ts'
import { findTableState, type TableState } from '../../pipeline/commit/table-state.ts'
import { withTold } from '../../pipeline/plan/discover-partitions.ts'
import { type PartitionStatus, partitionStatus, unknownStatus } from './partition-status.ts'
import type { UpkeepDecision } from '../../pipeline/maintain/due-upkeep.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { heldTopics } from '../feed/settled-tables.ts'
import { refuseStrangeSource } from '../feed/source-directions.ts'
import { type TableHealth, tableHealth } from '../maintain/table-health.ts'
import { decideUpkeep, noMemory } from '../maintain/table-upkeep.ts'
import { manifestListReader } from '../verify/looked-at.ts'
import { firstWaiting } from './first-waiting.ts'
import { type KnownTable, knownTables } from './known-tables.ts'

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
  /** Records of which a value went into the rescue column, whatever became of their rows since; null where not all snapshots tell. */
  readonly rescuedRows: bigint | null
  readonly partitions: readonly PartitionStatus[]
  /** Topic-partitions of which the first waiting segment was read, a GET each, since it waits longer than it should; `stopped` tells of those. */
  readonly firstWaitingRead: number
  /** Those that wait as long and were not looked into: whether one is stopped the running service tells. */
  readonly firstWaitingNotRead: number
  /** Topics that stand still until they are resumed. */
  readonly paused: readonly string[]
  /** Those that are not ended, with the offsets that they have still to bring. */
  readonly backfills: readonly { readonly id: string; readonly topic: string; readonly state: BackfillState; readonly left: bigint }[]
  /** Files, deletes, snapshots and metadata; null where there is no table yet. */
  readonly health: TableHealth | null
  /** What a service that starts now would do for the table, and what not and why. Nothing is done for one that is stopped. */
  readonly upkeep: readonly UpkeepDecision[]
  /** Topics that meet others in this table and do not go into it, and what to do; null: none. Their topic-partitions are told as stopped. */
  readonly leftOut: { readonly topics: readonly string[]; readonly reason: string } | null
  /** Why the whole table does not go on; null where it does. */
  readonly stopped: string | null
}

/** A document's status with what is asked of others than its source and catalog. */
export interface DocumentReport extends DocumentStatus {
  /** Null: the document names no queue in Redis. */
  readonly queue: QueueStatus | { readonly away: string } | null
  /** The process that serves metrics where the document says; null: it says nothing. */
  readonly service: ServiceStatus | { readonly address: string; readonly away: string } | null
  /** By kind, what it took to know all this of source, warehouse and catalog. */
  readonly requests: Counted['requests']
}

/** What lies in the queue in Redis. */
export interface QueueStatus {
  readonly away: null
  /** Tasks that are offered and that no worker has taken, and those that are carried out. */
  readonly depth: number
  readonly active: number
  /** Requests to commit that no committer has taken. */
  readonly commits: number
  /** Tasks that were given up in the last six hours, of offsets that are not decided: the newest 100. */
  readonly setAside: readonly SetAsideTask[]
}

/** What one running process tells of itself, since it began. */
export interface ServiceStatus {
  readonly address: string
  readonly away: null
  readonly queueDepth: number
  readonly counted: Counted
}

type StatusSeams = Pick<ProcessorSeams, 'source' | 'catalog' | 'io' | 'clock'>

/** Looks at the tables and the source of a document; changes nothing. Throws what the stores and the catalog throw. */
export async function documentStatus(document: ProcessorDocument, source: SourceIdentity, seams: StatusSeams): Promise<DocumentStatus> {
  const tables: TableStatus[] = []
  for (const table of await knownTables(document, undefined, source, seams)) {
    tables.push(await tableStatus({ namespace: document.spec.sink.database.split('.'), name: table.name }, table, document, source, seams))
  }
  return { name: document.metadata.name, tables }
}

/** Whether a table or one of its topic-partitions does not go on without a person. */
export function isStopped({ tables }: DocumentStatus): boolean {
  return tables.some(({ stopped, partitions }) => stopped !== null || partitions.some((one) => one.stopped !== null))
}

async function tableStatus(
  table: { namespace: readonly string[]; name: string },
  discovered: KnownTable,
  document: ProcessorDocument,
  source: SourceIdentity,
  seams: StatusSeams,
): Promise<TableStatus> {
  const { spec } = document
  const name = [...table.namespace, table.name].join('.')
  const loaded = await seams.catalog.loadTable(table)
  const { state, stopped } =
    loaded === null ? { state: null, stopped: null } : await stateOrStop(name, loaded.metadata, discovered.partitions, source, seams)
  const { partitions, mapping, leftOut } = state === null ? discovered : withoutRefused(discovered, document, state, source)
  const out = leftOut?.partitions ?? []
  const snapshot = loaded === null ? null : currentSnapshot(loaded.metadata)
  const rows = snapshot?.summary['total-records']
  const dataFiles = Number(snapshot?.summary['total-data-files'] ?? 0)
  const lastCommitMs = (loaded === null ? undefined : lastOfOurs(loaded.metadata, state))?.['timestamp-ms'] ?? null
  // Of a table that is stopped it is not known what the source's offsets mean to it.
  const told = state === null ? partitions : withTold(partitions, decidedOf(state, source), spec.source.topics)
  const all = told.filter(({ topic }) => leftOut?.topics.includes(topic) !== true)
  const listed = new Set(partitions)
  const waiting =
    loaded === null || state === null ? null : firstWaiting(name, loaded.metadata, state, mapping, document, source, seams.source)
  const known =
    stopped === null
      ? await Promise.all(all.map((at) => partitionStatus(at, state, source, listed.has(at), waiting, seams)))
      : all.map((at) => unknownStatus(at, state, source, listed.has(at)))
  const left = await Promise.all(out.map((at) => partitionStatus(at, state, source, true, null, seams)))
  const found = [...known, ...left.map((at) => ({ ...at, stopped: leftOut!.reason }))]
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
    rescuedRows: state?.rescuedRows ?? null,
    partitions: found,
    firstWaitingRead: waiting?.read ?? 0,
    firstWaitingNotRead: waiting?.notRead ?? 0,
    paused: state?.requests.pause ?? [],
    backfills: state === null ? [] : backfillsOf(state, source.id),
    health: loaded === null ? null : await tableHealth(loaded.metadata, spec.processing.targetFileSizeBytes, seams.io),
    upkeep:
      loaded === null || stopped !== null ? [] : decideUpkeep(loaded.metadata, spec, seams.catalog.profile, noMemory, seams.clock.now()),
    leftOut: leftOut === null ? null : { topics: leftOut.topics, reason: leftOut.reason },
    stopped,
  }
}

/** Topics that there are now do not go into a table that has others, which the source may have no more. */
function withoutRefused(
  discovered: KnownTable,
  document: ProcessorDocument,
  { progress }: TableState,
  source: SourceIdentity,
): Pick<KnownTable, 'partitions' | 'mapping' | 'leftOut'> {
  const { partitions, mapping } = discovered
  const refused = leftOutBy(document, discovered, heldTopics(document, progress, source))
  return refused === null ? discovered : { partitions: [], mapping, leftOut: { ...refused, partitions } }
}

/** Topic-partitions of which the table has decided something, in the log that the source has now. */
function decidedOf({ progress }: TableState, source: SourceIdentity): TopicPartition[] {
  const id = currentId(progress, source.id)
  return decidedSets(progress).flatMap((set) => (set.source === id ? [set.at] : []))
}

function backfillsOf({ requests, progress }: TableState, sourceId: string): TableStatus['backfills'] {
  const own = currentId(progress, sourceId)
  const open = openBackfills(requests.backfills, progress, own)
  return open.map((one) => ({ id: one.id, topic: one.topic, state: one.state, left: offsetsLeft(one, progress, own) }))
}

async function stateOrStop(
  name: string,
  metadata: TableMetadata,
  partitions: readonly TopicPartition[],
  source: SourceIdentity,
  seams: StatusSeams,
): Promise<{ state: TableState | null; stopped: string | null }> {
  let state: TableState | null = null
  try {
    state = await findTableState(name, metadata, manifestListReader(seams.io))
    await refuseStrangeSource(state, source, partitions, name, seams.source)
    return { state, stopped: null }
  } catch (error) {
    // A store that does not answer stops no table: it is asked again.
    if (!(error instanceof WorkError) || error.retry !== 'never') throw error
    return { state, stopped: error.message }
  }
}

function lastOfOurs(metadata: TableMetadata, state: TableState | null): Snapshot | undefined {
  return state?.newest == null ? undefined : snapshotById(metadata, state.newest['snapshot-id'])
}
