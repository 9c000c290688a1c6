import type { ProcessorSeams } from './processor-seams.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { currentIncarnation } from '../../model/incarnation.ts'
import type { DocumentHealth } from '../../model/health.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { MappedTable } from '../../spec/table-mapping.ts'
import { matchTopics } from '../../spec/topic-glob.ts'
import { adoptLayout } from './adopt-layout.ts'
import { type TableState } from '../../pipeline/commit/table-state.ts'
import { resolveLayout } from '../../pipeline/commit/resolve-layout.ts'
import { carryOutTasks } from '../tasks/carry-out-tasks.ts'
import { type Definitions, TableChanged } from './commit-loop.ts'
import { TableCommitter } from './committer.ts'
import { remoteCommits, toldOf } from './commits.ts'
import { Discovery } from './discovery.ts'
import { type Limits, limitsOf } from '../tasks/limits.ts'
import { ListingHints } from '../../pipeline/plan/listing-hints.ts'
import { DocumentWatch } from './document-watch.ts'
import { healthReadings } from './health-readings.ts'
import { inTurn } from './in-turn.ts'
import { refuseReplacedRows, refuseUnknownRows } from './refuse-unknown-rows.ts'
import { openTable } from './open-table.ts'
import { TailPlanner } from './planner.ts'
import { changesTables, type Directions, followDirections, noDirections, refuseStrangeSource } from './source-directions.ts'
import { definitionsText } from '../tasks/task-codec.ts'
import { TableFeed } from './table-feed.ts'
import { heldTopics } from './settled-tables.ts'
import { TopicTables } from './topic-tables.ts'
import { Turns } from '../tasks/turns.ts'
import { TableUpkeep, UpkeepTurns } from '../maintain/table-upkeep.ts'
import { type HistoryTable, historyOptions, serveBackfills } from '../backfill/table-history.ts'
import { declaredBackfills } from '../backfill/resolve-backfill.ts'
import { whenAborted } from './when-aborted.ts'
import { taskTarget, treatmentOf } from '../tasks/worker.ts'

/** How often it is looked whether there are new tables to feed, ms. */
const discoveryMs = 60_000
/** A stopped table is looked at again after this long: someone may have mended it. */
const stoppedTableMs = 300_000
/** Expiry that is assumed where nothing says more: Iceberg's default age of snapshots. */
const shortestExpiryMs = 3_600_000
const defaultExpiryMs = 5 * 24 * 3_600_000

/** Serves one document: discovers its topics, feeds each of their tables, and carries out the tasks. */
export class Processor {
  readonly #document: ProcessorDocument
  readonly #source: SourceIdentity
  readonly #seams: ProcessorSeams
  readonly #limits: Limits
  readonly #upkeepTurns: UpkeepTurns
  readonly #directions: Directions
  /** The tables that were seen, by name, each with its uuid: what comes in the place of one is not filled before somebody restarts. */
  readonly #uuids = new Map<string, string>()
  /** Tables that were opened as directed: that happens once. */
  readonly #directed = new Set<string>()
  readonly #discovery: Discovery
  readonly #watch: DocumentWatch
  readonly #topicTables: TopicTables

  constructor(document: ProcessorDocument, source: SourceIdentity, seams: ProcessorSeams, directions = noDirections) {
    this.#document = document
    this.#directions = directions
    this.#source = source
    this.#seams = seams
    this.#limits = limitsOf(document.spec.processing)
    this.#upkeepTurns = new UpkeepTurns(document.spec.processing)
    this.#discovery = new Discovery(source.prefix, document.spec.source.topics, seams)
    this.#watch = new DocumentWatch(document, source.id, seams.clock, seams)
    this.#topicTables = new TopicTables(document, source, this.#discovery, this.#watch, seams)
  }

  /** How everything does that this process does for the document. */
  health(): DocumentHealth {
    return this.#watch.health()
  }

  /**
   * Until `signal` aborts, or with `once` until all that was there at first is decided. Then what is under way is finished and committed, until
   * `hurry` aborts: the rest is given up. Returns whether nothing was stopped or given up.
   */
  async run(once: boolean, signal: AbortSignal, hurry: AbortSignal = new AbortController().signal): Promise<boolean> {
    const { clock, meter } = this.#seams
    const endWatch = meter.watch(() => healthReadings(this.health(), clock.now()))
    const workers = new AbortController()
    const working = this.#seams.commits === undefined ? this.#work(workers.signal) : Promise.resolve()
    try {
      return await this.#feedAll(once, signal, hurry)
    } finally {
      endWatch()
      workers.abort()
      await Promise.race([working, whenAborted(hurry)])
    }
  }

