import { type VirtualClock, virtualClock } from '../../src/drivers/clock/virtual.ts'
import { type SeededRandom, seededRandom } from '../../src/drivers/entropy/seeded.ts'
import { uriFiles } from '../../src/drivers/io/uri-files.ts'
import { memoryStore } from '../../src/drivers/store/memory.ts'
import { currentIncarnation } from '../../src/model/incarnation.ts'
import { formatRanges } from '../../src/model/offset-range.ts'
import { decidedRanges } from '../../src/model/progress.ts'
import { topicPartitionName } from '../../src/model/topic-partition.ts'
import { commitCodec } from '../../src/service/feed/commit-codec.ts'
import { incarnationColumn } from '../../src/pipeline/commit/resolve-layout.ts'
import { taskCodec } from '../../src/service/tasks/task-codec.ts'
import { Broker } from './broker.ts'
import { EventLog } from './event-log.ts'
import { Excuses } from './excuses.ts'
import { FaultCounts, InvariantBroken } from './faults.ts'
import { Fleet, type SharedQueues } from './fleet.ts'
import { Weather } from './life.ts'
import { Listener } from './listener.ts'
import { Listings } from './listings.ts'
import { SourceModel } from './model.ts'
import { Poison } from './poison.ts'
import { sharedCatalog } from './process-catalog.ts'
import type { Surroundings } from './process-seams.ts'
import { Operator } from './operator.ts'
import { SharedQueue } from './shared-queue.ts'
import { drawSettings, type Settings, upkeepRoles } from './settings.ts'
import { isTakenBack, makeTables, makeTablesBeside, type SimulatedTable } from './simulated-table.ts'
import { sweepTable } from './sweeper.ts'
import { TableReader } from './table-reader.ts'
import { Witness } from './witness.ts'

/** More steps than any run needs: what takes more goes round in circles. */
const maxSteps = 300_000
/** How long all processes stand still. */
const hibernationMs = 20 * 3_600_000
/** Others take a file that no snapshot names for left behind at this age. */
const orphanAgeMs = 13 * 3_600_000
/** Longer than anything that was injected can take. */
const calmMs = 20 * 60_000

/** A source that is written to, processors that are hindered, their tables, and somebody who looks at all of it after each step. */
export class World {
  readonly faults = new FaultCounts()
  readonly log: EventLog
  readonly catalog: ReturnType<typeof sharedCatalog>
  readonly #clock: VirtualClock
  readonly #startMs: number
  /** Rows from before are old from then on; null: rows stay. */
  readonly #midnightMs: number | null
  readonly #random: SeededRandom
  readonly #settings: Settings
  readonly #weather = new Weather()
  readonly #poison: Poison
  readonly #source: ReturnType<typeof memoryStore>
  readonly #model: SourceModel
  readonly #around: Surroundings
  readonly #reader: TableReader
  readonly #tables: ReadonlyMap<string, SimulatedTable>
  readonly #witness: Witness
  readonly #listener: Listener
  /** Where others provoke, history is not read before: something of it is left to be read then. */
  readonly #aboutToRestart = Promise.withResolvers<void>()
  #bug: { error: unknown } | null = null

  constructor(seed: number, onEvent?: (line: string) => void) {
    const beginsMs = virtualClock().now()
    const { midnightAfterMs } = drawSettings(seededRandom(seed).fork(), beginsMs)
    const clock = virtualClock(beginsMs - (midnightAfterMs ?? 0))
    this.#clock = clock
    this.#startMs = clock.now()
    this.#midnightMs = midnightAfterMs === null ? null : beginsMs
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
    const excuses = new Excuses()
    this.#around = {
      clock,
      source: this.#source,
      warehouse,
      catalog: this.catalog,
      log: this.log,
      faults: this.faults,
      weather: this.#weather,
      poison: this.#poison,
      excuses,
      listings: new Listings(),
      provoke: this.#settings.provokes ? (table) => this.#provoke(table) : null,
      onBug: (error) => (this.#bug ??= { error }),
      onJournal: (process, level, message, fields) => this.#listener.hear(process, level, message, fields),
      onResult: (process, result) => this.#listener.made(process, result),
    }
    this.#reader = new TableReader(uriFiles(async () => warehouse))
    const { catalog, log, faults } = this
    const tableAround = { clock, catalog, io: uriFiles(async () => warehouse), reader: this.#reader, log, faults }
    this.#tables = makeTables(this.#settings, this.#midnightMs, this.#model, this.#random, tableAround)
    const beside = this.#settings.rebuilds ? makeTablesBeside(this.#settings, this.#model, tableAround) : new Map()
    this.#witness = new Witness(this.#tables, beside, { catalog, warehouse, reader: this.#reader, log, faults })
    this.#listener = new Listener(this.#tables, { clock, faults, poison: this.#poison, model: this.#model, excuses })
  }

  get elapsedMs(): number {
    return this.#clock.now() - this.#startMs
  }

  /** Snapshots of ours that became current. */
  get commits(): number {
    return this.#witness.commits
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
      await this.#witness.look()
      const bug = this.#bug ?? this.#listener.bug
      if (bug !== null) throw bug.error
      if (!moved && state.end === null) throw new InvariantBroken('a run comes to its end', 'nobody sleeps and nobody moves')
    }
    const { error } = state.end
    if (error !== null) throw error
  }

