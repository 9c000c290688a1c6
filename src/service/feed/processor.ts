import { WorkError } from '../../model/failure.ts'
import type { DocumentHealth } from '../../model/health.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { MappedTable } from '../../spec/table-mapping.ts'
import { matchTopics } from '../../spec/topic-glob.ts'
import { UpkeepTurns } from '../maintain/table-upkeep.ts'
import { carryOutTasks } from '../tasks/carry-out-tasks.ts'
import { limitsOf } from '../tasks/limits.ts'
import { TableChanged } from './commit-loop.ts'
import { Discovery } from './discovery.ts'
import { DocumentWatch } from './document-watch.ts'
import { type FedDocument, feedTable } from './feed-table.ts'
import { healthReadings } from './health-readings.ts'
import { TableOpener } from './opened-table.ts'
import type { ProcessorSeams } from './processor-seams.ts'
import { nothingRemembered, type Remembered } from './remembered.ts'
import { noDirections } from './source-directions.ts'
import { TopicTables } from './topic-tables.ts'
import { whenAborted } from './when-aborted.ts'

/** How often it is looked whether there are new tables to feed, ms. */
const discoveryMs = 60_000
/** A stopped table is looked at again after this long: someone may have mended it. */
const stoppedTableMs = 300_000

/** Serves one document: discovers its topics, feeds each of their tables, and carries out the tasks. */
export class Processor {
  readonly #document: ProcessorDocument
  readonly #source: SourceIdentity
  readonly #seams: ProcessorSeams
  readonly #remembered: Remembered
  readonly #discovery: Discovery
  readonly #watch: DocumentWatch
  readonly #topicTables: TopicTables
  readonly #opener: TableOpener
  readonly #around: FedDocument

  /** `remembered`: also from when the document was another. */
  constructor(
    document: ProcessorDocument,
    source: SourceIdentity,
    seams: ProcessorSeams,
    directions = noDirections,
    remembered = nothingRemembered(),
  ) {
    this.#document = document
    this.#source = source
    this.#seams = seams
    this.#remembered = remembered
    this.#discovery = new Discovery(source.prefix, document.spec.source.topics, seams)
    this.#watch = new DocumentWatch(document, source.id, seams.clock, seams)
    this.#topicTables = new TopicTables(document, source, this.#discovery, this.#watch, seams)
    this.#opener = new TableOpener(document, source, directions, this.#topicTables, seams, remembered)
    this.#around = {
      document,
      source,
      seams,
      limits: limitsOf(document.spec.processing),
      discovery: this.#discovery,
      watch: this.#watch,
      topicTables: this.#topicTables,
      upkeepTurns: new UpkeepTurns(document.spec.processing),
    }
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
        this.#remembered.listed = true
        if (!isTold) await this.#tellUnfound()
        isTold = true
      } catch (error) {
        this.#watch.undiscovered(error instanceof Error ? error.message : String(error))
        if (once || !(error instanceof WorkError) || (error.retry === 'never' && !this.#remembered.listed)) throw error
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
        void this.#opener.note(name)
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

  async #feedTable(name: string, once: boolean, signal: AbortSignal, hurry: AbortSignal): Promise<boolean> {
    const opened = await this.#opener.open(name, once, signal)
    // There is nothing yet by which the table could be made.
    return opened === null || feedTable(opened, this.#around, once, signal, hurry)
  }
}
