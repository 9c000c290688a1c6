import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { DocumentError, WorkError } from '../../src/model/failure.ts'
import { carryOutTasks } from '../../src/service/tasks/carry-out-tasks.ts'
import { type CommitQueue, carryOutCommits } from '../../src/service/feed/commits.ts'
import { limitsOf } from '../../src/service/tasks/limits.ts'
import { Processor } from '../../src/service/feed/processor.ts'
import type { ProcessorSeams } from '../../src/service/feed/processor-seams.ts'
import { type Directions, noDirections } from '../../src/service/feed/source-directions.ts'
import { compactNowAndThen } from './compactor.ts'
import { type FaultCounts, InvariantBroken } from './faults.ts'
import { backfillNowAndThen } from './historian.ts'
import { expireNowAndThen } from './keeper.ts'
import { Life } from './life.ts'
import { processSeams, type Surroundings } from './process-seams.ts'
import { rebuildNowAndThen } from './rebuilder.ts'
import { retireNowAndThen } from './retirer.ts'
import type { Role, SourceSettings } from './settings.ts'
import type { SharedQueue } from './shared-queue.ts'

/** What a processor's run came to. */
type Ending = { readonly kind: 'returned'; readonly ok: boolean } | { readonly kind: 'threw'; readonly error: unknown }

/** A running processor. */
interface Running {
  readonly life: Life
  readonly ending: Promise<Ending>
  readonly stop: AbortController
}

/** What the processes of a source share. */
export interface SharedQueues {
  readonly tasks: SharedQueue<Parameters<ProcessorSeams['queue']['submit']>[1], Awaited<ReturnType<ProcessorSeams['queue']['submit']>>>
  readonly commits: SharedQueue<Parameters<CommitQueue['submit']>[1], Awaited<ReturnType<CommitQueue['submit']>>>
}

/** An orderly stop takes less than this, whatever the weather. */
const longestStopMs = 60 * 60_000
const longestOnceMs = 24 * 3_600_000

/** The processes of a world: started, killed, halted, stopped and started again. */
export class Fleet {
  readonly #random: SeededRandom
  readonly #around: Surroundings
  readonly #queues: ReadonlyMap<SourceSettings, SharedQueues>
  readonly #lives = new Set<Life>()
  readonly #hibernates: boolean
  #asleepUntilMs = 0
  #started = 0

  /** `queues`: of the sources whose processes share them. `hibernates`: it will; then no clock jumps so far that old results seem young. */
  constructor(random: SeededRandom, around: Surroundings, queues: ReadonlyMap<SourceSettings, SharedQueues>, hibernates: boolean) {
    this.#hibernates = hibernates
    this.#queues = queues
    this.#random = random
    this.#around = around
  }

  /** From `startMs` on keeps one process after another at work for a source until the time has come; ends the last one. Who serves others ends after them. */
  async keepOne(source: SourceSettings, role: Role, startMs: number, endMs: number): Promise<void> {
    const { clock, faults, log } = this.#around
    const random = this.#random.fork()
    const untilMs = role === 'worker' || role === 'committer' ? endMs + longestStopMs : endMs
    await clock.sleep(Math.max(0, startMs - clock.now()) + random.below(60_000))
    await this.#awake()
    while (clock.now() < untilMs) {
      const running = this.#start(source, role, random, random.chance(0.15))
      const endsMs = Math.min(untilMs, clock.now() + 20_000 + random.below(random.chance(0.5) ? 60_000 : 600_000))
      const ended = await this.#live(running, random, endsMs)
      if (!ended && random.chance(0.6)) {
        faults.add('process-crash')
        running.life.doom()
        await clock.sleep(random.below(60_000))
        log.add(running.life.name, 'crashes')
        running.life.end()
      } else if (!ended) {
        faults.add('process-stop')
        log.add(running.life.name, 'is stopped')
        running.stop.abort()
        await this.#endOf(running, longestStopMs, 'an orderly stop ends')
      }
      await clock.sleep(random.below(30_000))
      await this.#awake()
    }
  }

