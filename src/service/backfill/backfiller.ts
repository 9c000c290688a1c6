import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { type Backfill, isEnded } from '../../model/backfill.ts'
import { DocumentError, WorkError } from '../../model/failure.ts'
import { currentId, currentIncarnation, parseIncarnation } from '../../model/incarnation.ts'
import { noRequests } from '../../model/requests.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { Catalog, LoadedTable, TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { leftOutBy, type TopicMapping } from '../../spec/table-mapping.ts'
import { type Money, moneyOf, type Prices } from '../../pipeline/backfill/bill.ts'
import { checkTableName } from '../../pipeline/commit/profile-checks.ts'
import { encodeRequests } from '../../pipeline/commit/requests-text.ts'
import { resolveLayout } from '../../pipeline/commit/resolve-layout.ts'
import { emptyState, type TableState } from '../../pipeline/commit/table-state.ts'
import { carryOutTasks, lookOnce } from '../tasks/carry-out-tasks.ts'
import { type StartMark, TableCommitter, withMarks } from '../feed/committer.ts'
import { createTable, decideTableValue, needsSample } from '../feed/create-table.ts'
import { type KnownTable, knownTables } from '../status/known-tables.ts'
import type { HistoryOutcome, HistoryReport } from './history-report.ts'
import { type HistoryOutlook, historyOutlook, outlookOptions } from './history-outlook.ts'
import { type Limits, limitsOf } from '../tasks/limits.ts'
import { TailPlanner } from '../feed/planner.ts'
import { refuseUnknownRows } from '../feed/refuse-unknown-rows.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import { heldTopics } from '../feed/settled-tables.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { onBranch } from './branch-catalog.ts'
import { type Rebuild, rebuildBranch } from './rebuild.ts'
import { type BackfillWish, resolveBackfill } from './resolve-backfill.ts'
import { carryOutBackfill, historyOptions, type HistoryTable, withAsked, withState } from './table-history.ts'
import { definitionsText } from '../tasks/task-codec.ts'
import { taskTarget, treatmentOf } from '../tasks/worker.ts'

/** What a wish means in a table, and what it would take. */
export interface BackfillBill extends HistoryOutlook {
  readonly id: string
  /** With its namespace: `analytics.orders`. */
  readonly table: string
  readonly topic: string
  /** The topic's own table, where this is another one. */
  readonly besides: string | null
  /** The branch of the table that it goes to, to take main's place; null: main. */
  readonly branch: string | null
  /** The offsets of each partition. */
  readonly ranges: Backfill['ranges']
  readonly money: Money
  /** Topic-partitions of which the tail has read nothing yet: history begins where the tail does. */
  readonly notBegun: readonly TopicPartition[]
  /** Topic-partitions of which nothing is brought, since nothing of them lies between the bounds. */
  readonly outside: readonly TopicPartition[]
}

export interface BackfillBounds {
  /** Tasks at once; at most one fewer than `parallelism`. */
  readonly workers?: number
  readonly bytesPerSecond?: number
  readonly requestsPerSecond?: number
}

/** Where history goes: the table that the topic feeds; another one, or, for a rebuild, a branch of it (another one where the catalog has no branches), which begin where the log ends now. */
export type Where = { readonly kind: 'live' } | { readonly kind: 'table'; readonly name: string } | { readonly kind: 'rebuild' }

interface Place {
  readonly topic: string
  readonly identifier: TableIdentifier
  /** Of that table, or of its branch. */
  readonly catalog: Catalog
  /** Null: main. */
  readonly branch: string | null
  /** As in `BackfillBill`. */
  readonly besides: string | null
  readonly mapping: TopicMapping
  readonly partitions: readonly TopicPartition[]
  /** Null: the table is not there yet. */
  readonly metadata: TableMetadata | null
  /** Where the tail of another table would begin; not in the table yet. */
  readonly marks: readonly StartMark[]
  /** As it will be once the marks are in the table. */
  readonly state: TableState
}

/** Backfills one topic of a document into its table, or into another one. */
export class Backfiller {
  readonly #document: ProcessorDocument
  readonly #source: SourceIdentity
  readonly #seams: ProcessorSeams
  readonly #place: Place
  readonly #limits: Limits
  readonly #options: ReturnType<typeof historyOptions>
  #state: TableState
  #table: HistoryTable | null = null

