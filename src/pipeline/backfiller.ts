import { currentSnapshot, type TableMetadata } from '../formats/iceberg/table-metadata.ts'
import { type Backfill, isEnded } from '../model/backfill.ts'
import { DocumentError, WorkError } from '../model/failure.ts'
import { currentIncarnation } from '../model/incarnation.ts'
import type { TopicPartition } from '../model/topic-partition.ts'
import type { TableIdentifier } from '../seams/catalog.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import { type Money, moneyOf, type Prices } from './backfill/bill.ts'
import { resolveLayout } from './commit/resolve-layout.ts'
import type { TableState } from './commit/table-state.ts'
import { carryOutTasks } from './carry-out-tasks.ts'
import { TableCommitter } from './committer.ts'
import { type DiscoveredTable, discoverTables } from './discover-tables.ts'
import type { HistoryOutcome, HistoryReport } from './history-feed.ts'
import { type HistoryOutlook, historyOutlook } from './history-outlook.ts'
import { limitsOf } from './limits.ts'
import type { ProcessorSeams, SourceIdentity } from './processor.ts'
import { type BackfillWish, resolveBackfill } from './resolve-backfill.ts'
import { carryOutBackfill, historyOptions, type HistoryTable, withAsked, withState } from './table-history.ts'
import { taskTarget } from './worker.ts'

/** What a wish means in a table, and what it would take. */
export interface BackfillBill extends HistoryOutlook {
  readonly id: string
  /** With its namespace: `analytics.orders`. */
  readonly table: string
  readonly topic: string
  /** The offsets of each partition. */
  readonly ranges: Backfill['ranges']
  readonly money: Money
  /** Topic-partitions of which the tail has read nothing yet: history begins where the tail does. */
  readonly notBegun: readonly TopicPartition[]
}

export interface BackfillBounds {
  /** Tasks at once; at most one fewer than `parallelism`. */
  readonly workers?: number
  readonly bytesPerSecond?: number
  readonly requestsPerSecond?: number
}

/** Backfills one topic of a document into its table. */
export class Backfiller {
  readonly #document: ProcessorDocument
  readonly #source: SourceIdentity
  readonly #seams: ProcessorSeams
  readonly #table: HistoryTable
  readonly #name: string
  readonly #partitions: readonly TopicPartition[]
  readonly #metadata: TableMetadata
  readonly #options: ReturnType<typeof historyOptions>
  #state: TableState

  private constructor(
    document: ProcessorDocument,
    source: SourceIdentity,
    seams: ProcessorSeams,
    bounds: BackfillBounds,
    found: { table: HistoryTable; name: string; partitions: readonly TopicPartition[]; metadata: TableMetadata; state: TableState },
  ) {
    this.#document = document
    this.#source = source
    this.#seams = seams
    this.#table = found.table
    this.#name = found.name
    this.#partitions = found.partitions
    this.#metadata = found.metadata
    this.#state = found.state
    this.#options = historyOptions(limitsOf(document.spec.processing), bounds)
  }

  /** Opens the table of a topic; null where the document has no such topic. Throws a WorkError where the table is not there or is stopped. */
  static async open(
    document: ProcessorDocument,
    topic: string,
    bounds: BackfillBounds,
    source: SourceIdentity,
    seams: ProcessorSeams,
  ): Promise<Backfiller | null> {
    const tables = await discoverTables(document, source, seams.source)
    const discovered = tables.find(({ topics }) => topics.includes(topic))
    if (discovered === undefined) return null
    return new Backfiller(document, source, seams, bounds, await openTable(document, discovered, source, seams))
  }

  /** The backfills that the table remembers. */
  get backfills(): readonly Backfill[] {
    return this.#state.requests.backfills
  }