  /** All processes stand still for so long, and nobody starts another. */
  hibernate(ms: number): void {
    this.#around.faults.add('fleet-hibernates')
    this.#asleepUntilMs = this.#around.clock.now() + ms
    for (const life of this.#lives) life.standStill(ms)
  }

  async #awake(): Promise<void> {
    const { clock } = this.#around
    if (clock.now() < this.#asleepUntilMs) await clock.sleep(this.#asleepUntilMs - clock.now())
  }

  /** One process stands still for so long. */
  standStill(name: string, ms: number): void {
    for (const life of this.#lives) if (life.name === name) life.standStill(ms)
  }

  /** One run to the end of everything visible in a source. Returns whether nothing was stopped. */
  async runOnce(source: SourceSettings, directions?: Directions): Promise<Ending> {
    const running = this.#start(source, 'run', this.#random.fork(), true, directions)
    return this.#endOf(running, longestOnceMs, 'a run with --once ends')
  }

  /** Waits until then, or until the process ends by itself (true); makes it stand still and its clock jump meanwhile. */
  async #live({ life, ending }: Running, random: SeededRandom, untilMs: number): Promise<boolean> {
    const { clock, faults, log, weather } = this.#around
    const ended = Promise.race([ending, life.died]).then(() => true)
    while (clock.now() < untilMs) {
      const ms = Math.min(10_000 + random.below(30_000), untilMs - clock.now())
      if (await Promise.race([ended, clock.sleep(ms).then(() => false)])) return true
      await this.#awake()
      if (weather.strikes(random, 0.05)) {
        const stillMs = 1000 + random.below(random.chance(0.7) ? 120_000 : 900_000)
        faults.add('process-pause')
        log.add(life.name, `stands still for ${stillMs} ms`)
        life.standStill(stillMs)
      }
      if (weather.strikes(random, 0.05)) {
        const skewMs = random.pick([-3_600_000, -20_000, 0, 20_000, 3_600_000, ...(this.#hibernates ? [] : [50_000_000])])
        faults.add('clock-jump')
        log.add(life.name, `clock jumps to ${skewMs} ms`)
        life.setClock(skewMs)
      }
    }
    return false
  }

  async #endOf({ ending, life }: Running, withinMs: number, invariant: string): Promise<Ending> {
    const died = life.died.then((): Ending => ({ kind: 'returned', ok: false }))
    const late = async () => {
      await this.#around.clock.sleep(withinMs)
      if (this.#around.clock.now() - withinMs < this.#asleepUntilMs)
        await this.#around.clock.sleep(this.#asleepUntilMs - this.#around.clock.now() + withinMs)
      return null
    }
    const end = await Promise.race([ending, died, late()])
    if (end === null) throw new InvariantBroken(invariant, `${life.name} still runs after ${withinMs} ms`)
    return end
  }

  #start(source: SourceSettings, role: Role, random: SeededRandom, once: boolean, directions = noDirections): Running {
    const life = new Life(`${directions === noDirections ? role : 'directed'}-${++this.#started}`, this.#around.clock)
    this.#lives.add(life)
    void life.died.then(() => this.#lives.delete(life))
    const stop = new AbortController()
    const queues = this.#queues.get(source)
    const tasks = queues?.tasks.for(life, random.fork()) ?? null
    const seams = processSeams(life, random.fork(), this.#around, tasks)
    const commits = queues?.commits.for(life, random.fork()) ?? null
    this.#around.log.add(life.name, once ? 'starts, once' : 'starts')
    const { faults, provoke } = this.#around
    const ending = work({ source, role, random: random.fork(), faults, seams, commits, once, directions, provoke }, stop.signal).then(
      (ok): Ending => ({ kind: 'returned', ok }),
      (error: unknown): Ending => {
        if (!(error instanceof WorkError) && !(error instanceof DocumentError)) this.#around.onBug(error)
        return { kind: 'threw', error }
      },
    )
    void ending.then(() => this.#lives.delete(life))
    return { life, ending, stop }
  }
}

/** What makes a process what it is. */
interface Job {
  readonly source: SourceSettings
  readonly role: Role
  readonly random: SeededRandom
  readonly faults: FaultCounts
  readonly seams: ProcessorSeams
  readonly commits: CommitQueue | null
  readonly once: boolean
  readonly directions: Directions
  readonly provoke: Surroundings['provoke']
}

/** What a process does in its role until `stop` aborts, or with `once` until all is done. */
async function work(job: Job, stop: AbortSignal): Promise<boolean> {
  const { source, role, random, faults, seams, commits, once, directions, provoke } = job
  const { document, sourceId, prefix } = source
  const { processing } = document.spec
  if (role === 'worker') await carryOutTasks(processing.parallelism, limitsOf(processing), seams, stop)
  else if (role === 'compactor') await compactNowAndThen(job, stop)
  else if (role === 'keeper') await expireNowAndThen(source, seams, random, faults, stop)
  else if (role === 'historian') await backfillNowAndThen(job, provoke !== null, stop)
  else if (role === 'rebuilder') await rebuildNowAndThen(job, stop)
  else if (role === 'retirer') await retireNowAndThen(source, seams, random, faults, stop)
  else if (role === 'committer') await carryOutCommits(document, sourceId, commits!, seams, stop)
  else {
    const shared = role === 'planner' ? { ...seams, commits: commits! } : seams
    return new Processor(document, { id: sourceId, prefix }, shared, directions).run(once, stop)
  }
  return true
}
