import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import { ListingHints } from '../../pipeline/plan/listing-hints.ts'
import type { CatalogProfile } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { declaredBackfills } from '../backfill/resolve-backfill.ts'
import { type HistoryTable, historyOptions, serveBackfills } from '../backfill/table-history.ts'
import { TableUpkeep, type UpkeepTurns } from '../maintain/table-upkeep.ts'
import type { Limits } from '../tasks/limits.ts'
import { Turns } from '../tasks/turns.ts'
import type { Definitions } from './commit-loop.ts'
import { type Commits, remoteCommits, toldOf } from './commits.ts'
import type { Discovery } from './discovery.ts'
import type { DocumentWatch } from './document-watch.ts'
import { inTurn } from './in-turn.ts'
import type { OpenedTable } from './opened-table.ts'
import { TailPlanner } from './planner.ts'
import type { ProcessorSeams } from './processor-seams.ts'
import { TableFeed } from './table-feed.ts'
import type { TopicTables } from './topic-tables.ts'
import { whenAborted } from './when-aborted.ts'

/** Expiry that is assumed where nothing says more: Iceberg's default age of snapshots. */
const shortestExpiryMs = 3_600_000
const defaultExpiryMs = 5 * 24 * 3_600_000

/** What the tables of a document are fed with. */
export interface FedDocument {
  readonly document: ProcessorDocument
  readonly source: SourceIdentity
  readonly seams: ProcessorSeams
  readonly limits: Limits
  readonly discovery: Discovery
  readonly watch: DocumentWatch
  readonly topicTables: TopicTables
  readonly upkeepTurns: UpkeepTurns
}

/**
 * Feeds a table that was opened, brings the history that was asked for, and keeps it up: until `signal` aborts, or with `once` one after the
 * other. Returns and throws as `TableFeed.run`.
 */
export async function feedTable(
  opened: OpenedTable,
  around: FedDocument,
  once: boolean,
  signal: AbortSignal,
  hurry: AbortSignal,
): Promise<boolean> {
  const { document, source, limits, topicTables, seams } = around
  const { catalog, clock, journal, meter, queue, watermarks } = seams
  const { name, identifier, mapping, metadata, target, state } = opened
  const commitIntervalMs = document.spec.processing.commitIntervalSeconds * 1000
  const watch = around.watch.table(name)
  const turn = new Turns(1)
  const context = { document, source, limits, kafkaColumns: mapping.kafkaColumns }
  const upkeep = new TableUpkeep(identifier, context, around.upkeepTurns, { ...seams, turn }, (view) => watch.upkept(view))
  const commits = toldOf(inTurn(commitsInto(opened, seams), turn), (now) => {
    upkeep.tellCommit()
    watch.seen(now)
  })
  const feed = new TableFeed(
    {
      table: name,
      commitIntervalMs,
      bounds: limits.feed,
      keepAliveMs: keepAliveMs(metadata, catalog.profile),
      once,
    },
    plannerOf(opened, around, once),
    commits,
    target,
    state,
    { queue, clock, journal, meter, watch },
  )
  const unsubscribe = watermarks?.onChange(({ topic }) => {
    if (!once && topicTables.known.get(name)?.topics.includes(topic) === true) feed.tellNews()
  })
  const partitions = () => topicTables.partitionsOf(name)
  const backfills = (stop: AbortSignal) => serveHistory(opened, commits, around, once, () => feed.state, stop)
  const upkeepEnds = new AbortController()
  const upkeeping = once ? Promise.resolve() : upkeep.run(upkeepEveryMs(commitIntervalMs), AbortSignal.any([signal, upkeepEnds.signal]))
  try {
    if (once) {
      const done = (await feed.run(partitions, signal, hurry)) && (await backfills(signal))
      await upkeep.lookAfterCommits(AbortSignal.any([signal, hurry]))
      return done
    }
    const ended = new AbortController()
    const beside = backfills(AbortSignal.any([signal, ended.signal]))
    // What stops the one stops the other: the table is opened again for both.
    beside.catch(() => ended.abort())
    const fed = await feed.run(partitions, AbortSignal.any([signal, ended.signal]), hurry).finally(() => ended.abort())
    await beside
    return fed
  } finally {
    upkeepEnds.abort()
    await Promise.race([upkeeping, whenAborted(hurry)])
    unsubscribe?.()
  }
}

function plannerOf(
  { name, committer, definitions }: OpenedTable,
  { document, source, seams, limits, discovery, watch }: FedDocument,
  once: boolean,
): TailPlanner {
  const { clock, journal, meter, watermarks } = seams
  const { startAt, graceSeconds } = document.spec.source
  return new TailPlanner(
    {
      sourceId: committer.sourceId,
      prefix: source.prefix,
      table: name,
      definitions,
      startAt,
      graceMs: graceSeconds * 1000,
      maxBatchBytes: limits.maxBatchBytes,
      pack: limits.pack,
      once,
    },
    {
      source: seams.source,
      journal,
      meter,
      watch: watch.table(name),
      isLate: (at) => discovery.isLate(at),
      ...(watermarks !== undefined && { hints: new ListingHints(watermarks, clock) }),
    },
  )
}

/** Made here, or by the processes that commit. */
function commitsInto({ name, committer, metadata }: OpenedTable, seams: ProcessorSeams): Commits {
  if (seams.commits === undefined) return committer
  return remoteCommits(committer, name, { ...definitionsOf(metadata), sourceId: committer.sourceId }, seams.commits, seams)
}

function definitionsOf(metadata: TableMetadata): Definitions {
  const { 'table-uuid': uuid, 'current-schema-id': schema, 'default-spec-id': spec } = metadata
  return { 'table-uuid': uuid, 'current-schema-id': schema, 'default-spec-id': spec }
}

function serveHistory(
  { name, committer, newCommitter, definitions, target }: OpenedTable,
  commits: Commits,
  { document, source, seams, limits, watch, topicTables }: FedDocument,
  once: boolean,
  known: () => TableState,
  signal: AbortSignal,
): Promise<boolean> {
  const { spec } = document
  const history: HistoryTable = {
    table: name,
    sourceId: committer.sourceId,
    definitions,
    target,
    commits,
    async changeRequests(change) {
      const asked = await newCommitter().changeRequests(change)
      watch.table(name).seen(asked)
      return asked
    },
    async changeState(change) {
      const changed = await newCommitter().changeState(change)
      watch.table(name).seen(changed)
      return changed
    },
  }
  return serveBackfills(
    history,
    (topicTables.known.get(name)?.topics ?? []).flatMap((topic) => declaredBackfills(spec.backfill ?? [], topic)),
    { ...historyOptions(limits), maxBatchBytes: limits.maxBatchBytes, once },
    known,
    () => topicTables.partitionsOf(name),
    { ...seams, source: { store: seams.source, prefix: source.prefix, graceMs: spec.source.graceSeconds * 1000 } },
    signal,
  )
}

/** A quarter of what may be left of our newest snapshot: it is renewed by then. */
function keepAliveMs({ properties }: TableMetadata, { snapshotExpiryMs }: CatalogProfile): number {
  const configured = Number(properties?.['history.expire.max-snapshot-age-ms'])
  const expiryMs = configured > 0 ? Math.max(configured, shortestExpiryMs) : defaultExpiryMs
  return Math.min(expiryMs, snapshotExpiryMs ?? Infinity) / 4
}

/** Upkeep looks after about twenty commits: more often costs more than it saves. */
function upkeepEveryMs(commitIntervalMs: number): number {
  return Math.min(Math.max(20 * commitIntervalMs, 60_000), 600_000)
}
