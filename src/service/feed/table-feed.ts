import { elapsedMs } from '../../model/elapsed.ts'
import { WorkError } from '../../model/failure.ts'
import { noRequests } from '../../model/requests.ts'
import type { Task } from '../../model/task.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { TranslatedPart } from '../../model/translated-part.ts'
import { priorityBands, TaskSetAside } from '../../seams/task-queue.ts'
import { decidesNothing } from '../../pipeline/commit/select-results.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import type { CommitReport } from './committer.ts'
import type { Commits } from './commits.ts'
import { EagerRounds } from './eager-rounds.ts'
import type { FeedOptions, FeedSeams } from './feed-options.ts'
import { holdsMuch, isFull, type UnderWay } from './feed-room.ts'
import { tellCommit, tellGaps, tellPart, tellPaused, tellStarts, setAsideReason, type Telling } from './feed-telling.ts'
import type { TaskResult } from '../../pipeline/flow.ts'
import { Lineage, type Planned } from './lineage.ts'
import { isEmpty, type PlanRound, type TailPlanner } from './planner.ts'
import { Setbacks } from './setbacks.ts'
import { Waking } from './waking.ts'
import { whenAborted } from './when-aborted.ts'
import type { TaskTarget } from '../tasks/worker.ts'

/** Where what was read and not committed has come to its bound, it is committed this long after the last commit, ms. */
const fullCommitMs = 1000

/** Failures in a row after which `--once` gives a table up. */
const maxFailures = 5

/**
 * Feeds one table: plans its tail, has the tasks carried out, and commits what comes back, once an interval. Everything held here
 * can be lost: the next feed of the table starts from what the table says.
 *
 * A result that does not follow what stands before it any more (`Lineage`) is dropped: its files become orphans, its segments are
 * planned again.
 */
export class TableFeed {
  readonly #options: FeedOptions
  readonly #planner: TailPlanner
  readonly #committer: Commits
  readonly #target: TaskTarget
  readonly #seams: FeedSeams
  readonly #telling: Telling
  readonly #lineage = new Lineage()
  readonly #setbacks: Setbacks
  readonly #inFlight = new Map<string, Planned>()
  #pending: { result: TaskResult; planned: Planned }[] = []
  #state: TableState
  #lastCommitMs = Number.NEGATIVE_INFINITY
  #lastCheckMs = Number.NEGATIVE_INFINITY
  /** When the state was the table's. */
  #seenMs: number
  /** Tasks that are waited for no more: what becomes of them changes nothing. */
  #abandoned = 0
  readonly #waking: Waking
  readonly #eager: EagerRounds