  private constructor(document: ProcessorDocument, source: SourceIdentity, seams: ProcessorSeams, bounds: BackfillBounds, place: Place) {
    this.#document = document
    this.#source = source
    this.#seams = { ...seams, catalog: place.catalog }
    this.#place = place
    this.#state = place.state
    this.#limits = limitsOf(document.spec.processing)
    this.#options = historyOptions(this.#limits, bounds)
  }

  /**
   * Opens the table of a topic, or another one, which need not be there; null where the document has no such topic. Throws a WorkError where the
   * topic's table is not there or is stopped, and a DocumentError where the other one is a table of the document.
   */
  static async open(
    document: ProcessorDocument,
    topic: string,
    where: Where,
    bounds: BackfillBounds,
    source: SourceIdentity,
    seams: ProcessorSeams,
  ): Promise<Backfiller | null> {
    const tables = await knownTables(document, undefined, source, seams)
    const out = tables.find(({ leftOut }) => leftOut?.topics.includes(topic))
    if (out !== undefined) throw new WorkError(out.leftOut!.reason, { retry: 'never' })
    const discovered = tables.find(({ topics }) => topics.includes(topic))
    if (discovered === undefined) return null
    if (where.kind === 'table' && tables.some(({ name }) => name.toLowerCase() === where.name.toLowerCase())) {
      throw new DocumentError(`--into: ${where.name} is a table of the document already; name another one, or leave --into out`)
    }
    if (where.kind === 'rebuild' && discovered.topics.length > 1) {
      throw new DocumentError(
        `--rebuild: table ${discovered.name} has several topics (${discovered.topics.join(', ')}); use --into for each`,
      )
    }
    // A rebuild where tables have no branches: in a table beside it.
    const isBeside = where.kind === 'rebuild' && seams.catalog.profile.branches === false
    const place: Where = isBeside ? { kind: 'table', name: `${discovered.name}_rebuilt` } : where
    return new Backfiller(document, source, seams, bounds, await findPlace(document, discovered, topic, place, source, seams))
  }

  /** What is to take main's place when it is done; null: nothing. */
  get rebuild(): Rebuild | null {
    const { identifier, branch, topic } = this.#place
    return branch === null ? null : { identifier, branch, topic }
  }

  /** The backfills that the table remembers. */
  get backfills(): readonly Backfill[] {
    return this.#state.requests.backfills
  }