  /** What is wanted, and its cost; nothing is changed. Throws a DocumentError for partitions that are not there, and what the store throws. */
  async bill(wish: BackfillWish, by: Backfill['by'], prices: Prices): Promise<{ bill: BackfillBill; backfill: Backfill }> {
    const { prefix } = this.#source
    const { maxBatchBytes, targetFileSizeBytes, pack } = limitsOf(this.#document.spec.processing)
    const { sourceId } = this.#table
    const resolveSeams = { store: this.#seams.source, prefix, sourceId, maxBatchBytes }
    const { backfill, notBegun } = await resolveBackfill(wish, by, this.#partitions, this.#state, resolveSeams)
    const outlook = await historyOutlook(backfill, this.#state, this.#history, {
      sourceId,
      pack: this.#options.pack,
      workers: this.#options.workers,
      commitBytes: this.#options.commitBytes,
      targetFileSizeBytes,
      putsPerCommit: this.#document.spec.sink.catalog.type === 'sql' ? 2 : 1,
      rowBytes: rowBytesOf(this.#metadata),
    })
    const money = moneyOf(outlook.work, prices, pack.parallelism)
    return {
      backfill,
      bill: { ...outlook, id: backfill.id, table: this.#name, topic: wish.topic, ranges: backfill.ranges, money, notBegun },
    }
  }

  get #history() {
    const { prefix } = this.#source
    return { store: this.#seams.source, prefix, graceMs: this.#document.spec.source.graceSeconds * 1000 }
  }

  /** Writes the request into the table. What the table has of it already, is kept. */
  async ask(backfill: Backfill): Promise<void> {
    this.#state = await this.#table.changeRequests((requests) => withAsked(requests, backfill))
  }

  /** Carries out a backfill that was asked for, in this process unless `elsewhere`: then by whoever takes its tasks from the queue. */
  async carryOut(
    backfill: Backfill,
    elsewhere: boolean,
    signal: AbortSignal,
    progress: (report: HistoryReport) => void,
  ): Promise<{ outcome: HistoryOutcome; report: HistoryReport }> {
    const { parallelism } = this.#document.spec.processing
    const idle = new AbortController()
    const working = elsewhere
      ? Promise.resolve()
      : carryOutTasks(Math.min(parallelism, this.#options.workers), limitsOf(this.#document.spec.processing), this.#seams, idle.signal)
    try {
      const seams = { ...this.#seams, source: this.#history }
      return await carryOutBackfill(backfill, this.#table, this.#options, this.#state, seams, signal, progress)
    } finally {
      idle.abort()
      await working
    }
  }

  /** Pauses, resumes or cancels a backfill that is not ended. Throws a DocumentError where there is none of that id. */
  async change(id: string, to: 'paused' | 'active' | 'cancelled'): Promise<Backfill> {
    const known = this.backfills.find((one) => one.id === id)
    if (known === undefined || isEnded(known)) {
      const open = this.backfills.filter((one) => !isEnded(one)).map((one) => one.id)
      const others = open.length === 0 ? 'it has none' : `it has ${open.join(', ')}`
      throw new DocumentError(`table ${this.#name} has no backfill ${id} that is not ended; ${others}`)
    }
    this.#state = await this.#table.changeRequests((requests) => withState(requests, id, to))
    return { ...known, state: to }
  }
}

async function openTable(
  document: ProcessorDocument,
  discovered: DiscoveredTable,
  source: SourceIdentity,
  seams: ProcessorSeams,
): Promise<{ table: HistoryTable; name: string; partitions: readonly TopicPartition[]; metadata: TableMetadata; state: TableState }> {
  const { name, mapping, partitions } = discovered
  const identifier: TableIdentifier = { namespace: document.spec.sink.database.split('.'), name }
  const loaded = await seams.catalog.loadTable(identifier)
  const full = [...identifier.namespace, name].join('.')
  if (loaded === null) {
    const message = `table ${full} is not there yet: run the service first, which makes it and says where history ends and the tail begins`
    throw new WorkError(message, { retry: 'never' })
  }
  const { metadata } = loaded
  const newCommitter = () => new TableCommitter(source.id, identifier, document.metadata.name, metadata, seams)
  const committer = newCommitter()
  const { state } = await committer.load()
  const onError = mapping.onError === 'skip' ? 'skip' : 'stop'
  const layout = resolveLayout(committer.name, metadata, mapping, currentIncarnation(state.progress, source.id))
  const definitions = `${metadata['table-uuid']} ${metadata['current-schema-id']} ${metadata['default-spec-id']} ${onError}`
  const table: HistoryTable = {
    table: name,
    sourceId: committer.sourceId,
    definitions,
    target: taskTarget(metadata, layout, onError),
    commits: committer,
    changeRequests: (change) => newCommitter().changeRequests(change),
  }
  return { table, name: full, partitions, metadata, state }
}

/** Rows that tell a mean. */
const enoughRows = 1000

function rowBytesOf(metadata: TableMetadata): number | null {
  const summary = currentSnapshot(metadata)?.summary
  const [rows, bytes] = [Number(summary?.['total-records']), Number(summary?.['total-files-size'])]
  return rows >= enoughRows && bytes > 0 ? bytes / rows : null
}