  #work(signal: AbortSignal): Promise<void> {
    const { processing } = this.#document.spec
    const { tasksAtOnce = processing.parallelism } = this.#seams
    return carryOutTasks(tasksAtOnce, limitsOf({ ...processing, parallelism: tasksAtOnce }), this.#seams, signal)
  }

  /** One feed a table; tables whose topics appear later are taken up when they are discovered. */
  async #feedAll(once: boolean, signal: AbortSignal, hurry: AbortSignal): Promise<boolean> {
    const { journal } = this.#seams
    const feeds = new Map<string, Promise<boolean>>()
    // A feed that rejects is a bug in this program: it ends the others too, and the process says so.
    const crashed = new AbortController()
    const either = AbortSignal.any([signal, crashed.signal])
    const start = (table: string) => {
      const feed = this.#feed(table, once, either, hurry)
      feed.catch(() => crashed.abort())
      feeds.set(table, feed)
    }
    for (let isTold = false; ;) {
      let tables: ReadonlyMap<string, MappedTable> = new Map()
      try {
        tables = await this.#topicTables.tables()
        for (const table of tables.keys()) this.#watch.table(table)
        this.#watch.discovered()
        if (!isTold) await this.#tellUnfound()
        isTold = true
      } catch (error) {
        this.#watch.undiscovered(error instanceof Error ? error.message : String(error))
        if (once || !(error instanceof WorkError) || error.retry === 'never') throw error
        journal.warn('topics can not be listed, tried again', { error })
      }
      for (const table of tables.keys()) if (!feeds.has(table)) start(table)
      if (once || either.aborted) break
      // Beside the sleep, which must begin with what was settled: what is told of in between is news.
      const looking = this.#topicTables.lookAtLeftOut()
      await this.#discovery.sleep(discoveryMs, either)
      await Promise.race([looking, whenAborted(either)])
    }
    const done = await Promise.allSettled(feeds.values())
    const failed = done.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return done.every((result) => result.status === 'fulfilled' && result.value) && !(once && this.#topicTables.leftOut.length > 0)
  }

  /** Names and globs that mean no topic there is: they may be misspelt, or the source's place is. */
  async #tellUnfound(): Promise<void> {
    const found = new Set((await this.#discovery.partitions()).map(({ topic }) => topic))
    const topics = this.#document.spec.source.topics.filter((pattern) => matchTopics([pattern], found).length === 0)
    if (topics.length > 0) this.#seams.journal.warn('no topic-partition was found', { source: this.#source.id, topics })
  }

  /** Feeds a table as long as the service runs; a stopped one is looked at again from time to time, and never stops another. */
  async #feed(name: string, once: boolean, signal: AbortSignal, hurry: AbortSignal): Promise<boolean> {
    const { clock, journal } = this.#seams
    for (let failures = 1; ; failures++) {
      const startedMs = clock.now()
      try {
        return await this.#feedAlone(name, once, signal, hurry)
      } catch (error) {
        if (!(error instanceof WorkError)) throw error
        if (error instanceof TableChanged) {
          journal.info('table opened again', { table: name, error })
          continue
        }
        journal.error('table stopped', { table: name, error })
        this.#watch.table(name).stopped(error.message)
        if (once || signal.aborted) return false
        if (clock.now() - startedMs > stoppedTableMs) failures = 1
        await clock.sleep(error.retry === 'never' ? stoppedTableMs : Math.min(2 ** failures * 1000, 60_000), signal)
      }
      if (signal.aborted) return false
    }
  }

