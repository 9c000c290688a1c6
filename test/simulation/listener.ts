import { snapshotById } from '../../src/formats/iceberg/table-metadata.ts'
import { WorkError } from '../../src/model/failure.ts'
import type { TaskResult } from '../../src/pipeline/flow.ts'
import type { Clock } from '../../src/seams/clock.ts'
import type { Journal, JournalFields } from '../../src/seams/journal.ts'
import { ObjectNotFound } from '../../src/seams/object-store.ts'
import { TaskSetAside } from '../../src/seams/task-queue.ts'
import type { Excuses } from './excuses.ts'
import { type FaultCounts, InvariantBroken } from './faults.ts'
import type { SourceModel } from './model.ts'
import type { Poison } from './poison.ts'
import type { SimulatedTable } from './simulated-table.ts'

interface ListenerSurroundings {
  readonly clock: Clock
  readonly faults: FaultCounts
  readonly poison: Poison
  readonly model: SourceModel
  readonly excuses: Excuses
}

/** Alone and with nothing in its way, a run has far fewer results refused: who has more makes the same again and again. */
const mostRefusedInCalm = 100

/** Hears what processes say: nobody stops without a reason, or says of its own work what is not so. */
export class Listener {
  /** What was found broken; null: nothing. */
  bug: { readonly error: unknown } | null = null
  /** Whether all faults are over. */
  isCalm = false
  /**
   * Logs that a processor takes for restarted: their last materialized segment is gone or rewritten, and the first one in the bucket,
   * once damaged and mended, is younger. A person decides then, so they stand still.
   */
  readonly suspected = new Set<string>()
  readonly #tables: ReadonlyMap<string, SimulatedTable>
  readonly #around: ListenerSurroundings
  /** The files that a process wrote when it last carried out a task. */
  readonly #made = new Map<string, readonly string[]>()
  #refusedInCalm = 0
  #historyMade = Promise.withResolvers<string>()

  constructor(tables: ReadonlyMap<string, SimulatedTable>, around: ListenerSurroundings) {
    this.#tables = tables
    this.#around = around
  }

  /** Resolves with the name of the process that reads history next, when it has read some. */
  nextHistory(): Promise<string> {
    this.#historyMade = Promise.withResolvers()
    return this.#historyMade.promise
  }

  /** What a process with a queue of its own made of a task. */
  made(process: string, { task, files, parts }: TaskResult): void {
    if (parts.some(({ history }) => history === true)) this.#historyMade.resolve(process)
    this.#made.set(
      `${process} ${task.id}`,
      files.map(({ filePath }) => filePath),
    )
  }

  /** What a processor says: nothing stops a table, or takes a log for another, without a reason. */
  hear(process: string, level: keyof Journal, message: string, fields: JournalFields): void {
    const error = fields.error
    if (message === 'result refused, planned again') {
      const { committed, checker } = this.#tables.get(String(fields.table))!
      // A commit whose snapshot others have expired can not be found any more.
      const known = this.#made.get(`${process} ${String(fields.task)}`)?.find((path) => {
        const landed = committed.get(path)
        return landed?.by === process && snapshotById(checker.metadata!, landed.snapshotId) !== undefined
      })
      if (known !== undefined)
        this.bug ??= { error: new InvariantBroken('a process knows what it has committed', `${process} refuses a result with ${known}`) }
      if (this.isCalm && ++this.#refusedInCalm > mostRefusedInCalm)
        this.bug ??= { error: new InvariantBroken('a run comes to its end', `${process} has results refused again and again`) }
    }
    if (level !== 'error') return
    if (message === 'table stopped' && error instanceof WorkError) this.#hearTable(process, String(fields.table), error)
    if (message === 'partition stopped' && fields.fault === undefined)
      this.#hearPartition(process, `${String(fields.topic)}/${String(fields.partition)}`, String(fields.key), String(fields.reason))
  }

  #hearTable(process: string, name: string, error: WorkError): void {
    const { excuses, clock } = this.#around
    // A commit that lost as many committers as a task may lose is given back, and the table is opened again some minutes later.
    if (error instanceof TaskSetAside && excuses.explainsSetAside(name)) return
    // Who stood still goes on with metadata whose files were expired meanwhile, and looks anew some minutes later. Others see to it that
    // nothing goes that is still named. An error that came over a queue has no cause any more.
    const notFound = error.cause instanceof ObjectNotFound ? error.cause.message : error.message
    if (excuses.explainsNotFound(notFound)) return
    if (error.retry !== 'never') return
    const table = this.#tables.get(name)!
    table.stoppedMs.set(process, clock.now())
    table.stops++
    const saysSo = /rolled back or replaced|replaced or rolled back/.test(error.message)
    if (!table.foreign.everRolledBack || !saysSo)
      this.bug ??= { error: new InvariantBroken('tables stop for a reason', `${process}: ${error.message}`) }
  }

  #hearPartition(process: string, log: string, key: string, reason: string): void {
    const { excuses, faults, model, poison } = this.#around
    if (reason.includes('set aside after')) {
      const poisonous = /nobody has thought of (\S+\.kfs)/.exec(reason)?.[1]
      if (poisonous === undefined ? excuses.explainsSetAside(key) : poison.explainsStop(poisonous)) return
    }
    if (reason.startsWith('the log was restarted')) {
      if (!this.isCalm && model.restarted.has(log)) return
      if (model.looksRestarted(log) || model.looksRestarted(`${log}#2`)) {
        faults.add('restart-suspected')
        this.suspected.add(log)
        return
      }
    }
    this.bug ??= { error: new InvariantBroken('partitions stop for a reason', `${process}: ${log}: ${reason}`) }
  }
}
