import { isDeepStrictEqual } from 'node:util'
import { virtualClock } from '../../src/drivers/clock/virtual.ts'
import { type SeededRandom, seededRandom } from '../../src/drivers/entropy/seeded.ts'
import { uriFiles } from '../../src/drivers/io/uri-files.ts'
import { memoryStore } from '../../src/drivers/store/memory.ts'
import { type Snapshot, snapshotById, type TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import { WorkError } from '../../src/model/failure.ts'
import { currentIncarnation } from '../../src/model/incarnation.ts'
import { type Backfill, isEnded } from '../../src/model/backfill.ts'
import { formatRanges, intersectRanges } from '../../src/model/offset-range.ts'
import { decidedRanges, type Progress, progressBeyond } from '../../src/model/progress.ts'
import { type TopicPartition, topicPartitionName } from '../../src/model/topic-partition.ts'
import { commitCodec } from '../../src/service/tasks/commit-codec.ts'
import { summaryKeys } from '../../src/pipeline/commit/summary-keys.ts'
import { taskCodec } from '../../src/service/tasks/task-codec.ts'
import type { Journal, JournalFields } from '../../src/seams/journal.ts'
import { ObjectNotFound } from '../../src/seams/object-store.ts'
import { TaskSetAside } from '../../src/seams/task-queue.ts'
import { tablesFor, type TopicMapping } from '../../src/spec/table-mapping.ts'
import { Broker } from './broker.ts'
import { EventLog } from './event-log.ts'
import { FaultCounts, InvariantBroken } from './faults.ts'
import { Fleet, type SharedQueues } from './fleet.ts'
import { ForeignWriter } from './foreign-writer.ts'
import { Weather } from './life.ts'
import { SourceModel } from './model.ts'
import { Poison } from './poison.ts'
import { sharedCatalog } from './process-catalog.ts'
import type { Surroundings } from './process-seams.ts'
import { exists } from './process-store.ts'
import { Operator } from './operator.ts'
import { SharedQueue } from './shared-queue.ts'
import { drawSettings, type Settings, upkeepRoles } from './settings.ts'
import { TableChecker } from './table-checker.ts'
import { TableReader } from './table-reader.ts'

/** More steps than any run needs: what takes more goes round in circles. */
const maxSteps = 2_000_000
/** How long all processes stand still. */
const hibernationMs = 20 * 3_600_000
/** Others take a file that no snapshot names for left behind at this age. */
const orphanAgeMs = 13 * 3_600_000
/** Longer than anything that was injected can take. */
const calmMs = 20 * 60_000

interface SimulatedTable {
  readonly checker: TableChecker
  readonly foreign: ForeignWriter
  readonly topics: ReadonlySet<string>
  /** How often a processor has said that it can not go on without a person. */
  stops: number
  /** When each process said so last, ms. */
  readonly stoppedMs: Map<string, number>
  /** Who committed each data file that a processor wrote, and the snapshot that brought it. */
  readonly committed: Map<string, { readonly by: string; readonly snapshotId: bigint }>
}

/** A source that is written to, processors that are hindered, their tables, and somebody who looks at all of it after each step. */
export class World {
  readonly faults = new FaultCounts()
  readonly log: EventLog
  readonly catalog: ReturnType<typeof sharedCatalog>
  /** Snapshots of ours that became current. */
  commits = 0
  readonly #clock = virtualClock()
  readonly #startMs = this.#clock.now()
  readonly #random: SeededRandom
  readonly #settings: Settings
  readonly #weather = new Weather()
  readonly #poison: Poison
  readonly #source: ReturnType<typeof memoryStore>
  readonly #model: SourceModel
  readonly #around: Surroundings
  readonly #reader: TableReader
  readonly #tables: ReadonlyMap<string, SimulatedTable>
  /**
   * Logs that a processor takes for restarted: their last materialized segment is gone or rewritten, and the first one in the bucket,
   * once damaged and mended, is younger. A person decides then, so they stand still.
   */
  readonly #suspected = new Set<string>()
  /** The files that a process wrote when it last carried out a task. */
  /** Whether all faults are over. */
  #isCalm = false
  readonly #made = new Map<string, readonly string[]>()
  #looked: Promise<void> = Promise.resolve()
  #bug: { error: unknown } | null = null

  constructor(seed: number, onEvent?: (line: string) => void) {
    const clock = this.#clock
    this.#random = seededRandom(seed)
    this.#settings = drawSettings(this.#random.fork(), this.#startMs)
    this.log = new EventLog(() => clock.now() - this.#startMs, onEvent)
    const { propertiesInCommit, snapshotExpiryMs, pageSize, graceMs, skips } = this.#settings
    const profile = { propertiesInCommit, forbiddenProperties: [], ...(snapshotExpiryMs !== null && { snapshotExpiryMs }) }
    this.catalog = sharedCatalog(clock, this.#random.fork(), profile)
    this.#model = new SourceModel(graceMs, skips)
    this.#source = memoryStore({ clock, pageSize })
    const warehouse = memoryStore({ clock })
    this.#poison = new Poison({ clock, faults: this.faults, log: this.log })
    this.#around = {
      clock,
      source: this.#source,
      warehouse,
      catalog: this.catalog,
      log: this.log,
      faults: this.faults,
      weather: this.#weather,
      poison: this.#poison,
      onBug: (error) => (this.#bug ??= { error }),
      onJournal: (process, level, message, fields) => this.#hear(process, level, message, fields),
      onResult: (process, { task, files }) =>
        this.#made.set(
          `${process} ${task.id}`,
          files.map(({ filePath }) => filePath),
        ),
    }
    this.#reader = new TableReader(uriFiles(async () => warehouse))
    this.#tables = this.#makeTables(uriFiles(async () => warehouse))
  }

  get elapsedMs(): number {
    return this.#clock.now() - this.#startMs
  }

  get rowsChecked(): number {
    return [...this.#tables.values()].reduce((sum, { checker }) => sum + checker.rowsChecked, 0)
  }

  /** Lets the world go from its beginning to its end, looking at the tables after each step. Throws what was found broken. */
  async run(): Promise<void> {
    const story = this.#story().then(
      () => ({ error: null }),
      (error: unknown) => ({ error }),
    )
    const state: { end: { error: unknown } | null } = { end: null }
    void story.then((end) => (state.end = end))
    for (let step = 0; state.end === null; step++) {
      if (step === maxSteps) throw new InvariantBroken('a run comes to its end', `it has not after ${maxSteps} steps`)
      const moved = await this.#clock.advance()
      await this.#look()
      if (this.#bug !== null) throw this.#bug.error
      if (!moved && state.end === null) throw new InvariantBroken('a run comes to its end', 'nobody sleeps and nobody moves')
    }
    const { error } = state.end
    if (error !== null) throw error
  }

  async #story(): Promise<void> {
    const { sources, sharesQueue, durationMs, quietMs, poison, pauses, rollbacks, restarts, hibernates } = this.#settings
    const startMs = this.#startMs + this.#settings.headStartMs
    const untilMs = this.#startMs + durationMs
    const endMs = untilMs + (hibernates ? hibernationMs + 600_000 : quietMs)
    const queues = new Map(sharesQueue ? sources.map((source) => [source, this.#sharedQueues()]) : [])
    const fleet = new Fleet(this.#random.fork(), this.#around, queues, hibernates)
    const brokers = sources.flatMap(({ logs, prefix }) =>
      logs.map(
        ({ at, firstOffset, isMild = false }) => new Broker(at, firstOffset, isMild, this.#random.fork(), this.#brokerSurroundings(prefix)),
      ),
    )
    const operators = sources.map((source) => new Operator(source, fleet, this.#random.fork(), this.#around))
    await Promise.all([
      ...brokers.map((broker) => broker.run(untilMs)),
      ...sources.flatMap((source) =>
        source.fleet.map((role) => fleet.keepOne(source, role, startMs, upkeepRoles.includes(role) ? untilMs : endMs)),
      ),
      ...[...this.#tables.values()].flatMap(({ foreign }) => [foreign.run(hibernates ? untilMs : endMs), foreign.expireOld(endMs)]),
      ...[...queues.values()].flatMap(({ tasks, commits }) => [tasks, commits].map((queue) => queue.run(this.#random.fork(), untilMs))),
      ...(pauses ? operators.map((operator) => operator.pauseNowAndThen(untilMs)) : []),
      ...(rollbacks ? operators.map((operator) => this.#acceptRollbacks(operator, untilMs)) : []),
      ...(hibernates ? [this.#hibernate(fleet, untilMs)] : []),
      ...(restarts ? [this.#restartLogs(brokers, operators[0], untilMs)] : []),
      ...(poison ? [this.#poison.run(this.#logNames(), this.#random.fork(), untilMs)] : []),
      this.#changeWeather(untilMs),
    ])
    this.log.add('world', 'calm')
    await this.#clock.sleep(calmMs)
    this.#isCalm = true
    const { tables, expectStop } = await this.#afterRollbacks(operators)
    this.#suspected.clear()
    if (this.#isRestartOpen()) await operators[0].direct({ sourceRestarted: true }, () => this.#isRestartOpen(), 'restart-accepted')
    if (pauses) await this.#checkPause(operators, fleet)
    const before = [...this.#tables.values()].map(({ stops }) => stops)
    let ok = true
    for (const source of sources) {
      const end = await fleet.runOnce(source)
      if (end.kind === 'threw') throw end.error
      ok &&= end.ok
      await this.#look()
    }
    const stopped = expectStop.length + this.#suspected.size
    if (ok === stopped > 0) {
      throw new InvariantBroken(
        'a run with --once tells whether all went through',
        `it returned ${ok}, with ${stopped} tables and logs that must stand still`,
      )
    }
    for (const [i, table] of [...this.#tables.values()].entries()) {
      if (expectStop.includes(table) && table.stops === before[i])
        throw new InvariantBroken('a table taken back stops and says so', table.checker.table)
    }
    await this.#checkReadable()
    for (const { checker, foreign } of tables) if (!foreign.everRolledBack) checker.checkBackfilled()
    for (const { checker, foreign } of tables) checker.checkComplete(!foreign.frontierLost, this.#suspected)
  }

  /** Takes back what can be; tells which tables must be complete in the end, and which must stay stopped. */
  async #afterRollbacks(operators: readonly Operator[]): Promise<{ tables: SimulatedTable[]; expectStop: SimulatedTable[] }> {
    const tables: SimulatedTable[] = []
    const expectStop: SimulatedTable[] = []
    for (const table of this.#tables.values()) {
      if (table.foreign.rolledBack !== null && this.#random.chance(0.5)) await table.foreign.rollForward()
      await this.#look()
      if (this.#isTakenBack(table) && this.#random.chance(0.5)) {
        for (const operator of operators)
          await operator.direct({ acceptRollback: true }, () => this.#isTakenBack(table), 'rollback-accepted')
      }
      if (this.#isTakenBack(table)) expectStop.push(table)
      else tables.push(table)
    }
    return { tables, expectStop }
  }

  #isTakenBack(table: SimulatedTable): boolean {
    return this.#hasLost(table, table.checker.current().progress)
  }

  /** A person says of some rollbacks that they are meant. */
  async #acceptRollbacks(operator: Operator, untilMs: number): Promise<void> {
    const random = this.#random.fork()
    const isOpen = () => [...this.#tables.values()].some((table) => this.#isTakenBack(table))
    while (this.#clock.now() < untilMs) {
      await this.#clock.sleep(20_000 + random.below(60_000))
      if (isOpen() && random.chance(0.5)) await operator.direct({ acceptRollback: true }, isOpen, 'rollback-accepted', untilMs)
    }
  }

  /** Has logs begin again, once every table stands behind their first segments; a person says so some time later. */
  async #restartLogs(brokers: readonly Broker[], operator: Operator, untilMs: number): Promise<void> {
    const random = this.#random.fork()
    const { logs, sourceId } = this.#settings.sources[0]
    const begun = logs.flatMap(({ at, isMild }, i) => (isMild === true ? [] : [{ at, broker: brokers[i] }]))
    await this.#clock.sleep(60_000 + random.below(200_000))
    const isReady = () => begun.every(({ at }) => [...this.#tables.values()].some(({ checker }) => checker.standsBehindFirst(sourceId, at)))
    while (this.#clock.now() < untilMs && !isReady()) await this.#clock.sleep(10_000)
    if (!isReady()) return
    await Promise.all(begun.map(({ broker }) => broker.restart()))
    await this.#clock.sleep(random.below(200_000))
    await operator.direct({ sourceRestarted: true }, () => this.#isRestartOpen(), 'restart-accepted', untilMs)
  }

  /** Everybody stands still, with what was read and not committed, and meanwhile somebody removes what looks left behind. */
  async #hibernate(fleet: Fleet, untilMs: number): Promise<void> {
    const random = this.#random.fork()
    await this.#clock.sleep(Math.max(0, untilMs - this.#clock.now() - random.below(60_000)))
    fleet.hibernate(hibernationMs)
    await this.#clock.sleep(hibernationMs - 3_600_000)
    await this.#look()
    const named = new Set<string>()
    for (const { checker } of this.#tables.values())
      for (const snapshot of checker.metadata?.snapshots ?? []) for (const file of await this.#reader.namedBy(snapshot)) named.add(file)
    const { warehouse } = this.#around
    for await (const { objects, dateMs } of warehouse.list({ prefix: '' })) {
      for (const { key, lastModifiedMs } of objects) {
        if (named.has(`s3://warehouse/${key}`) || key.endsWith('.json') || dateMs - lastModifiedMs < orphanAgeMs) continue
        this.faults.add('orphans-removed')
        this.log.add('world', `${key} is removed`)
        await warehouse.remove(key)
      }
    }
  }

  /** Whether a table does not know yet that logs of it began again. */
  #isRestartOpen(): boolean {
    const { logs, sourceId } = this.#settings.sources[0]
    return [...this.#tables.values()].some(({ checker, topics }) => {
      const isRestarted = logs.some(({ at }) => topics.has(at.topic) && this.#model.restarted.has(topicPartitionName(at)))
      return isRestarted && currentIncarnation(checker.current().progress, sourceId) === 1
    })
  }

  /** What is paused stands still, and goes on when it is resumed. */
  async #checkPause(operators: readonly Operator[], fleet: Fleet): Promise<void> {
    const { sources } = this.#settings
    for (const [i, source] of sources.entries()) {
      const topic = this.#random.pick(source.logs).at.topic
      const decided = () => {
        const table = [...this.#tables.values()].find(({ topics }) => topics.has(topic))!
        const logs = source.logs.filter(({ at }) => at.topic === topic)
        return logs.map(({ at }) => formatRanges(decidedRanges(table.checker.current().progress, source.sourceId, at))).join(' ')
      }
      if (this.#random.chance(0.5) && (await operators[i].ask('pause', topic))) {
        await this.#look()
        const before = decided()
        await fleet.runOnce(source)
        await this.#look()
        if (decided() !== before)
          throw new InvariantBroken('what is paused stands still', `${topic} stood at ${before}, and stands at ${decided()}`)
      }
      await operators[i].ask('resume', undefined)
    }
  }

  /** Whether main was taken back over offsets that had been decided and that `progress` does not have. */
  #hasLost({ checker, foreign }: SimulatedTable, progress: Parameters<typeof progressBeyond>[1]): boolean {
    return foreign.rolledBack !== null && progressBeyond(checker.at(foreign.rolledBack.from).progress, progress).length > 0
  }

  /** One look after another: who looks wants to have seen. */
  #look(): Promise<void> {
    return (this.#looked = this.#looked.then(() => this.#lookNow()))
  }

  async #lookNow(): Promise<void> {
    for (const [name, table] of this.#tables) {
      const loaded = await this.catalog.under('none', (catalog) => catalog.loadTable({ namespace: ['lake'], name }))
      if (loaded === null) continue
      this.#checkRefs(name, table, loaded.metadata)
      for (const snapshot of await table.checker.look(loaded.metadata, table.foreign.everRolledBack)) {
        const id = snapshot['snapshot-id']
        this.log.add('world', `${name} has snapshot ${id}`)
        if (snapshot.summary[summaryKeys.commitId] === undefined) continue
        this.commits++
        const parent = table.checker.at(snapshot['parent-snapshot-id'] ?? 0n)
        const { by, builtOnMs } = this.catalog.sent.get(id)!
        this.#checkRestored(table, name, by, builtOnMs, parent)
        this.#checkRequests(table, name, snapshot, by)
        this.#countHistory(table.checker.at(id).requests.backfills, snapshot, by)
        if (by.startsWith('committer')) this.faults.add('commit-by-another')
        for (const path of table.checker.filesOf(id)) if (!table.committed.has(path)) table.committed.set(path, { by, snapshotId: id })
        if (this.#hasLost(table, parent.progress) && builtOnMs > table.foreign.rolledBack!.atMs) {
          throw new InvariantBroken(
            'a table taken back is left alone',
            `table ${name}: snapshot ${id} was built at ${builtOnMs - this.#startMs}`,
          )
        }
      }
    }
  }

  /** What others named stays, with what they named; and what a person may want back of a table that was taken back. */
  #checkRefs(name: string, table: SimulatedTable, metadata: TableMetadata): void {
    const { foreign } = table
    for (const [ref, { snapshotId, sinceMs }] of foreign.refs.all) {
      const found = metadata.refs?.[ref]?.['snapshot-id']
      if (found === snapshotId && snapshotById(metadata, snapshotId) !== undefined) continue
      // Nothing can be asserted of a reference that one does not know of: a catalog drops it with its snapshot.
      if (sinceMs >= (this.catalog.removed.get(snapshotId)?.knewMs ?? Infinity)) foreign.refs.delete(ref)
      else
        throw new InvariantBroken(
          'a snapshot that a tag or branch names stays',
          `table ${name}: ${ref} named ${snapshotId}, and is ${found}`,
        )
    }
    const { rolledBack } = foreign
    if (rolledBack === null || !this.#isTakenBack(table) || snapshotById(metadata, rolledBack.from) !== undefined) return
    throw new InvariantBroken('a table taken back keeps what was taken', `table ${name}: snapshot ${rolledBack.from}`)
  }

  /** Every snapshot that is left can be read, whatever refers to it. */
  async #checkReadable(): Promise<void> {
    for (const [name, { checker }] of this.#tables) {
      for (const snapshot of checker.metadata?.snapshots ?? []) {
        for (const file of await this.#reader.namedBy(snapshot)) {
          if (await exists(this.#around.warehouse, file.replace('s3://warehouse/', ''))) continue
          throw new InvariantBroken('no file that a snapshot names is missing', `table ${name}: ${file} of ${snapshot['snapshot-id']}`)
        }
      }
    }
  }

  /** Who had committed what a restored table has lost says so before it goes on. */
  #checkRestored(
    { checker, foreign, stoppedMs }: SimulatedTable,
    name: string,
    by: string,
    builtOnMs: number,
    parent: { progress: Progress },
  ): void {
    const { restored } = foreign
    if (restored === null || builtOnMs <= restored.atMs || !by.startsWith('run')) return
    const knew = restored.lost.some((id) => {
      const sent = this.catalog.sent.get(id)
      return sent?.by === by && sent.told && progressBeyond(checker.at(id).progress, parent.progress).length > 0
    })
    if (knew && (stoppedMs.get(by) ?? 0) < restored.atMs)
      throw new InvariantBroken('a process that knows of more than the table has says so', `table ${name}: ${by}`)
  }

  /** What a person asked stays asked until a person asks otherwise. */
  #checkRequests({ checker, foreign }: SimulatedTable, name: string, snapshot: Snapshot, by: string): void {
    const [before, after] = [snapshot['parent-snapshot-id'] ?? 0n, snapshot['snapshot-id']].map((id) => checker.at(id).requests)
    if (after.abandonedUpTo !== before.abandonedUpTo && after.abandonedUpTo !== null && by.startsWith('directed')) {
      foreign.rolledBack = null
      foreign.isAccepted = true
    } else if (
      snapshot['parent-snapshot-id'] !== undefined &&
      ((!by.startsWith('operator') && !isDeepStrictEqual({ ...before, backfills: [] }, { ...after, backfills: [] })) ||
        before.backfills.some((one) => !isEnded(one) && !after.backfills.some(({ id }) => id === one.id)))
    ) {
      throw new InvariantBroken('what is asked stays asked', `table ${name}: snapshot ${snapshot['snapshot-id']} of ${by}`)
    }
  }

  /** What a processor says: nothing stops a table, or takes a log for another, without a reason. */
  #hear(process: string, level: keyof Journal, message: string, fields: JournalFields): void {
    const error = fields.error
    if (message === 'result refused, planned again') {
      const { committed, checker } = this.#tables.get(String(fields.table))!
      // A commit whose snapshot others have expired can not be found any more.
      const known = this.#made.get(`${process} ${String(fields.task)}`)?.find((path) => {
        const landed = committed.get(path)
        return landed?.by === process && snapshotById(checker.metadata!, landed.snapshotId) !== undefined
      })
      if (known !== undefined)
        this.#bug ??= { error: new InvariantBroken('a process knows what it has committed', `${process} refuses a result with ${known}`) }
    }
    if (level !== 'error') return
    // A commit that lost as many committers as a task may lose is given back, and the table is opened again some minutes later.
    if (message === 'table stopped' && error instanceof TaskSetAside && this.faults.has('task-set-aside')) return
    // Who stood still goes on with metadata whose files were expired meanwhile, and looks anew some minutes later. Others see to it that
    // nothing goes that is still named.
    if (
      message === 'table stopped' &&
      error instanceof WorkError &&
      error.cause instanceof ObjectNotFound &&
      this.faults.has('file-removed')
    )
      return
    if (message === 'table stopped' && error instanceof WorkError && error.retry === 'never') {
      const table = this.#tables.get(String(fields.table))!
      table.stoppedMs.set(process, this.#clock.now())
      table.stops++
      if (!table.foreign.everRolledBack)
        this.#bug ??= { error: new InvariantBroken('tables stop for a reason', `${process}: ${error.message}`) }
    }
    if (message === 'partition stopped' && fields.fault === undefined) {
      if (
        String(fields.reason).includes('set aside after') &&
        (['task-set-aside', 'task-poisonous'] as const).some((kind) => this.faults.has(kind))
      ) {
        this.#poison.stoppedAt(String(fields.key))
        return
      }
      if (String(fields.reason).startsWith('the log was restarted')) {
        if (!this.#isCalm && this.#model.restarted.has(`${String(fields.topic)}/${String(fields.partition)}`)) return
        this.faults.add('restart-suspected')
        this.#suspected.add(`${String(fields.topic)}/${String(fields.partition)}`)
        return
      }
      this.#bug ??= {
        error: new InvariantBroken(
          'partitions stop for a reason',
          `${process}: ${String(fields.topic)}/${String(fields.partition)}: ${String(fields.reason)}`,
        ),
      }
    }
  }

  #countHistory(backfills: readonly Backfill[], { summary }: Snapshot, by: string): void {
    const active = backfills.filter(({ state }) => state === 'active')
    if (active.length > 0 && !by.startsWith('historian') && summary['added-records'] !== undefined) this.faults.add('history-beside-tail')
    const isShared = active.some((one, i) =>
      active.some(
        (other, j) =>
          i < j &&
          one.topic === other.topic &&
          [...one.ranges].some(([partition, ranges]) => intersectRanges(ranges, other.ranges.get(partition) ?? []).length > 0),
      ),
    )
    if (isShared) this.faults.add('backfills-overlap')
  }

  #sharedQueues(): SharedQueues {
    return { tasks: new SharedQueue(this.#around, taskCodec), commits: new SharedQueue(this.#around, commitCodec) }
  }

  #logNames(): string[] {
    return this.#settings.sources.flatMap(({ logs }) => logs.map(({ at }) => topicPartitionName(at)))
  }

  async #changeWeather(untilMs: number): Promise<void> {
    const random = this.#random.fork()
    while (this.#clock.now() < untilMs) {
      this.#weather.level = random.pick([0, 1, 1, 1, 4, 12])
      await this.#clock.sleep(10_000 + random.below(90_000))
    }
    this.#weather.level = 0
  }

  #brokerSurroundings(prefix: string) {
    const { graceMs, flushEveryMs, headStartMs } = this.#settings
    return {
      store: this.#source,
      clock: this.#clock,
      log: this.log,
      faults: this.faults,
      model: this.#model,
      prefix,
      graceMs,
      flushEveryMs,
      fleetStartsMs: this.#startMs + headStartMs,
    }
  }

  /** One for each table that the documents name; two documents may share one. */
  #makeTables(io: ReturnType<typeof uriFiles>): Map<string, SimulatedTable> {
    const { sources, rollbacks, snapshotExpiryMs } = this.#settings
    const shares = new Map<string, { mapping: TopicMapping; logs: { sourceId: string; at: TopicPartition }[] }>()
    for (const { document, sourceId, logs } of sources) {
      for (const [name, { topics, mapping }] of tablesFor(document, new Set(logs.map(({ at }) => at.topic)))) {
        const share = shares.get(name) ?? { mapping, logs: [] }
        for (const { at } of logs) if (topics.includes(at.topic)) share.logs.push({ sourceId, at })
        shares.set(name, share)
      }
    }
    const { catalog, log, faults } = this
    const around = { clock: this.#clock, catalog, io, reader: this.#reader, log, faults, rollbacks, snapshotExpiryMs }
    return new Map(
      [...shares].map(([name, { mapping, logs }]) => [
        name,
        {
          checker: new TableChecker(name, logs, this.#model, new TableReader(io), {
            startAt: this.#settings.startAt,
            now: () => this.#clock.now(),
          }),
          topics: new Set(logs.map(({ at }) => at.topic)),
          foreign: new ForeignWriter({ namespace: ['lake'], name }, this.#random.fork(), { ...around, mapping }),
          stops: 0,
          stoppedMs: new Map(),
          committed: new Map(),
        },
      ]),
    )
  }
}
