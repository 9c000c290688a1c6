import { WorkError } from '../model/failure.ts'
import { noRequests } from '../model/requests.ts'
import type { Task } from '../model/task.ts'
import { type TopicPartition, topicPartitionName } from '../model/topic-partition.ts'
import type { TranslatedPart } from '../model/translated-part.ts'
import type { Clock } from '../seams/clock.ts'
import type { Journal } from '../seams/journal.ts'
import type { Meter } from '../seams/meter.ts'
import type { TaskQueue } from '../seams/task-queue.ts'
import type { TableState } from './commit/table-state.ts'
import { type CommitReport, TableChanged, type TableCommitter } from './committer.ts'
import { tellCommit, tellGaps, tellPart, tellPaused, type Telling } from './feed-telling.ts'
import type { TaskResult } from './flow.ts'
import type { PlanRound, TailPlanner } from './planner.ts'
import { whenAborted } from './when-aborted.ts'
import type { TaskTarget } from './worker.ts'

/** A task with the table it feeds. */
export interface TablePayload {
  readonly task: Task
  readonly table: string
  readonly target: TaskTarget
}

export interface FeedOptions {
  readonly table: string
  readonly commitIntervalMs: number
  /** Tasks planned and not yet finished, at most. */
  readonly maxTasksInFlight: number
  /** Our newest snapshot is renewed before it is this old or when others have committed since; null: never only for that. */
  readonly keepAliveMs: number
  readonly once: boolean
}

export interface FeedSeams {
  readonly queue: TaskQueue<TablePayload, TaskResult>
  readonly clock: Clock
  readonly journal: Journal
  readonly meter: Meter
}

/** What can fail and be tried again, each counted for itself. */
type Step = 'plan' | 'task' | 'commit' | 'keepAlive'

/** When a task was planned: what shows whether its result still fits. */
interface Planned {
  /** Tasks are numbered as they are handed out, which is in offset order within each topic-partition. */
  readonly order: number
  /** The generation of each of its topic-partitions then. */
  readonly generations: ReadonlyMap<string, number>
}

/** Failures in a row after which `--once` gives a table up. */
const maxFailures = 5

/**
 * Feeds one table: plans its tail, has the tasks carried out, and commits what comes back, once an interval. Everything held here
 * can be lost: the next feed of the table starts from what the table says.
 *
 * A task remembers the generation of each of its topic-partitions. Resetting a topic-partition begins a new generation, and results
 * of older ones are dropped: their files become orphans, their segments are planned again.
 */
export class TableFeed {
  readonly #options: FeedOptions
  readonly #planner: TailPlanner
  readonly #committer: TableCommitter
  readonly #target: TaskTarget
  readonly #seams: FeedSeams
  readonly #telling: Telling
  readonly #generations = new Map<string, number>()
  readonly #inFlight = new Set<string>()
  /** Where each topic-partition's part ended before its last segment: the task in which it did. Tasks planned behind it do not follow it. */
  readonly #ends = new Map<string, number>()
  #submitted = 0
  #pending: { result: TaskResult; planned: Planned }[] = []
  #state: TableState
  readonly #failures: Record<Step, number> = { plan: 0, task: 0, commit: 0, keepAlive: 0 }
  #failedBecause: Error | null = null
  /** Thrown by the loop: the table, or this program, can not go on. */
  #fatal: Error | null = null
  #lastCommitMs = Number.NEGATIVE_INFINITY
  #lastCheckMs: number
  /** When the state was the table's. */
  #seenMs: number
  /** Tasks that are waited for no more: what becomes of them changes nothing. */
  #abandoned = 0
  #wake = Promise.withResolvers<void>()

