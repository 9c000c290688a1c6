import type { Schema } from '../../formats/iceberg/schema.ts'
import { currentSchema, currentSnapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { fewNames } from '../../model/few-names.ts'
import { currentId, parseIncarnation } from '../../model/incarnation.ts'
import { countOffsets, type OffsetRanges } from '../../model/offset-range.ts'
import { type Progress, progressOf, unionProgress } from '../../model/progress.ts'
import { type Frontiers, withFrontier } from '../../model/segment.ts'
import { withoutRowsWith } from '../../model/without-row.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { treatmentOf } from '../tasks/worker.ts'
import type { MappedTable } from '../../spec/table-mapping.ts'
import { isGlob } from '../../spec/topic-glob.ts'
import { type AssumedPartition, type AssumeOptions, assumeFromRows } from './assume-from-rows.ts'
import { incarnationColumn } from '../../pipeline/commit/resolve-layout.ts'
import {
  abandoningRequests,
  ancestorsOf,
  emptyState,
  findTableState,
  isOurs,
  lostByRollback,
  NewerProgress,
  ourLastBeside,
  RolledBack,
  type TableState,
} from '../../pipeline/commit/table-state.ts'
import { TableCommitter } from '../feed/committer.ts'
import { settledTables } from '../feed/settled-tables.ts'
import { deduplicate, type Duplicates } from '../maintain/deduplicate.ts'
import { refuseReplacedRows } from '../feed/refuse-unknown-rows.ts'
import { kafkaColumns, manifestListReader } from '../verify/looked-at.ts'
import { discoverPartitions } from '../../pipeline/plan/discover-partitions.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { TableRewriter } from '../maintain/table-rewriter.ts'
import type { VerifySeams } from '../verify/verify-options.ts'

export interface RecoverOptions extends AssumeOptions {
  /**
   * `rows`: the progress is lost, or was never there, and the rows tell; `rollback`: the table was rolled back or replaced, and its history
   * tells; `duplicates`: rows are there more than once.
   */
  readonly from: 'rows' | 'rollback' | 'duplicates'
  /** Whether nothing is assumed where `passed` does not tell of every topic-partition that the source has: of the others all would be read. */
  readonly isPassedWhole?: boolean
  /** The one table to look at; null: all. */
  readonly table: string | null
  /** Whether what is assumed is written into the table, or what is too much removed. */
  readonly commit: boolean
}

/** Offsets of a topic-partition that a rollback took out of the table, and that would be materialized again. */
export interface LostPartition extends TopicPartition {
  readonly source: string
  readonly ranges: OffsetRanges
  readonly offsets: bigint
}

/** What would be assumed of one table, or was. */
export interface TableRecovery {
  /** With its namespace: `analytics.orders`. */
  readonly table: string
  /** Whether the catalog has it. */
  readonly exists: boolean
  /** Why nothing has to be assumed; null where something has. */
  readonly sound: string | null
  /** With `rows`. */
  readonly partitions: readonly AssumedPartition[]
  /** With `rollback`. */
  readonly lost: readonly LostPartition[]
  /** With `duplicates`; null with others. */
  readonly duplicates: Duplicates | null
  /** Whether it was written. */
  readonly done: boolean
  /** Why nothing can be said or done; null where it can. */
  readonly problem: string | null
}

/** One document's tables, recovered. */
export interface DocumentRecovery {
  /** The document's name. */
  readonly name: string
  readonly tables: readonly TableRecovery[]
}

/** Shows what would be assumed of a document's tables that stand still for want of knowing; writes it where that was confirmed. */
export async function recoverDocument(
  document: ProcessorDocument,
  source: SourceIdentity,
  seams: VerifySeams,
  options: RecoverOptions,
): Promise<DocumentRecovery> {
  const { topics } = document.spec.source
  const found = await discoverPartitions(seams.source, source.prefix, topics)
  const names = new Set([...found.map(({ topic }) => topic), ...topics.filter((topic) => !isGlob(topic))])
  const tables: TableRecovery[] = []
  const isWanted = (name: string) => options.table === null || options.table === name
  const { tables: settled, leftOut } = await settledTables(document, names, source, seams)
  for (const { table: name, reason } of leftOut) {
    if (!settled.has(name) && isWanted(name)) tables.push({ ...nothingOf([document.spec.sink.database, name].join('.')), problem: reason })
  }
  for (const [name, mapped] of settled) {
    if (!isWanted(name)) continue
    const own = found.filter(({ topic }) => mapped.topics.includes(topic))
    tables.push(await recoverTable(name, mapped, document, source, seams, options, own))
  }
  return { name: document.metadata.name, tables }
}

function nothingOf(table: string): TableRecovery {
  return { table, exists: true, sound: null, partitions: [], lost: [], duplicates: null, done: false, problem: null }
}

/** Of a table's topic-partitions those for which offsets should be given and are not. */
function untoldOf({ passed, isPassedWhole }: RecoverOptions, found: readonly TopicPartition[]): TopicPartition[] {
  return isPassedWhole === true ? found.filter(({ topic, partition }) => passed?.get(topic)?.has(partition) !== true) : []
}

async function recoverTable(
  name: string,
  mapped: MappedTable,
  document: ProcessorDocument,
  source: SourceIdentity,
  seams: VerifySeams,
  options: RecoverOptions,
  found: readonly TopicPartition[],
): Promise<TableRecovery> {
  const identifier = { namespace: document.spec.sink.database.split('.'), name }
  const table = [...identifier.namespace, name].join('.')
  const nothing = nothingOf(table)
  try {
    const loaded = await seams.catalog.loadTable(identifier)
    if (loaded === null) return { ...nothing, exists: false }
    const untold = untoldOf(options, found)
    if (untold.length > 0) {
      const names = fewNames(untold.map(topicPartitionName), 5)
      return { ...nothing, problem: `no offset is given for ${names}; give 0 for what was never read` }
    }
    const { metadata } = loaded
    const committer = new TableCommitter(source.id, identifier, document.metadata.name, metadata, seams)
    if (options.from === 'rollback') {
      const refuse = (now: TableMetadata) => refuseReplacedRows(table, now, mapped.mapping, found, seams.io)
      return { ...nothing, ...(await recoverRollback(table, metadata, committer, refuse, seams, options)) }
    }
    if (options.from === 'duplicates') {
      const rewriter = new TableRewriter(source.id, identifier, document.metadata.name, metadata, seams)
      return { ...nothing, ...(await recoverDuplicates({ table, metadata, mapped, document }, rewriter, seams, options)) }
    }
    return { ...nothing, ...(await recoverRows({ table, metadata, mapped, document, source, committer }, seams, options)) }
  } catch (error) {
    if (!(error instanceof WorkError)) throw error
    return { ...nothing, problem: error.message }
  }
}

async function recoverRollback(
  table: string,
  metadata: TableMetadata,
  committer: TableCommitter,
  refuse: (now: TableMetadata) => Promise<void>,
  { io }: VerifySeams,
  { commit }: RecoverOptions,
): Promise<Partial<TableRecovery>> {
  const read = manifestListReader(io)
  try {
    await findTableState(table, metadata, read)
    return { sound: 'it was not rolled back' }
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error
  }
  await refuse(metadata)
  const lost = await lostByRollback(table, metadata, read)
  if (commit) await committer.acceptRollback(refuse)
  return { lost: lost.map(({ source, at, ranges }) => ({ source, ...at, ranges, offsets: countOffsets(ranges) })), done: commit }
}

interface ForDuplicates {
  readonly table: string
  readonly metadata: TableMetadata
  readonly mapped: MappedTable
  readonly document: ProcessorDocument
}

async function recoverDuplicates(
  { table, metadata, mapped, document }: ForDuplicates,
  rewriter: TableRewriter,
  seams: VerifySeams,
  options: RecoverOptions,
): Promise<Partial<TableRecovery>> {
  refuseRestarted(table, metadata)
  const columns = kafkaColumns(table, metadata, mapped.mapping.kafkaColumns)
  const duplicates = await deduplicate({ table, metadata, columns, processing: document.spec.processing }, rewriter, seams, options)
  return duplicates.rows === 0n ? { sound: 'no row is there twice' } : { duplicates, done: duplicates.done }
}

interface ForRows extends ForDuplicates {
  readonly source: SourceIdentity
  readonly committer: TableCommitter
}

async function recoverRows(
  { table, metadata, mapped, document, source, committer }: ForRows,
  seams: VerifySeams,
  options: RecoverOptions,
): Promise<Partial<TableRecovery>> {
  const read = manifestListReader(seams.io)
  const base = await knownState(table, metadata, read)
  const isKnown = [...base.progress.keys()].some((id) => parseIncarnation(id).source === source.id)
  if (isKnown) return { sound: 'its progress is known' }
  const snapshot = currentSnapshot(metadata)
  if (snapshot === null) return { sound: 'it has no rows' }
  refuseRestarted(table, metadata, wayOnOf(table, metadata))
  const { mapping } = mapped
  const partitions = await assumeFromRows(
    {
      table,
      metadata,
      topics: mapped.topics,
      mapping,
      snapshot,
      history: ancestorsOf(metadata).ancestors,
      columns: kafkaColumns(table, metadata, mapping.kafkaColumns),
      source: { ...source, id: currentId(base.progress, source.id) },
      processing: document.spec.processing,
      treatment: treatmentOf(document, mapping),
      startAt: document.spec.source.startAt,
      manifestsOf: async (one) => (await read(one))?.manifests ?? null,
    },
    seams,
    options,
  )
  if (options.commit && partitions.length > 0) await commitAssumed(base, partitions, source, committer)
  return { partitions, done: options.commit && partitions.length > 0 }
}

/** Also where the column that tells the logs apart is gone: who replaced the table may have left it out. `wayOn`: what to do then. */
function refuseRestarted(table: string, { schemas }: TableMetadata, wayOn = ''): void {
  if (!schemas.some(hasIncarnationColumn)) return
  throw new WorkError(
    `table ${table}: its rows do not tell what was materialized, since its log was restarted (column ${incarnationColumn}): one offset means several records${wayOn}`,
    { retry: 'never' },
  )
}

function hasIncarnationColumn({ fields }: Schema): boolean {
  return fields.some(({ name }) => name === incarnationColumn)
}

/**
 * What to do with a table of a restarted log of which nothing tells what was materialized: where it was replaced, a snapshot beside its history
 * does. Where the column is gone it would come again with another id, under which the rows that it tells apart have nothing.
 */
function wayOnOf(table: string, metadata: TableMetadata): string {
  const last = hasIncarnationColumn(currentSchema(metadata)) ? ourLastBeside(metadata) : null
  const into = '`backfill --all --into` brings what the source has now into another table'
  if (last === null) return `. ${into}`
  const id = last['snapshot-id']
  return (
    `. Snapshot ${id} is the last one of this program, from before the table was replaced, and it tells: make it the current one again (Spark: CALL system.set_current_snapshot('${table}', ${id})), ` +
    `and change the table with DELETE, UPDATE or INSERT OVERWRITE, which keep its history. Or leave it: ${into}`
  )
}

/**
 * What the table says, of which its progress is what is missing. Throws where it was rolled back to what a snapshot of ours says, since then
 * something else is to be decided, and where a newer program wrote it.
 */
async function knownState(table: string, metadata: TableMetadata, read: ReturnType<typeof manifestListReader>): Promise<TableState> {
  try {
    return await findTableState(table, metadata, read)
  } catch (error) {
    if (error instanceof NewerProgress || !(error instanceof WorkError) || error.retry !== 'never') throw error
    const snapshotId = currentSnapshot(metadata)?.['snapshot-id'] ?? null
    // What replaced the table may have its rows all the same.
    if (error instanceof RolledBack && (snapshotId === null || ancestorsOf(metadata).ancestors.some(isOurs))) throw error
    return { ...emptyState, snapshotId, requests: abandoningRequests(table, metadata) }
  }
}

/** An empty append with what the rows tell, on top of the snapshot that was looked at and no other. */
async function commitAssumed(
  base: TableState,
  partitions: readonly AssumedPartition[],
  source: SourceIdentity,
  committer: TableCommitter,
): Promise<void> {
  const progress: Progress = progressOf(partitions.map((at) => ({ source: source.id, at, ranges: at.decided })))
  let frontiers: Frontiers = base.frontiers
  for (const at of partitions) {
    if (at.frontier === null) continue
    const { baseOffset, size, etag, lastModifiedMs } = at.frontier
    frontiers = withFrontier(frontiers, source.id, at, { baseOffset, size, etag, lastModifiedMs, maxTimestampMs: null })
  }
  const absent: Progress = progressOf(partitions.map((at) => ({ source: source.id, at, ranges: at.absent })))
  const accepted = unionProgress(base.accepted, absent)
  const decided = partitions.map((at) => ({ at, ranges: at.decided, skipped: at.skipped, control: at.control }))
  const without = withoutRowsWith(base, source.id, decided)
  const assumed: TableState = { ...base, progress: unionProgress(base.progress, progress), accepted, ...without, frontiers }
  await committer.changeState(
    async (state) => (state.snapshotId === base.snapshotId ? assumed : null),
    async (table, metadata, read) => {
      const current = currentSnapshot(metadata)
      if (current?.['snapshot-id'] === base.snapshotId) return { ...base }
      if (current !== null && isOurs(current)) return findTableState(table, metadata, read)
      throw new WorkError(
        `table ${table}: nothing was written, since another writer has committed since its rows were looked at; look again`,
        {
          retry: 'later',
        },
      )
    },
  )
}
