import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { WorkError } from '../../src/model/failure.ts'
import { type Claim, maxTries, type TaskCodec, type TaskQueue, TaskSetAside } from '../../src/seams/task-queue.ts'
import type { Life } from './life.ts'
import type { Surroundings } from './process-seams.ts'

/** What a task came to, as it travels. */
type Outcome = { readonly result: object } | { readonly failure: object }

/** A task that is offered or, with a claim, carried out. */
interface Entry {
  readonly id: string
  readonly data: object
  claim: { leaseUntilMs: number } | null
  /** How often it ended unexpectedly, or its lease ran out. */
  tries: number
}

/** A process that waits for a task's outcome. */
interface Submission<Payload, Result> {
  readonly id: string
  readonly life: Life
  readonly payload: Payload
  readonly data: object
  readonly settle: PromiseWithResolvers<Result>
}

type Around = Pick<Surroundings, 'clock' | 'excuses' | 'faults' | 'log' | 'weather'>

const leaseMs = 30_000
const renewMs = 10_000
/** An outcome is kept this long for whoever submits the same task. */
const keptMs = 600_000
/** Who has submitted a task looks after it this often. */
const lookMs = 20_000

/**
 * One queue for all processes, on a server that can lose everything at any moment. What is in it travels as JSON. A task whose worker
 * died or stood still goes to another when its lease is over; both may complete it, and then both results are delivered. One that ends
 * unexpectedly, or loses its worker, too often is set aside.
 */
export class SharedQueue<Payload, Result> {
  readonly #around: Around
  readonly #codec: TaskCodec<Payload, Result>
  readonly #entries = new Map<string, Entry>()
  readonly #kept = new Map<string, { readonly outcome: Outcome; readonly untilMs: number }>()
  readonly #submissions = new Set<Submission<Payload, Result>>()
  readonly #waiting: { readonly life: Life; readonly take: (entry: Entry | null) => void }[] = []

  constructor(around: Around, codec: TaskCodec<Payload, Result>) {
    this.#around = around
    this.#codec = codec
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
  for(life: Life, random: SeededRandom): TaskQueue<Payload, Result> {
    const { clock, faults, weather } = this.#around
    const codec = this.#codec
    const mine = new Map<string, Submission<Payload, Result>>()
    const carriedOut = new Set<string>()

    async function travel(): Promise<void> {
      const { ms, slow } = weather.latencyMs(random)
      if (slow) faults.add('answer-slow')
      await clock.sleep(ms)
    }

    const lookAfter = async (submission: Submission<Payload, Result>): Promise<void> => {
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
        const data = travelled(codec.encodePayload(payload))
        const submission = { id, life, payload, data, settle: Promise.withResolvers<Result>() }
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
        const end = async (outcome: Outcome | { readonly unexpected: string }): Promise<void> => {
          carriedOut.delete(entry.id)
          await life.gate()
          await travel()
          if (!life.alive) {
            if (random.chance(0.5)) return
            faults.add('effect-after-death')
          }
          if ('unexpected' in outcome) this.#failed(entry, claim, outcome.unexpected)
          else this.#complete(entry, claim, outcome, random)
        }
        void this.#keepLease(entry, claim, life)
        await travel()
        await life.gate()
        return this.#claimOf(entry, (outcome) => void end(outcome))
      },
    }
  }

  #offer({ id, data }: Submission<Payload, Result>): void {
    const kept = this.#kept.get(id)
    if (kept !== undefined && kept.untilMs > this.#around.clock.now()) this.#deliver(id, kept.outcome)
    else if (!this.#entries.has(id)) {
      this.#entries.set(id, { id, data, claim: null, tries: 0 })
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
    while (this.#isCurrent(entry, claim)) {
      await clock.sleep(renewMs)
      if (!this.#isCurrent(entry, claim)) return
      if (life.moves) claim.leaseUntilMs = clock.now() + leaseMs
      if (claim.leaseUntilMs > clock.now()) continue
      faults.add('queue-lease-lost')
      log.add('queue', `${entry.id} of ${life.name} is offered again`)
      this.#failed(entry, claim, 'its worker was lost')
    }
  }

  #isCurrent(entry: Entry, claim: Entry['claim']): boolean {
    return this.#entries.get(entry.id) === entry && entry.claim === claim
  }

  /** A task that ended in no way that a task may end in is offered again, or set aside. */
  #failed(entry: Entry, claim: NonNullable<Entry['claim']>, reason: string): void {
    if (!this.#isCurrent(entry, claim)) return
    entry.claim = null
    if (++entry.tries < maxTries) return this.#hand()
    this.#around.faults.add('task-set-aside')
    this.#around.excuses.setAside(entry.data)
    this.#around.log.add('queue', `${entry.id} is set aside: ${reason}`)
    this.#entries.delete(entry.id)
    for (const submission of this.#submissions) {
      if (submission.id === entry.id) void this.#bring(submission, () => submission.settle.reject(new TaskSetAside(reason)))
    }
  }

  #complete(entry: Entry, claim: NonNullable<Entry['claim']>, outcome: Outcome, random: SeededRandom): void {
    const { clock, faults } = this.#around
    if (this.#isCurrent(entry, claim)) this.#entries.delete(entry.id)
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
    for (const submission of waiting) {
      void this.#bring(submission, () => {
        const { settle, payload } = submission
        if ('failure' in outcome) settle.reject(this.#codec.decodeFailure(outcome.failure))
        else settle.resolve(this.#codec.decodeResult(outcome.result, payload))
      })
    }
  }

  async #bring(submission: Submission<Payload, Result>, settle: () => void): Promise<void> {
    await this.#around.clock.sleep(5)
    await submission.life.gate()
    if (this.#submissions.delete(submission)) settle()
  }

  #claimOf({ id, data }: Entry, end: (outcome: Outcome | { readonly unexpected: string }) => void): Claim<Payload, Result> {
    const codec = this.#codec
    return {
      id,
      payload: codec.decodePayload(data),
      complete: (result) => end({ result: travelled(codec.encodeResult(result, data)) }),
      fail(error) {
        const failure = error instanceof WorkError ? codec.encodeFailure(error, data) : null
        end(failure === null ? { unexpected: String(error) } : { failure: travelled(failure) })
      },
    }
  }
}

function travelled(value: object): object {
  return JSON.parse(JSON.stringify(value)) as object
}