  constructor(options: FeedOptions, planner: TailPlanner, committer: Commits, target: TaskTarget, state: TableState, seams: FeedSeams) {
    this.#options = options
    this.#planner = planner
    this.#committer = committer
    this.#target = target
    this.#state = state
    this.#seams = seams
    this.#setbacks = new Setbacks(options.table, seams)
    this.#waking = new Waking(seams.clock)
    this.#eager = new EagerRounds(options.commitIntervalMs, seams.clock.now())
    this.#telling = { table: options.table, journal: seams.journal, meter: seams.meter }
    this.#seenMs = seams.clock.now()
    tellPaused(this.#telling, noRequests, state.requests)
  }

  /**
   * Runs until `signal` aborts (then finishes what is under way and commits it) or, with `once`, until all that was there at first is decided.
   * What is still under way when `hurry` aborts is given up. `partitions` is asked anew for each round. Returns whether every
   * topic-partition went through and nothing was given up; throws what stops the table.
   */
  async run(partitions: () => Promise<readonly TopicPartition[]>, signal: AbortSignal, hurry: AbortSignal): Promise<boolean> {
    const { clock, watch } = this.#seams
    const { once, commitIntervalMs } = this.#options
    watch.feeding(() => ({ state: this.#state, stops: this.#planner.stops, tasks: this.#inFlight.size, results: this.#pending.length }))
    let nextPlanMs = Number.NEGATIVE_INFINITY
    let round: PlanRound | null = null
    let retryCommitMs = Number.NEGATIVE_INFINITY
    let latestMs = clock.now()
    while (!signal.aborted) {
      const nowMs = clock.now()
      if (nowMs < latestMs) {
        // The clock was set back: what is due at a time of before would wait for that to come again.
        if (nextPlanMs !== Infinity) nextPlanMs = nowMs
        retryCommitMs = Math.min(retryCommitMs, nowMs)
        this.#lastCommitMs = Math.min(this.#lastCommitMs, nowMs)
      }
      latestMs = nowMs
      const commitDueMs = this.#lastCommitMs + commitIntervalMs
      if (clock.now() >= Math.min(nextPlanMs, this.#eagerMs(commitDueMs)) && !this.#isFull()) {
        const isEarly = clock.now() < Math.min(nextPlanMs, commitDueMs)
        this.#eager.begin(clock.now())
        round = await this.#setbacks.attempt('plan', () => this.#plan(partitions))
        nextPlanMs = round === null || round.more ? clock.now() + this.#setbacks.pauseMs : this.#nextPlan(round)
        if (isEarly && (round?.tasks.length ?? 0) > 0) this.#eager.spend()
      }
      const idle = this.#inFlight.size === 0
      // With `once` nobody looks again before what is under way has ended: each look is a LIST for every topic-partition.
      if (idle && nextPlanMs === Infinity) nextPlanMs = clock.now() + this.#setbacks.pauseMs
      const intervalMs = once && idle ? Number.NEGATIVE_INFINITY : this.#holdsMuch() ? fullCommitMs : commitIntervalMs
      const dueMs = Math.max(retryCommitMs, this.#lastCommitMs + intervalMs)
      if (this.#pending.length > 0 && clock.now() >= dueMs) {
        await this.#setbacks.attempt('commit', () => this.#commit())
        nextPlanMs = Math.min(nextPlanMs, clock.now() + this.#setbacks.pauseMs)
        if (this.#setbacks.of('commit') === 0) continue
        retryCommitMs = clock.now() + this.#setbacks.pauseMs
      }
      // Nothing is left to do: what failed was done otherwise, or is gone.
      if (idle && round !== null && isEmpty(round)) this.#setbacks.clear('task')
      await this.#setbacks.attempt('keepAlive', () => this.#keepAlive())
      this.#setbacks.throwFatal()
      if (once) this.#setbacks.throwAfter(maxFailures)
      if (once && idle && this.#setbacks.worst === 0 && round !== null && isEmpty(round)) break
      const planMs = this.#isFull() ? Infinity : Math.min(nextPlanMs, this.#eagerMs(commitDueMs))
      await this.#nap(Math.min(planMs, this.#pending.length > 0 ? Math.max(dueMs, retryCommitMs) : Infinity), signal)
    }
    const drained = await this.#drain(hurry)
    // The last commit is seen by nobody else before the next run: a catalog that confirmed it and does not have it is found out here.
    if (once && Number.isFinite(this.#lastCommitMs)) await this.#committer.load()
    return drained && this.#planner.stops.length === 0
  }

  /** What the table says, as far as this feed knows. */
  get state(): TableState {
    return this.#state
  }

  /** The source has told of something new: it is planned soon. */
  tellNews(): void {
    this.#eager.tell(this.#seams.clock.now())
    this.#waking.rouse()
  }

  #eagerMs(commitDueMs: number): number {
    return this.#setbacks.worst === 0 ? this.#eager.dueMs(this.#seams.clock.now(), commitDueMs) : Infinity
  }

  /**
   * Waits for the tasks under way in this process and commits them: what was handed out is finished, not thrown away, unless `hurry`
   * aborts before. What others carry out is theirs to finish; the table's next feed gets it from the queue.
   */
  async #drain(hurry: AbortSignal): Promise<boolean> {
    const open = [...this.#inFlight.keys()]
    await Promise.all(open.map(async (id) => (await this.#seams.queue.withdraw(id)) && this.#inFlight.delete(id)))
    const hurried = whenAborted(hurry)
    while (this.#inFlight.size > 0 && !hurry.aborted) await Promise.race([this.#waking.next, hurried])
    this.#setbacks.throwFatal()
    this.#abandoned = this.#inFlight.size
    for (let i = 0; i < maxFailures && this.#pending.length > 0; i++) {
      const before = this.#pending.length
      await this.#setbacks.attempt('commit', () => this.#commit())
      if (this.#setbacks.of('commit') === 0 && this.#pending.length === before) break
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
    const [open, paused] = [known.filter(({ topic }) => !this.#isPaused(topic)), known.filter(({ topic }) => this.#isPaused(topic))]
    const round = await this.#planner.plan(open, this.#state, () => this.#pausedNow())
    for (const task of round.tasks) this.#submit(this.#lineage.plan(task))
    if (round.marks.length > 0) {
      this.#see((await this.#committer.commit([], round.marks)).state)
      tellStarts(this.#telling, round.marks)
    }
    if (!this.#options.once) await this.#planner.look(paused, this.#state)
    this.#seams.watch.planned(known)
    return round
  }

  #isPaused(topic: string): boolean {
    return this.#state.requests.pause.includes(topic)
  }

  /** The topics that are paused, by a state of the table that is no older than an interval. */
  async #pausedNow(): Promise<readonly string[]> {
    if (elapsedMs(this.#seams.clock.now(), this.#seenMs) >= this.#options.commitIntervalMs) this.#see((await this.#committer.load()).state)
    return this.#state.requests.pause
  }

  /** From now on this is what the table says. */
  #see(state: TableState): void {
    tellPaused(this.#telling, this.#state.requests, state.requests)
    this.#state = state
    this.#seenMs = this.#seams.clock.now()
  }

  #submit(planned: Planned): void {
    const { task } = planned
    const priority = priorityBands.tail + this.#inFlight.size
    this.#inFlight.set(task.id, planned)
    const done = (then: () => void) => {
      if (this.#abandoned > 0) return
      this.#inFlight.delete(task.id)
      then()
      this.#waking.rouse()
    }
    this.#seams.queue.submit(task.id, { task, table: this.#options.table, target: this.#target }, priority).then(
      (result) => done(() => this.#receive(result, planned)),
      (error: unknown) => done(() => (error instanceof TaskSetAside ? this.#setAside(planned, error) : this.#fail(planned, error))),
    )
  }

  #receive(result: TaskResult, planned: Planned): void {
    if (this.#lineage.isStale(planned)) {
      this.#dropAll(planned)
      return
    }
    for (const part of result.parts) {
      tellPart(this.#telling, part)
      if (part.ended === null) continue
      // What was planned behind the place where this part ended does not follow it any more; this result, and those before it, stand.
      this.#lineage.endAt(part.at, planned)
      this.#planner.block(part.at)
    }
    if (decidesNothing(result)) {
      this.#seams.queue.forget(planned.task.id)
      this.#settleEmpty(result)
      return
    }
    this.#setbacks.clear('task')
    this.#pending.push({ result, planned })
  }

  /** A result that decided nothing needs no commit; an object that is listed and can not be had is asked for ever more slowly. */
  #settleEmpty(result: TaskResult): void {
    for (const part of result.parts) {
      this.#settlePart(part)
      if (part.ended?.kind !== 'changed') continue
      this.#setbacks.note(
        'task',
        new WorkError(`${part.ended.segment.key} was listed, and is gone or has other bytes now`, { retry: 'later' }),
      )
    }
  }

  #fail(planned: Planned, error: unknown): void {
    this.#setbacks.note('task', error)
    this.#dropAll(planned)
  }

  /**
   * A task that fails unexpectedly, or takes its workers with it, must not keep others back: each of its topic-partitions is tried alone,
   * and one that fails alone is stopped. Planning tries that one again after a while, or when its segment was written again.
   */
  #setAside(planned: Planned, error: TaskSetAside): void {
    const { task } = planned
    if (this.#lineage.isStale(planned)) return this.#dropAll(planned)
    this.#seams.meter.add('task.set-aside')
    if (task.parts.length > 1) {
      this.#seams.journal.error('task set aside, its topic-partitions are tried one by one', { ...this.#where(task), error })
      this.#seams.queue.forget(task.id)
      for (const alone of this.#planner.apart(task)) this.#submit({ ...planned, task: alone })
      return
    }
    // It is not forgotten: the queue tells of it as long as it keeps it.
    this.#restartAll(planned)
    const [{ at, segments }] = task.parts
    this.#planner.stop({ at, segment: segments[0], fault: null, reason: setAsideReason(segments, error) })
  }

  #where(task: Task): { table: string; task: string; partitions: string[] } {
    return { table: this.#options.table, task: task.id, partitions: task.parts.map(({ at }) => topicPartitionName(at)) }
  }

  /** The task's topic-partitions are planned again from the table, unless that has happened already. */
  #dropAll(planned: Planned): void {
    this.#seams.queue.forget(planned.task.id)
    this.#restartAll(planned)
  }

  #restartAll(planned: Planned): void {
    for (const { at } of planned.task.parts) if (this.#lineage.holds(planned, at)) this.#restart(at)
  }

  #restart(at: TopicPartition): void {
    this.#lineage.begin(at)
    this.#planner.reset(at)
  }

  async #commit(): Promise<void> {
    const stale = this.#pending.filter(({ planned }) => this.#lineage.isStale(planned))
    this.#pending = this.#pending.filter(({ planned }) => !this.#lineage.isStale(planned))
    for (const { planned } of stale) this.#dropAll(planned)
    if (this.#pending.length === 0) return
    const offered = this.#pending.map(({ result }) => result)
    this.#settle(offered, await this.#committer.commit(offered))
  }

  #settle(offered: readonly TaskResult[], report: CommitReport): void {
    const { clock, journal, meter, queue } = this.#seams
    this.#see(report.state)
    this.#lastCommitMs = this.#lastCheckMs = clock.now()
    if (report.committed.length > 0) this.#seams.watch.committed()
    const judged = new Set(offered)
    const held = this.#pending.filter(({ result }) => report.held.includes(result))
    // What came in while the commit was under way waits for the next one.
    const arrived = this.#pending.filter(({ result }) => !judged.has(result))
    this.#pending = [...held, ...arrived]
    for (const { result, reason } of report.refused) {
      queue.forget(result.task.id)
      meter.add('results.refused', 1, { table: this.#options.table })
      journal.info('result refused, planned again', { table: this.#options.table, task: result.task.id, reason })
      for (const { at } of result.task.parts) this.#restart(at)
      for (const { at, first } of result.parts) if (!first.settled) this.#planner.wait(at, first)
    }
    for (const result of report.committed) {
      queue.forget(result.task.id)
      for (const part of result.parts) this.#settlePart(part)
    }
    for (const { at, range } of report.gaps) tellGaps(this.#telling, at, [range])
    if (report.committed.length > 0) tellCommit(this.#telling, report.committed, report.state)
    // Nothing is under way that they could follow: they would wait for good.
    if (this.#inFlight.size > 0 || arrived.length > 0) return
    for (const { result } of this.#pending.splice(0)) {
      queue.forget(result.task.id)
      for (const { at } of result.task.parts) this.#restart(at)
    }
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
    if (elapsedMs(clock.now(), this.#lastCheckMs) < Math.min(keepAliveMs, 3_600_000) || this.#state.newest === null) return
    this.#lastCheckMs = clock.now()
    // A state that was seen a moment ago tells as well.
    if (elapsedMs(clock.now(), this.#seenMs) >= this.#options.commitIntervalMs) this.#see((await this.#committer.load()).state)
    const { newest } = this.#state
    if (newest === null) return
    if (newest['snapshot-id'] === this.#state.snapshotId && clock.now() - newest['timestamp-ms'] < keepAliveMs) return
    this.#see((await this.#committer.commit([], [], true)).state)
  }

  #isFull(): boolean {
    return isFull(this.#underWay(), this.#options.bounds)
  }

  #holdsMuch(): boolean {
    return holdsMuch(this.#underWay(), this.#options.bounds)
  }

  #underWay(): UnderWay {
    const waiting = this.#pending.map(({ result }) => result.task)
    return { tasks: [...this.#inFlight.values()].map(({ task }) => task), waiting, commitsFail: this.#setbacks.of('commit') > 0 }
  }

  #nextPlan(round: PlanRound): number {
    const { once, commitIntervalMs } = this.#options
    const now = this.#seams.clock.now()
    if (!once) return now + commitIntervalMs
    if (round.readyInMs !== null) return now + Math.max(100, round.readyInMs)
    return this.#inFlight.size > 0 ? Infinity : now + this.#setbacks.pauseMs
  }

  async #nap(untilMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#seams
    const busy = this.#inFlight.size > 0
    const ms = Math.max(0, Math.min(untilMs - clock.now(), this.#options.commitIntervalMs))
    await this.#waking.sleep(busy ? Math.max(ms, 1) : ms, signal)
  }
}