  /** Feeds a table while no other process does; a run with `once` does its work whoever else does it. */
  async #feedAlone(name: string, once: boolean, signal: AbortSignal, hurry: AbortSignal): Promise<boolean> {
    const { leases } = this.#seams
    if (once || leases === undefined) return this.#feedTable(name, once, signal, hurry)
    for (;;) {
      const watch = this.#watch.table(name)
      const lease = await leases.acquire(`feed/${name}`, signal, () => {
        watch.standBy()
        void this.#note(name)
      })
      if (lease === null) return true
      try {
        const done = await this.#feedTable(name, once, AbortSignal.any([signal, lease.lost]), hurry)
        if (!lease.lost.aborted || signal.aborted) return done
      } finally {
        await lease.release()
      }
    }
  }

  /** Looks which table it is that another process feeds: that one may see it go, and this one is to take over then. */
  async #note(name: string): Promise<void> {
    if (this.#uuids.has(name)) return
    const found = await this.#seams.catalog.loadTable(this.#identifier(name)).catch(() => null)
    if (found !== null && !this.#uuids.has(name)) this.#uuids.set(name, found.metadata['table-uuid'])
  }

  #identifier(name: string): TableIdentifier {
    return { namespace: this.#document.spec.sink.database.split('.'), name }
  }

  async #feedTable(name: string, once: boolean, signal: AbortSignal, hurry: AbortSignal): Promise<boolean> {
    const { source, catalog, clock, journal, meter, queue, watermarks, commits } = this.#seams
    const { spec, metadata: identity } = this.#document
    const mapped = await this.#topicTables.into(name)
    const table = this.#identifier(name)
    const wanted = async () => ({
      mapping: (await this.#topicTables.into(name)).mapping,
      partitions: await this.#partitionsOf(name),
    })
    const known = this.#uuids.get(name)
    const found = await openTable(table, this.#document, this.#source, wanted, this.#seams, { once, known }, signal)
    // There is nothing yet by which the table could be made.
    if (found === null) return true
    this.#uuids.set(name, found.metadata['table-uuid'])
    const opened = await adoptLayout(table, mapped.mapping, found, this.#seams)
    const newCommitter = () => new TableCommitter(this.#source.id, table, identity.name, opened.metadata, this.#seams)
    const isDirected = changesTables(this.#directions) && !this.#directed.has(name)
    const refuse = async (metadata: TableMetadata) =>
      refuseReplacedRows(newCommitter().name, metadata, mapped.mapping, await this.#partitionsOf(name), this.#seams.io)
    if (isDirected) await followDirections(this.#directions, this.#source, table, newCommitter(), refuse, this.#seams)
    this.#directed.add(name)
    const committer = newCommitter()
    const state = isDirected ? (await committer.load()).state : await committer.look(opened.metadata)
    const { topics } = await this.#topicTables.intoOneThatHas(name, heldTopics(this.#document, state.progress, this.#source))
    if (!topics.some((topic) => mapped.topics.includes(topic)))
      throw new TableChanged(`table ${committer.name} is of ${topics.join(', ')}`, { retry: 'now' })
    if (!this.#directions.sourceAdded)
      await refuseStrangeSource(state, this.#source, await this.#partitionsOf(name), committer.name, source)
    const incarnation = currentIncarnation(state.progress, this.#source.id)
    const layout = resolveLayout(committer.name, opened.metadata, mapped.mapping, incarnation)
    await refuseUnknownRows(committer.name, opened.metadata, mapped.mapping, await this.#partitionsOf(name), this.#seams.io)
    const treatment = treatmentOf(this.#document, mapped.mapping)
    const target = taskTarget(opened.metadata, layout, treatment)
    if (layout.missing.length > 0) {
      journal.warn('columns that values were to fill are gone from the table: those values go into the rescue column', {
        table: committer.name,
        columns: layout.missing,
      })
    }
    const definitions = definitionsText(opened.metadata, treatment)
    const planner = new TailPlanner(
      {
        sourceId: committer.sourceId,
        prefix: this.#source.prefix,
        table: name,
        definitions,
        startAt: spec.source.startAt,
        graceMs: spec.source.graceSeconds * 1000,
        maxBatchBytes: this.#limits.maxBatchBytes,
        pack: this.#limits.pack,
        once,
      },
      {
        source,
        journal,
        meter,
        watch: this.#watch.table(name),
        isLate: (at) => this.#discovery.isLate(at),
        ...(watermarks !== undefined && { hints: new ListingHints(watermarks, clock) }),
      },
    )
    const configured = Number(opened.metadata.properties?.['history.expire.max-snapshot-age-ms'])
    const expiryMs = configured > 0 ? Math.max(configured, shortestExpiryMs) : defaultExpiryMs
    const context = { document: this.#document, source: this.#source, limits: this.#limits, kafkaColumns: mapped.mapping.kafkaColumns }
    const turn = new Turns(1)
    const upkeep = new TableUpkeep(table, context, this.#upkeepTurns, { ...this.#seams, turn }, (view) =>
      this.#watch.table(name).upkept(view),
    )
    const seen = (now: TableState) => this.#watch.table(name).seen(now)
    const shared = toldOf(
      inTurn(
        commits === undefined
          ? committer
          : remoteCommits(committer, name, { ...definitionsOf(opened.metadata), sourceId: committer.sourceId }, commits, this.#seams),
        turn,
      ),
      (now) => {
        upkeep.tellCommit()
        seen(now)
      },
    )
    const feed = new TableFeed(
      {
        table: name,
        commitIntervalMs: spec.processing.commitIntervalSeconds * 1000,
        bounds: this.#limits.feed,
        keepAliveMs: Math.min(expiryMs, catalog.profile.snapshotExpiryMs ?? Infinity) / 4,
        once,
      },
      planner,
      shared,
      target,
      state,
      { queue, clock, journal, meter, watch: this.#watch.table(name) },
    )
    const unsubscribe = watermarks?.onChange(({ topic }) => {
      if (!once && this.#topicTables.known.get(name)?.topics.includes(topic) === true) feed.tellNews()
    })
    const history: HistoryTable = {
      table: name,
      sourceId: committer.sourceId,
      definitions,
      target,
      commits: shared,
      async changeRequests(change) {
        const asked = await newCommitter().changeRequests(change)
        seen(asked)
        return asked
      },
    }
    const backfills = (stop: AbortSignal) => this.#serveBackfills(history, once, () => feed.state, stop)
    const upkeepEnds = new AbortController()
    const every = upkeepEveryMs(spec.processing.commitIntervalSeconds)
    const upkeeping = once ? Promise.resolve() : upkeep.run(every, AbortSignal.any([signal, upkeepEnds.signal]))
    try {
      if (once) {
        const done = (await feed.run(() => this.#partitionsOf(name), signal, hurry)) && (await backfills(signal))
        await upkeep.lookAfterCommits(AbortSignal.any([signal, hurry]))
        return done
      }
      const ended = new AbortController()
      const beside = backfills(AbortSignal.any([signal, ended.signal]))
      // What stops the one stops the other: the table is opened again for both.
      beside.catch(() => ended.abort())
      const fed = await feed
        .run(() => this.#partitionsOf(name), AbortSignal.any([signal, ended.signal]), hurry)
        .finally(() => ended.abort())
      await beside
      return fed
    } finally {
      upkeepEnds.abort()
      await Promise.race([upkeeping, whenAborted(hurry)])
      unsubscribe?.()
    }
  }

  #serveBackfills(table: HistoryTable, once: boolean, known: () => TableState, signal: AbortSignal): Promise<boolean> {
    const { spec } = this.#document
    const declared = (this.#topicTables.known.get(table.table)?.topics ?? []).flatMap((topic) =>
      declaredBackfills(spec.backfill ?? [], topic),
    )
    return serveBackfills(
      table,
      declared,
      { ...historyOptions(this.#limits), maxBatchBytes: this.#limits.maxBatchBytes, once },
      known,
      () => this.#partitionsOf(table.table),
      { ...this.#seams, source: { store: this.#seams.source, prefix: this.#source.prefix, graceMs: spec.source.graceSeconds * 1000 } },
      signal,
    )
  }

  async #partitionsOf(table: string): Promise<readonly TopicPartition[]> {
    const topics = new Set((await this.#topicTables.tables()).get(table)?.topics)
    return (await this.#discovery.partitions()).filter(({ topic }) => topics.has(topic))
  }
}

/** Upkeep looks after about twenty commits: more often costs more than it saves. */
function upkeepEveryMs(commitIntervalSeconds: number): number {
  return Math.min(Math.max(20 * commitIntervalSeconds * 1000, 60_000), 600_000)
}

function definitionsOf(metadata: TableMetadata): Definitions {
  const { 'table-uuid': uuid, 'current-schema-id': schema, 'default-spec-id': spec } = metadata
  return { 'table-uuid': uuid, 'current-schema-id': schema, 'default-spec-id': spec }
}