  async #story(): Promise<void> {
    const { sources, sharesQueue, durationMs, quietMs, poison, pauses, rollbacks, restarts, hibernates, movesTags } = this.#settings
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
        source.fleet.map(async (role) => {
          if (role === 'historian' && this.#settings.provokes && restarts) await this.#aboutToRestart.promise
          await fleet.keepOne(source, role, startMs, upkeepRoles.includes(role) ? untilMs : endMs)
        }),
      ),
      ...[...this.#tables.values()].flatMap(({ foreign }) => [foreign.run(hibernates ? untilMs : endMs), foreign.expireOld(endMs)]),
      ...[...queues.values()].flatMap(({ tasks, commits }) => [tasks, commits].map((queue) => queue.run(this.#random.fork(), untilMs))),
      ...(movesTags ? [...this.#tables.values()].map(({ foreign }) => foreign.refs.moveTags(untilMs)) : []),
      ...(pauses ? operators.map((operator) => operator.pauseNowAndThen(untilMs)) : []),
      ...(rollbacks ? operators.map((operator) => this.#acceptRollbacks(operator, untilMs)) : []),
      ...(hibernates ? [this.#hibernate(fleet, untilMs)] : []),
      ...(restarts ? [this.#restartLogs(brokers, operators[0], fleet, untilMs)] : []),
      ...(poison ? [this.#poison.run(this.#logNames(), this.#random.fork(), untilMs)] : []),
      this.#changeWeather(untilMs),
    ])
    this.log.add('world', 'calm')
    await this.#clock.sleep(calmMs)
    this.#listener.isCalm = true
    const { tables, expectStop } = await this.#afterRollbacks(operators)
    this.#listener.suspected.clear()
    if (this.#isRestartOpen()) await operators[0].direct({ sourceRestarted: true }, () => this.#isRestartOpen(), 'restart-accepted')
    if (pauses) await this.#checkPause(operators, fleet)
    const before = [...this.#tables.values()].map(({ stops }) => stops)
    let ok = true
    for (const source of sources) {
      const end = await fleet.runOnce(source)
      if (end.kind === 'threw') throw end.error
      ok &&= end.ok
      await this.#witness.look()
    }
    const stopped = expectStop.length + this.#listener.suspected.size
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
    await this.#witness.checkReadable()
    this.#witness.checkBeside()
    for (const { checker, foreign } of tables) if (!foreign.everRolledBack) checker.checkBackfilled()
    for (const { checker, foreign } of tables) checker.checkComplete(!foreign.frontierLost, this.#listener.suspected)
  }

  /** Takes back what can be; tells which tables must be complete in the end, and which must stay stopped. */
  async #afterRollbacks(operators: readonly Operator[]): Promise<{ tables: SimulatedTable[]; expectStop: SimulatedTable[] }> {
    const tables: SimulatedTable[] = []
    const expectStop: SimulatedTable[] = []
    for (const table of this.#tables.values()) {
      if (table.foreign.rolledBack !== null && this.#random.chance(0.5)) await table.foreign.rollForward()
      await this.#witness.look()
      if (isTakenBack(table) && this.#random.chance(0.5)) {
        for (const operator of operators) await operator.direct({ acceptRollback: true }, () => isTakenBack(table), 'rollback-accepted')
      }
      if (isTakenBack(table)) expectStop.push(table)
      else tables.push(table)
    }
    return { tables, expectStop }
  }

  /** A person says of some rollbacks that they are meant. */
  async #acceptRollbacks(operator: Operator, untilMs: number): Promise<void> {
    const random = this.#random.fork()
    const isOpen = () => [...this.#tables.values()].some((table) => isTakenBack(table))
    while (this.#clock.now() < untilMs) {
      await this.#clock.sleep(20_000 + random.below(60_000))
      if (isOpen() && random.chance(0.5)) await operator.direct({ acceptRollback: true }, isOpen, 'rollback-accepted', untilMs)
    }
  }

  /** Has logs begin again, once every table stands behind their first segments; a person says so some time later. */
  async #restartLogs(brokers: readonly Broker[], operator: Operator, fleet: Fleet, untilMs: number): Promise<void> {
    const random = this.#random.fork()
    const { provokes } = this.#settings
    if (provokes) await this.#addIncarnations(untilMs)
    const { logs, sourceId } = this.#settings.sources[0]
    const begun = logs.flatMap(({ at, isMild }, i) => (isMild === true ? [] : [{ at, broker: brokers[i] }]))
    await this.#clock.sleep(60_000 + random.below(200_000))
    const isReady = () => begun.every(({ at }) => [...this.#tables.values()].some(({ checker }) => checker.standsBehindFirst(sourceId, at)))
    while (this.#clock.now() < untilMs && !isReady()) await this.#clock.sleep(10_000)
    this.#aboutToRestart.resolve()
    if (!isReady() || this.#clock.now() >= untilMs) return
    if (provokes) {
      // Who has read of the log that ends and not committed it goes on when the next incarnation has begun.
      const reader = await Promise.race([this.#listener.nextHistory(), this.#clock.sleep((untilMs - this.#clock.now()) / 2)])
      if (typeof reader === 'string') fleet.standStill(reader, 160_000)
    }
    await Promise.all(begun.map(({ broker }) => broker.restart()))
    await this.#clock.sleep(random.below(provokes ? 20_000 : 200_000))
    await operator.direct({ sourceRestarted: true }, () => this.#isRestartOpen(), 'restart-accepted', untilMs)
  }

  /** A log of another source began again before: the tables have the column that tells which one a row is of. */
  async #addIncarnations(untilMs: number): Promise<void> {
    for (const { foreign } of this.#tables.values()) await foreign.addColumn(incarnationColumn, 'int', untilMs)
  }

  /** Somebody deletes a row of a table, where deletes are no fault of what is done beside. */
  async #provoke(table: string): Promise<void> {
    if (!this.#settings.rebuilds) await this.#tables.get(table)!.foreign.provoke()
  }

  /** Everybody stands still, with what was read and not committed, and meanwhile somebody removes what looks left behind. */
  async #hibernate(fleet: Fleet, untilMs: number): Promise<void> {
    const random = this.#random.fork()
    await this.#clock.sleep(Math.max(0, untilMs - this.#clock.now() - random.below(60_000)))
    fleet.hibernate(hibernationMs)
    await this.#clock.sleep(hibernationMs - 3_600_000)
    await this.#witness.look()
    const named = new Set<string>()
    for (const { checker } of this.#tables.values())
      for (const snapshot of checker.metadata?.snapshots ?? []) for (const file of await this.#reader.namedBy(snapshot)) named.add(file)
    const { warehouse } = this.#around
    for await (const { objects, dateMs } of warehouse.list({ prefix: '' })) {
      for (const { key, lastModifiedMs } of objects) {
        if (named.has(`s3://warehouse/${key}`) || key.endsWith('.json') || dateMs - lastModifiedMs < orphanAgeMs) continue
        // The others are left for our own sweep.
        if (random.chance(0.5)) continue
        this.faults.add('orphans-removed')
        this.log.add('world', `${key} is removed`)
        await warehouse.remove(key)
        this.#around.excuses.fileRemoved(key)
      }
    }
    await this.#sweep(random, untilMs)
  }

  /** What looks left behind is removed by our own sweep, while all sleep and when they wake. */
  async #sweep(random: SeededRandom, untilMs: number): Promise<void> {
    const untilAwakeMs = untilMs + hibernationMs + 600_000
    while (this.#clock.now() < untilAwakeMs) {
      for (const { checker } of this.#tables.values()) await sweepTable({ namespace: ['lake'], name: checker.table }, random, this.#around)
      const isAwake = this.#clock.now() > untilMs + hibernationMs - 600_000
      await this.#clock.sleep(isAwake ? random.below(120_000) : 3_000_000)
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
        await this.#witness.look()
        const before = decided()
        await fleet.runOnce(source)
        await this.#witness.look()
        if (decided() !== before)
          throw new InvariantBroken('what is paused stands still', `${topic} stood at ${before}, and stands at ${decided()}`)
      }
      await operators[i].ask('resume', undefined)
    }
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
    const { graceMs, flushEveryMs, headStartMs, provokes } = this.#settings
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
      provokes,
      listings: this.#around.listings,
    }
  }
}
