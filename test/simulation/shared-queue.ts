import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { WorkError } from '../../src/model/failure.ts'
import type { TaskResult } from '../../src/pipeline/flow.ts'
import type { TablePayload } from '../../src/pipeline/table-feed.ts'
import type { Claim, TaskQueue } from '../../src/seams/task-queue.ts'
import type { Life } from './life.ts'
import type { Surroundings } from './process-seams.ts'

type Outcome = { readonly result: TaskResult } | { readonly error: WorkError }

/** A task that is offered or, with a claim, carried out. */
interface Entry {
  readonly id: string
  readonly payload: TablePayload
  claim: { leaseUntilMs: number } | null
}

/** A process that waits for a task's outcome. */
interface Submission {
  readonly id: string
  readonly life: Life
  readonly payload: TablePayload
  readonly settle: PromiseWithResolvers<TaskResult>
}

type Around = Pick<Surroundings, 'clock' | 'faults' | 'log' | 'weather'>

const leaseMs = 30_000
const renewMs = 10_000
/** An outcome is kept this long for whoever submits the same task. */
const keptMs = 600_000
/** Who has submitted a task looks after it this often. */
const lookMs = 20_000

/**
 * One queue for all processes, on a server that can lose everything at any moment. A task whose worker died or stood still goes to
 * another when its lease is over; both may complete it, and then both results are delivered.
 */
export class SharedQueue {
  readonly #around: Around
  readonly #entries = new Map<string, Entry>()
  readonly #kept = new Map<string, { readonly outcome: Outcome; readonly untilMs: number }>()
  readonly #submissions = new Set<Submission>()
  readonly #waiting: { readonly life: Life; readonly take: (entry: Entry | null) => void }[] = []

  constructor(around: Around) {
    this.#around = around
  }

  /** Loses its state now and then until the time has come. */
  async run(random: SeededRandom, untilMs: number): Promise<void> {
    const { clock, faults, log, weather } = this.#around
    while (clock.now() < untilMs) {
      await clock.sleep(10_000 + random.below(60_000))
      if (!weather.strikes(random, 0.15)) continue
      faults.add('queue-flushed')
      log.add('queue', 'is flushed')
      this.#entries.clear()
      this.#kept.clear()
    }
  }

  /** The queue as one process sees it. */
  for(life: Life, random: SeededRandom): TaskQueue<TablePayload, TaskResult> {
    const { clock, faults, weather } = this.#around
    const mine = new Map<string, Submission>()
    const carriedOut = new Set<string>()

    async function travel(): Promise<void> {
      const { ms, slow } = weather.latencyMs(random)
      if (slow) faults.add('answer-slow')
      await clock.sleep(ms)
    }

    const lookAfter = async (submission: Submission): Promise<void> => {
      while (this.#submissions.has(submission) && life.alive) {
        await life.gate()
        await travel()
        this.#offer(submission)
        await clock.sleep(lookMs)
      }
      this.#submissions.delete(submission)
    }

    return {
      depth: 0,
      submit: (id, payload) => {
        const known = mine.get(id)
        if (known !== undefined) return known.settle.promise
        const submission = { id, life, payload: structuredClone(payload), settle: Promise.withResolvers<TaskResult>() }
        const forgetIt = () => mine.delete(id)
        submission.settle.promise.then(forgetIt, forgetIt)
        mine.set(id, submission)
        this.#submissions.add(submission)
        void lookAfter(submission)
        return submission.settle.promise
      },
      forget: (id) => void this.#kept.delete(id),
      withdraw: async (id) => {
        const submission = mine.get(id)
        await travel()
        await life.gate()
        if (submission === undefined || !mine.has(id) || carriedOut.has(id)) return false
        mine.delete(id)
        this.#submissions.delete(submission)
        if (this.#entries.get(id)?.claim === null) this.#entries.delete(id)
        return true
      },
      claim: async (signal) => {
        const entry = await this.#take(life, signal)
        if (entry === null) return null
        carriedOut.add(entry.id)
        const claim = entry.claim!
        const end = async (outcome: Outcome): Promise<void> => {
          carriedOut.delete(entry.id)
          await life.gate()
          await travel()
          if (!life.alive) {
            if (random.chance(0.5)) return
            faults.add('effect-after-death')
          }
          this.#complete(entry, claim, outcome, random)
        }
        void this.#keepLease(entry, claim, life)
        await travel()
        await life.gate()
        return claimOf(entry, (outcome) => void end(outcome))
      },
    }
  }

  #offer({ id, payload }: Submission): void {
    const kept = this.#kept.get(id)
    if (kept !== undefined && kept.untilMs > this.#around.clock.now()) this.#deliver(id, kept.outcome)
    else if (!this.#entries.has(id)) {
      const entry: Entry = { id, payload, claim: null }
      this.#entries.set(id, entry)
      this.#hand()
    }
  }

  async #take(life: Life, signal: AbortSignal): Promise<Entry | null> {
    if (signal.aborted) return null
    const { promise, resolve } = Promise.withResolvers<Entry | null>()
    const waiter = { life, take: resolve }
    const leave = () => {
      const place = this.#waiting.indexOf(waiter)
      if (place >= 0) this.#waiting.splice(place, 1)
      resolve(null)
    }
    this.#waiting.push(waiter)
    signal.addEventListener('abort', leave, { once: true })
    this.#hand()
    const entry = await promise
    signal.removeEventListener('abort', leave)
    return entry
  }