  constructor(
    options: FeedOptions,
    planner: TailPlanner,
    committer: TableCommitter,
    target: TaskTarget,
    state: TableState,
    seams: FeedSeams,
  ) {
    this.#options = options
    this.#planner = planner
    this.#committer = committer
    this.#target = target
    this.#state = state
    this.#seams = seams
    this.#telling = { table: options.table, journal: seams.journal, meter: seams.meter }
    this.#lastCheckMs = this.#seenMs = seams.clock.now()
    tellPaused(this.#telling, noRequests, state.requests)
  }

  /**
   * Runs until `signal` aborts (then finishes what is under way and commits it) or, with `once`, until everything visible is decided.
   * What is still under way when `hurry` aborts is given up. `partitions` is asked anew for each round. Returns whether every
   * topic-partition went through and nothing was given up; throws what stops the table.
   */
  async run(partitions: () => Promise<readonly TopicPartition[]>, signal: AbortSignal, hurry: AbortSignal): Promise<boolean> {
    const { clock } = this.#seams
    const { once, commitIntervalMs } = this.#options
    let nextPlanMs = Number.NEGATIVE_INFINITY
    let round: PlanRound | null = null
    let retryCommitMs = Number.NEGATIVE_INFINITY
    while (!signal.aborted) {
      if (clock.now() >= nextPlanMs && this.#inFlight.size < this.#options.maxTasksInFlight) {
        round = await this.#attempt('plan', () => this.#plan(partitions))
        nextPlanMs = round === null || round.more ? clock.now() + this.#pauseMs() : this.#nextPlan(round)
      }
      const idle = this.#inFlight.size === 0
      // With `once` nobody looks again before what is under way has ended: each look is a LIST for every topic-partition.
      if (idle && nextPlanMs === Infinity) nextPlanMs = clock.now() + this.#pauseMs()
      const dueMs = Math.max(retryCommitMs, once && idle ? Number.NEGATIVE_INFINITY : this.#lastCommitMs + commitIntervalMs)
      if (this.#pending.length > 0 && clock.now() >= dueMs) {
        await this.#attempt('commit', () => this.#commit())
        nextPlanMs = Math.min(nextPlanMs, clock.now() + this.#pauseMs())
        if (this.#failures.commit === 0) continue
        retryCommitMs = clock.now() + this.#pauseMs()
      }
      // Nothing is left to do: what failed was done otherwise, or is gone.
      if (idle && round !== null && isEmpty(round)) this.#failures.task = 0
      await this.#attempt('keepAlive', () => this.#keepAlive())
      if (this.#fatal !== null) throw this.#fatal
      if (once && this.#worst() >= maxFailures) throw this.#failedBecause!
      if (once && idle && this.#worst() === 0 && round !== null && isEmpty(round)) break
      await this.#nap(Math.min(nextPlanMs, this.#pending.length > 0 ? Math.max(dueMs, retryCommitMs) : Infinity), signal)
    }
    const drained = await this.#drain(hurry)
    // The last commit is seen by nobody else before the next run: a catalog that confirmed it and does not have it is found out here.
    if (once && Number.isFinite(this.#lastCommitMs)) await this.#committer.load()
    return drained && this.#planner.stops.length === 0
  }

  /** Waits for the tasks under way and commits them: what was handed out is finished, not thrown away, unless `hurry` aborts before. */
  async #drain(hurry: AbortSignal): Promise<boolean> {
    for (const id of this.#inFlight) if (this.#seams.queue.withdraw(id)) this.#inFlight.delete(id)
    const hurried = whenAborted(hurry)
    while (this.#inFlight.size > 0 && !hurry.aborted) await Promise.race([this.#wake.promise, hurried])
    if (this.#fatal !== null) throw this.#fatal
    this.#abandoned = this.#inFlight.size
    for (let i = 0; i < maxFailures && this.#pending.length > 0; i++) {
      const before = this.#pending.length
      await this.#attempt('commit', () => this.#commit())
      if (this.#failures.commit === 0 && this.#pending.length === before) break
    }
    if (this.#abandoned === 0) return true
    this.#seams.journal.warn('stopped before all that was under way was finished; the next start does it again', {
      table: this.#options.table,
      tasks: this.#abandoned,
    })
    return false
  }

  async #plan(partitions: () => Promise<readonly TopicPartition[]>): Promise<PlanRound> {
    const known = await partitions()
    // Who waits for a topic to be resumed looks; who has something to do looks before doing it; who is idle does not.
    if (known.some(({ topic }) => this.#isPaused(topic))) this.#see((await this.#committer.load()).state)
    const open = known.filter(({ topic }) => !this.#isPaused(topic))
    const round = await this.#planner.plan(open, this.#state, () => this.#pausedNow())
    for (const task of round.tasks) this.#submit(task)
    if (round.marks.length > 0) this.#see((await this.#committer.commit([], round.marks)).state)
    return round
  }

  #isPaused(topic: string): boolean {
    return this.#state.requests.pause.includes(topic)
  }

  /** The topics that are paused, by a state of the table that is no older than an interval. */
  async #pausedNow(): Promise<readonly string[]> {
    if (this.#seams.clock.now() - this.#seenMs >= this.#options.commitIntervalMs) this.#see((await this.#committer.load()).state)
    return this.#state.requests.pause
  }

  /** From now on this is what the table says. */
  #see(state: TableState): void {
    tellPaused(this.#telling, this.#state.requests, state.requests)
    this.#state = state
    this.#seenMs = this.#seams.clock.now()
  }

  #submit(task: Task): void {
    const planned: Planned = {
      order: ++this.#submitted,
      generations: new Map(task.parts.map(({ at }) => [topicPartitionName(at), this.#generation(at)])),
    }
    const { table } = this.#options
    this.#inFlight.add(task.id)
    const done = (then: () => void) => {
      if (this.#abandoned > 0) return
      this.#inFlight.delete(task.id)
      then()
      this.#wake.resolve()
      this.#wake = Promise.withResolvers<void>()
    }
    this.#seams.queue.submit(task.id, { task, table, target: this.#target }).then(
      (result) => done(() => this.#receive(result, planned)),
      (error: unknown) => done(() => this.#fail(task, planned, error)),
    )
  }

  #receive(result: TaskResult, planned: Planned): void {
    if (this.#isStale(planned)) {
      this.#dropAll(result.task, planned)
      return
    }
    for (const part of result.parts) {
      tellPart(this.#telling, part)
      if (part.ended === null) continue
      // What was planned behind the place where this part ended does not follow it any more; this result, and those before it, stand.
      const name = topicPartitionName(part.at)
      this.#ends.set(name, Math.min(planned.order, this.#ends.get(name) ?? Infinity))
      this.#planner.block(part.at)
    }
    if (decidesNothing(result)) {
      this.#settleEmpty(result)
      return
    }
    this.#failures.task = 0
    this.#pending.push({ result, planned })
  }

  /** A result that decided nothing needs no commit; an object that is listed and can not be had is asked for ever more slowly. */
  #settleEmpty(result: TaskResult): void {
    for (const part of result.parts) {
      this.#settlePart(part)
      if (part.ended?.kind !== 'changed') continue
      this.#noteFailure(
        'task',
        new WorkError(`${part.ended.segment.key} was listed, and is gone or has other bytes now`, { retry: 'later' }),
      )
    }
  }

  #fail(task: Task, planned: Planned, error: unknown): void {
    this.#noteFailure('task', error)
    this.#dropAll(task, planned)
  }

  /** The task's topic-partitions are planned again from the table, unless that has happened already. */
  #dropAll(task: Task, planned: Planned): void {
    for (const { at } of task.parts) if (this.#holds(planned, topicPartitionName(at))) this.#restart(at)
  }

  #restart(at: TopicPartition): void {
    const name = topicPartitionName(at)
    this.#generations.set(name, this.#generation(at) + 1)
    this.#ends.delete(name)
    this.#planner.reset(at)
  }

  async #commit(): Promise<void> {
    const stale = this.#pending.filter(({ planned }) => this.#isStale(planned))
    this.#pending = this.#pending.filter(({ planned }) => !this.#isStale(planned))
    for (const { result, planned } of stale) this.#dropAll(result.task, planned)
    if (this.#pending.length === 0) return
    const offered = this.#pending.map(({ result }) => result)
    this.#settle(offered, await this.#committer.commit(offered))
  }

  #settle(offered: readonly TaskResult[], report: CommitReport): void {
    const { clock, journal, meter } = this.#seams
    this.#see(report.state)
    this.#lastCommitMs = this.#lastCheckMs = clock.now()
    const judged = new Set(offered)
    const held = this.#pending.filter(({ result }) => report.held.includes(result))
    // What came in while the commit was under way waits for the next one.
    const arrived = this.#pending.filter(({ result }) => !judged.has(result))
    this.#pending = [...held, ...arrived]
    for (const { result, reason } of report.refused) {
      meter.add('results.refused', 1, { table: this.#options.table })
      journal.info('result refused, planned again', { table: this.#options.table, task: result.task.id, reason })
      for (const { at } of result.task.parts) this.#restart(at)
      for (const { at, first } of result.parts) if (!first.settled) this.#planner.wait(at, first)
    }
    for (const result of report.committed) for (const part of result.parts) this.#settlePart(part)
    for (const { at, range } of report.gaps) tellGaps(this.#telling, at, [range])
    if (report.committed.length > 0) tellCommit(this.#telling, report.committed, report.state)
    // Nothing is under way that they could follow: they would wait for good.
    if (this.#inFlight.size > 0 || arrived.length > 0) return
    for (const { result } of this.#pending.splice(0)) for (const { at } of result.task.parts) this.#restart(at)
  }

  #settlePart({ at, ended }: TranslatedPart): void {
    if (ended === null) return
    this.#restart(at)
    const { segment } = ended
    if (ended.kind === 'fault') {
      const { fault, awaitsNext } = ended
      this.#planner.stop({ at, segment, fault, reason: fault.message, awaitsNext })
    } else if (ended.kind === 'unreadable') this.#planner.stop({ at, segment, fault: null, reason: ended.reason })
    else if (ended.kind === 'unsettled') this.#planner.wait(at, segment)
  }

  /** An empty snapshot that carries the progress, when others have committed since ours or it has come of age: it must not be expired. */
  async #keepAlive(): Promise<void> {
    const { clock } = this.#seams
    const { keepAliveMs } = this.#options
    if (clock.now() - this.#lastCheckMs < Math.min(keepAliveMs, 3_600_000) || this.#state.newest === null) return
    this.#lastCheckMs = clock.now()
    const { state } = await this.#committer.load()
    const newest = state.newest
    this.#see(state)
    if (newest === null) return
    if (newest['snapshot-id'] === state.snapshotId && clock.now() - newest['timestamp-ms'] < keepAliveMs) return
    this.#see((await this.#committer.commit([], [], true)).state)
  }

  /** Does a step; a failure that may pass is noted and slows the feed down, any other stops the table. */
  async #attempt<T>(kind: Step, step: () => Promise<T>): Promise<T | null> {
    try {
      const done = await step()
      this.#failures[kind] = 0
      return done
    } catch (error) {
      this.#noteFailure(kind, error)
      if (this.#fatal !== null) throw this.#fatal
      return null
    }
  }

  #noteFailure(kind: Step, error: unknown): void {
    this.#failedBecause = error instanceof Error ? error : new Error(String(error))
    if (!(error instanceof WorkError) || error.retry === 'never' || error instanceof TableChanged) {
      this.#fatal ??= this.#failedBecause
      return
    }
    const failures = ++this.#failures[kind]
    this.#seams.meter.add(`failures.${kind}`, 1, { table: this.#options.table })
    this.#seams.journal.warn('work failed and is tried again', { table: this.#options.table, step: kind, failures, error })
  }

  #worst(): number {
    return Math.max(...Object.values(this.#failures))
  }

  /** 0 while all goes well, else 1 s doubling up to a minute. */
  #pauseMs(): number {
    return this.#worst() === 0 ? 0 : Math.min(1000 * 2 ** (this.#worst() - 1), 60_000)
  }

  #nextPlan(round: PlanRound): number {
    const { once, commitIntervalMs } = this.#options
    const now = this.#seams.clock.now()
    if (!once) return now + commitIntervalMs
    if (round.readyInMs !== null) return now + Math.max(100, round.readyInMs)
    return this.#inFlight.size > 0 ? Infinity : now + this.#pauseMs()
  }

  async #nap(untilMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#seams
    const busy = this.#inFlight.size > 0
    const ms = Math.max(0, Math.min(untilMs - clock.now(), this.#options.commitIntervalMs))
    const isFull = this.#inFlight.size >= this.#options.maxTasksInFlight
    const rouse = new AbortController()
    const stop = () => rouse.abort()
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    if (busy) void this.#wake.promise.then(stop)
    await (isFull ? whenAborted(rouse.signal) : clock.sleep(busy ? Math.max(ms, 1) : ms, rouse.signal))
    signal.removeEventListener('abort', stop)
  }

  #generation(at: TopicPartition): number {
    return this.#generations.get(topicPartitionName(at)) ?? 0
  }

  #isStale(planned: Planned): boolean {
    return [...planned.generations.keys()].some((name) => !this.#holds(planned, name))
  }

  /** Whether what was planned of a topic-partition still follows what stands before it. */
  #holds({ order, generations }: Planned, name: string): boolean {
    return generations.get(name) === (this.#generations.get(name) ?? 0) && order <= (this.#ends.get(name) ?? Infinity)
  }
}

/** Whether a commit of the result would change nothing: no row, no offset, no segment passed. */
function decidesNothing({ files, parts }: TaskResult): boolean {
  return files.length === 0 && parts.every(({ ranges, last }) => ranges.length === 0 && last === null)
}

/** Nothing to do, nothing to wait for. */
function isEmpty({ tasks, marks, more, readyInMs }: PlanRound): boolean {
  return tasks.length === 0 && marks.length === 0 && !more && readyInMs === null
}
