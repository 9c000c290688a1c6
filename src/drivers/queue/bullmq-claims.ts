import { type Claim, maxTries, NewerVersion } from '../../seams/task-queue.ts'
import { atMost } from './at-most.ts'
import {
  type BullQueueOptions,
  closeMs,
  connectionOf,
  DelayedError,
  type Job,
  keptResults,
  lostPayload,
  type Outcome,
  UnrecoverableError,
  WaitingError,
  Worker,
} from './bullmq.ts'

/**
 * A task whose worker has not been heard of for so long is handed to another. Work of more than an instant goes on in threads, so that
 * the lock is renewed in time; what blocks a whole process longer than this (a machine that stands still) makes a zombie, whose result is
 * refused by the queue and, were it not, by the table.
 */
const lockMs = 15_000
const stalledCheckMs = 5_000
/** Tasks of newer versions come back after so long, all at the same time; then this process takes nothing for a moment, and others have their turn. */
const newerPauseMs = 5_000
const othersTurnMs = 2_000
/** A task that must be alone, or must wait for one, or that nobody here accepts now, comes back after so long. */
const aloneRetryMs = 500
/** For so long nothing else is begun where a task that must be alone was met. */
const quietMs = 2_000

/** Who waits for a task. */
interface Waiting<Payload, Result> {
  accepts(payload: Payload): boolean
  resolve(claim: Claim<Payload, Result> | null): void
}

/** The side of a queue that takes tasks: one worker of BullMQ for all that this process carries out at once. */
export class BullClaims<Payload, Result> {
  readonly #options: BullQueueOptions<Payload, Result>
  readonly #claimed = new Set<string>()
  readonly #waiting: Waiting<Payload, Result>[] = []
  #worker: Worker<object, Outcome> | null = null
  #toldNewer = false
  #isAlone = false
  /** When tasks of newer versions come back, ms. */
  #newerAtMs = 0
  /** Whether they are back, and are left to others. */
  #isOthersTurn = false
  readonly #ended = new AbortController()
  /** Until then no other task is begun here, so that one that must be alone gets its turn, ms. */
  #quietUntilMs = 0

  constructor(options: BullQueueOptions<Payload, Result>) {
    this.#options = options
  }

  /** Whether the task is being carried out in this process. */
  has(id: string): boolean {
    return this.#claimed.has(id)
  }

  /** As `TaskQueue.claim`. */
  async claim(signal: AbortSignal, accepts: (payload: Payload) => boolean = () => true): Promise<Claim<Payload, Result> | null> {
    if (signal.aborted) return null
    this.#work()
    const { promise, resolve } = Promise.withResolvers<Claim<Payload, Result> | null>()
    const own = { accepts, resolve }
    const leave = () => {
      const place = this.#waiting.indexOf(own)
      if (place >= 0) this.#waiting.splice(place, 1)
      // Nobody here takes another task: they are left to others.
      if (this.#waiting.length === 0) void this.#worker?.pause(true)
      resolve(null)
    }
    this.#waiting.push(own)
    signal.addEventListener('abort', leave, { once: true })
    const claim = await promise
    signal.removeEventListener('abort', leave)
    return claim
  }

  /** Takes no more, once results have gone out; what is still carried out is left to others. */
  async drain(): Promise<void> {
    this.#ended.abort()
    if (this.#worker !== null && this.#claimed.size === 0) await atMost(this.#options.clock, closeMs, this.#worker.close())
  }

  /** Ends its connection at once. */
  async end(): Promise<void> {
    this.#ended.abort()
    await this.#worker?.close(true)
  }

  #work(): void {
    if (this.#worker !== null) {
      this.#resume()
      return
    }
    const { name, atOnceHere } = this.#options
    this.#worker = new Worker<object, Outcome>(name, (job, token) => this.#process(job, token!), {
      ...connectionOf(this.#options),
      concurrency: atOnceHere,
      lockDuration: lockMs,
      stalledInterval: stalledCheckMs,
      maxStalledCount: maxTries - 1,
      // Of a job: it may be looked at again by whoever waits for it.
      removeOnComplete: keptResults,
      removeOnFail: keptResults,
    })
    // A lost lock among them: then another process has taken the task over.
    this.#worker.on('error', () => undefined)
  }