  /** Gives what is offered to who waits. The dead wait for nothing. */
  #hand(): void {
    for (const entry of this.#entries.values()) {
      if (entry.claim !== null) continue
      let waiter = this.#waiting.shift()
      while (waiter !== undefined && !waiter.life.alive) waiter = this.#waiting.shift()
      if (waiter === undefined) return
      entry.claim = { leaseUntilMs: this.#around.clock.now() + leaseMs }
      waiter.take(entry)
    }
  }

  /** Renewed while the worker lives and moves; else the task is offered again. */
  async #keepLease(entry: Entry, claim: NonNullable<Entry['claim']>, life: Life): Promise<void> {
    const { clock, faults, log } = this.#around
    while (this.#entries.get(entry.id) === entry && entry.claim === claim) {
      await clock.sleep(renewMs)
      if (this.#entries.get(entry.id) !== entry || entry.claim !== claim) return
      if (life.moves) claim.leaseUntilMs = clock.now() + leaseMs
      if (claim.leaseUntilMs > clock.now()) continue
      faults.add('queue-lease-lost')
      log.add('queue', `${entry.id} of ${life.name} is offered again`)
      entry.claim = null
      this.#hand()
    }
  }

  #complete(entry: Entry, claim: NonNullable<Entry['claim']>, outcome: Outcome, random: SeededRandom): void {
    const { clock, faults } = this.#around
    const isCurrent = this.#entries.get(entry.id) === entry && entry.claim === claim
    if (isCurrent) this.#entries.delete(entry.id)
    else {
      faults.add('queue-zombie-result')
      if (random.chance(0.3)) return
    }
    this.#kept.set(entry.id, { outcome, untilMs: clock.now() + keptMs })
    this.#deliver(entry.id, outcome)
  }

  #deliver(id: string, outcome: Outcome): void {
    const waiting = [...this.#submissions].filter((submission) => submission.id === id)
    if (waiting.length > 1) this.#around.faults.add('queue-result-shared')
    for (const submission of waiting) void this.#bring(submission, outcome)
  }

  async #bring(submission: Submission, outcome: Outcome): Promise<void> {
    await this.#around.clock.sleep(5)
    await submission.life.gate()
    if (!this.#submissions.delete(submission)) return
    if ('error' in outcome) submission.settle.reject(outcome.error)
    else submission.settle.resolve(structuredClone(outcome.result))
  }
}

function claimOf({ id, payload }: Entry, end: (outcome: Outcome) => void): Claim<TablePayload, TaskResult> {
  return {
    id,
    payload: structuredClone(payload),
    complete: (result) => end({ result }),
    fail: (error) => end({ error: error instanceof WorkError ? error : new WorkError(String(error), { retry: 'later' }) }),
  }
}