  get #name(): string {
    const { namespace, name } = this.#place.identifier
    return [...namespace, name].join('.')
  }

  get #sourceId(): string {
    return currentId(this.#state.progress, this.#source.id)
  }

  get #history() {
    return { store: this.#seams.source, prefix: this.#source.prefix, graceMs: this.#document.spec.source.graceSeconds * 1000 }
  }

  /** What is wanted, and its cost; nothing is changed. Throws a DocumentError for partitions that are not there, and what the store throws. */
  async bill(wish: BackfillWish, by: Backfill['by'], prices: Prices): Promise<{ bill: BackfillBill; backfill: Backfill }> {
    const { maxBatchBytes } = this.#limits
    const { partitions, metadata, mapping } = this.#place
    const sourceId = this.#sourceId
    const resolveSeams = { store: this.#seams.source, prefix: this.#source.prefix, sourceId, maxBatchBytes }
    const { backfill, notBegun, outside } = await resolveBackfill(wish, by, partitions, this.#state, resolveSeams)
    const makes = metadata !== null ? 'nothing' : needsSample(mapping) ? 'table by sample' : 'table'
    const { requests } = this.#state
    const isAsked = encodeRequests(withAsked(requests, backfill)) === encodeRequests(requests)
    // Where the tail would begin, what is asked for, that it is done, and of a rebuild that it takes main's place.
    const emptyCommits = [this.#place.marks.length > 0, !isAsked, true, this.#place.branch !== null].filter(Boolean).length
    const options = outlookOptions(this.#document, this.#options, sourceId, metadata, { emptyCommits, makes })
    const outlook = await historyOutlook(backfill, this.#state, this.#history, options)
    const money = moneyOf(outlook.work, prices, this.#limits.pack.parallelism)
    return {
      backfill,
      bill: {
        ...outlook,
        id: backfill.id,
        table: this.#name,
        topic: wish.topic,
        besides: this.#place.besides,
        branch: this.#place.branch,
        ranges: backfill.ranges,
        money,
        notBegun,
        outside,
      },
    }
  }

  /** Writes the request into the table, which is made where it is not there. */
  async ask(backfill: Backfill): Promise<void> {
    const table = await this.#opened()
    if (this.#place.marks.length > 0) await table.commits.commit([], this.#place.marks)
    this.#state = await table.changeRequests((requests) => withAsked(requests, backfill))
  }

  /** Carries out a backfill that was asked for, with all that the table has under its id. Its tasks are whoever's who takes them from the queue, this process among them. */
  async carryOut(
    backfill: Backfill,
    signal: AbortSignal,
    progress: (report: HistoryReport) => void,
  ): Promise<{ outcome: HistoryOutcome; report: HistoryReport }> {
    const idle = new AbortController()
    const working = carryOutTasks(this.#options.workers, this.#limits, this.#taskSeams, idle.signal)
    try {
      const seams = { ...this.#seams, source: this.#history }
      const asked = this.backfills.find((one) => one.id === backfill.id && !isEnded(one)) ?? backfill
      return await carryOutBackfill(asked, await this.#opened(), this.#options, this.#state, seams, signal, progress)
    } finally {
      idle.abort()
      await working
    }
  }

  /** From a shared queue come tasks of other tables too. */
  get #taskSeams() {
    return { ...this.#seams, look: lookOnce(this.#seams.catalog, this.#place.identifier.namespace) }
  }

  /** Pauses, resumes or cancels a backfill that is not ended. Throws a DocumentError where there is none of that id. */
  async change(id: string, to: 'paused' | 'active' | 'cancelled'): Promise<Backfill> {
    const known = this.backfills.find((one) => one.id === id)
    if (known === undefined || isEnded(known)) {
      const open = this.backfills.filter((one) => !isEnded(one)).map((one) => one.id)
      const others = open.length === 0 ? 'it has none' : `it has ${open.join(', ')}`
      throw new DocumentError(`table ${this.#name} has no backfill ${id} that is not ended; ${others}`)
    }
    this.#state = await (await this.#opened()).changeRequests((requests) => withState(requests, id, to))
    return { ...known, state: to }
  }

  async #opened(): Promise<HistoryTable> {
    this.#table ??= await this.#open()
    return this.#table
  }

  async #open(): Promise<HistoryTable> {
    const { identifier, mapping } = this.#place
    const metadata = this.#place.metadata ?? (await this.#create()).metadata
    // One for all: another would have it build on what it loaded before, and meet a conflict.
    const commits = new TableCommitter(this.#source.id, identifier, this.#document.metadata.name, metadata, this.#seams)
    const { state } = await commits.load()
    const treatment = treatmentOf(this.#document, mapping)
    const layout = resolveLayout(commits.name, metadata, mapping, currentIncarnation(state.progress, this.#source.id))
    return {
      table: identifier.name,
      sourceId: commits.sourceId,
      definitions: definitionsText(metadata, treatment),
      target: taskTarget(metadata, layout, treatment),
      commits,
      changeRequests: (change) => commits.changeRequests(change),
      changeState: (change) => commits.changeState(change),
    }
  }

  async #create(): Promise<LoadedTable> {
    const { identifier, mapping, partitions } = this.#place
    const value = await decideTableValue(this.#document, this.#source, identifier.name, mapping, partitions, this.#seams.source)
    if (!('readyInMs' in value)) return createTable(this.#document, identifier, mapping, value, noRequests, this.#seams)
    const message = `table ${this.#name} can not be made yet, since no record tells what its columns are: say value.format or value.columns in the document`
    throw new WorkError(message, { retry: 'later' })
  }
}

async function findPlace(
  document: ProcessorDocument,
  discovered: KnownTable,
  topic: string,
  where: Where,
  source: SourceIdentity,
  seams: ProcessorSeams,
): Promise<Place> {
  const { name, mapping, partitions, topics } = discovered
  const identifier: TableIdentifier = {
    namespace: document.spec.sink.database.split('.'),
    name: where.kind === 'table' ? where.name : name,
  }
  checkTableName(identifier, seams.catalog.profile)
  const full = [...identifier.namespace, identifier.name].join('.')
  const found = await seams.catalog.loadTable(identifier)
  const branch = where.kind === 'rebuild' && found !== null ? rebuildBranch(found.metadata, seams.clock.now()) : null
  const catalog = branch === null ? seams.catalog : onBranch(seams.catalog, branch)
  const isBegun = branch === null ? found !== null : found?.metadata.refs?.[branch.name] !== undefined
  if (where.kind !== 'live' && partitions.length === 0 && !isBegun) {
    throw new WorkError(`the source has no segment of topic ${topic} any more: nothing can be made anew from it`, { retry: 'never' })
  }
  const loaded = branch === null ? found : await catalog.loadTable(identifier)
  if (loaded === null && where.kind !== 'table') {
    const message = `table ${full} is not there yet: run the service first, which makes it and says where history ends and the tail begins`
    throw new WorkError(message, { retry: 'never' })
  }
  const metadata = loaded?.metadata ?? null
  const state =
    metadata === null
      ? emptyState
      : (await new TableCommitter(source.id, identifier, document.metadata.name, metadata, { ...seams, catalog }).load()).state
  const refused = where.kind === 'table' ? null : leftOutBy(document, discovered, heldTopics(document, state.progress, source))
  if (refused !== null) throw new WorkError(refused.reason, { retry: 'never' })
  if (branch !== null && found !== null) {
    refuseMoved(full, branch.name, state, source)
    const main = await new TableCommitter(source.id, identifier, document.metadata.name, found.metadata, seams).look(found.metadata)
    refuseRestarted(full, isBegun ? branch.name : null, main, source)
  }
  if (metadata !== null) await refuseUnknownRows(full, metadata, mapping, partitions, seams.io)
  const place = { topic, identifier, catalog, branch: branch?.name ?? null, mapping, metadata }
  if (where.kind === 'live') return { ...place, besides: null, partitions, marks: [], state }
  const own = partitions.filter((at) => (topics.length > 1 ? at.topic === topic : true))
  const marks = await marksAtEnd(document, own, state, source, seams)
  return {
    ...place,
    besides: where.kind === 'table' ? [...identifier.namespace, name].join('.') : null,
    partitions: own,
    marks,
    state: withMarks(state, marks, currentId(state.progress, source.id)),
  }
}

/** A branch that was begun before its source moved knows it by its old name: everything would come onto it a second time. */
function refuseMoved(table: string, branch: string, { progress }: TableState, source: SourceIdentity): void {
  const known = [...new Set([...progress.keys()].map((id) => parseIncarnation(id).source))]
  if (known.length === 0 || known.includes(source.id)) return
  throw new WorkError(
    `table ${table}: its branch ${branch} was begun from ${known.join(', ')}, before the source moved to ${source.id}, and can not go on from there. ` +
      `Drop it (Spark: ALTER TABLE ${table} DROP BRANCH ${branch}); the same command then begins the rebuild anew`,
    { retry: 'never' },
  )
}

/** What main has of a log that was restarted is in no segment any more, so that no branch can get it. `branch`: one that was begun. */
function refuseRestarted(table: string, branch: string | null, { progress }: TableState, source: SourceIdentity): void {
  if (currentIncarnation(progress, source.id) === 1) return
  const begun =
    branch === null
      ? ''
      : ` Its branch ${branch}, which was begun before, can not take its place: drop it (Spark: ALTER TABLE ${table} DROP BRANCH ${branch}).`
  throw new WorkError(
    `table ${table}: the log of ${source.id} was restarted, and main has rows of the log before, which a rebuild can not bring again.${begun} ` +
      'backfill --into brings what the source has now into another table',
    { retry: 'never' },
  )
}

/** Where the tail of a table would begin that is to have everything up to now from a backfill: behind the newest segments. */
async function marksAtEnd(
  document: ProcessorDocument,
  partitions: readonly TopicPartition[],
  state: TableState,
  source: SourceIdentity,
  seams: ProcessorSeams,
): Promise<readonly StartMark[]> {
  const { pack, maxBatchBytes } = limitsOf(document.spec.processing)
  const planner = new TailPlanner(
    {
      sourceId: currentId(state.progress, source.id),
      prefix: source.prefix,
      table: '',
      definitions: '',
      startAt: 'latest',
      graceMs: document.spec.source.graceSeconds * 1000,
      maxBatchBytes,
      pack,
    },
    { source: seams.source, journal: seams.journal, meter: seams.meter },
  )
  const sourceId = currentId(state.progress, source.id)
  const unknown = partitions.filter(({ topic, partition }) => state.progress.get(sourceId)?.get(topic)?.has(partition) !== true)
  // By the state, those that came after the others would have no start but their beginning, as new ones of a tail; nobody feeds this table, or not yet.
  return unknown.length === 0 ? [] : (await planner.plan(unknown, emptyState)).marks
}