  #resume(): void {
    if (!this.#isAlone && !this.#isOthersTurn && this.#worker?.isPaused() === true) void this.#worker.resume()
  }

  /**
   * A task whose worker died may have been what it died of: it is carried out alone in its process, so that no other task is counted as
   * dead with it.
   */
  async #process(job: Job<object, Outcome>, token: string): Promise<Outcome> {
    const isSuspect = job.stalledCounter > 0
    const nowMs = this.#options.clock.now()
    if (isSuspect) this.#quietUntilMs = nowMs + quietMs
    if (this.#isAlone || this.#isOthersTurn || (isSuspect ? this.#claimed.size > 0 : leftMs(this.#quietUntilMs, quietMs, nowMs) > 0)) {
      await job.moveToDelayed(Date.now() + aloneRetryMs, token)
      throw new DelayedError()
    }
    if (!isSuspect) return this.#carryOut(job, token)
    this.#isAlone = true
    void this.#worker?.pause(true)
    try {
      // Those that were taken in the same moment are given back.
      await this.#options.clock.sleep(aloneRetryMs)
      return await this.#carryOut(job, token)
    } finally {
      this.#isAlone = false
      this.#quietUntilMs = 0
      if (this.#waiting.length > 0) this.#resume()
    }
  }

  /** Who met a task first would meet it first each time it comes back. */
  async #leaveToOthers(job: Job<object, Outcome>, token: string): Promise<void> {
    const nowMs = this.#options.clock.now()
    if (leftMs(this.#newerAtMs, newerPauseMs, nowMs) === 0) {
      this.#newerAtMs = nowMs + newerPauseMs
      void this.#giveTurn()
    }
    await job.moveToDelayed(Date.now() + this.#newerAtMs - nowMs, token)
  }

  async #giveTurn(): Promise<void> {
    const { clock } = this.#options
    await clock.sleep(newerPauseMs - aloneRetryMs, this.#ended.signal)
    if (this.#ended.signal.aborted) return
    this.#isOthersTurn = true
    void this.#worker?.pause(true).catch(() => undefined)
    await clock.sleep(othersTurnMs, this.#ended.signal)
    this.#isOthersTurn = false
    if (!this.#ended.signal.aborted && this.#waiting.length > 0) this.#resume()
  }

  async #carryOut(job: Job<object, Outcome>, token: string): Promise<Outcome> {
    const { codec, journal } = this.#options
    if (this.#waiting.length === 0) {
      await job.moveToWait(token)
      await this.#options.clock.sleep(100)
      throw new WaitingError()
    }
    if (Object.keys(job.data).length === 0) throw new UnrecoverableError(lostPayload)
    let payload: Payload
    try {
      payload = codec.decodePayload(job.data)
    } catch (error) {
      if (!(error instanceof NewerVersion)) throw error
      if (!this.#toldNewer) journal.error('a task is left to others', { error })
      this.#toldNewer = true
      await this.#leaveToOthers(job, token)
      throw new DelayedError()
    }
    // Deaths of workers and unexpected errors count together.
    if (job.attemptsMade + job.stalledCounter >= maxTries) {
      throw new UnrecoverableError(`its workers died or failed ${maxTries} times`)
    }
    const taker = this.#waiting.findIndex(({ accepts }) => accepts(payload))
    if (taker < 0) {
      // Others may have room for it.
      await job.moveToDelayed(Date.now() + aloneRetryMs, token)
      throw new DelayedError()
    }
    const id = job.id!
    const [waiter] = this.#waiting.splice(taker, 1)
    const done = Promise.withResolvers<Outcome>()
    this.#claimed.add(id)
    waiter.resolve({
      id,
      payload,
      complete: (result) => done.resolve({ result: codec.encodeResult(result, job.data) }),
      fail: (error) => {
        const failure = codec.encodeFailure(error, job.data)
        if (failure === null) done.reject(error)
        else done.resolve({ failure })
      },
    })
    try {
      return await done.promise
    } finally {
      this.#claimed.delete(id)
    }
  }
}

/** How long it is until a time that was set `mostMs` ahead: nothing where the clock was set back since, so that nobody waits for that time to come again. */
function leftMs(untilMs: number, mostMs: number, nowMs: number): number {
  const left = untilMs - nowMs
  return left > mostMs ? 0 : Math.max(0, left)
}
