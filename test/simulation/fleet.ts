import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { DocumentError, WorkError } from '../../src/model/failure.ts'
import { Processor } from '../../src/pipeline/processor.ts'
import { InvariantBroken } from './faults.ts'
import { Life } from './life.ts'
import { processSeams, type Surroundings } from './process-seams.ts'
import type { SourceSettings } from './settings.ts'
import type { SharedQueue } from './shared-queue.ts'

/** What a processor's run came to. */
type Ending = { readonly kind: 'returned'; readonly ok: boolean } | { readonly kind: 'threw'; readonly error: unknown }

/** A running processor. */
interface Running {
  readonly life: Life
  readonly ending: Promise<Ending>
  readonly stop: AbortController
}

/** An orderly stop takes less than this, whatever the weather. */
const longestStopMs = 60 * 60_000
const longestOnceMs = 24 * 3_600_000

/** The processors of a world: started, killed, halted, stopped and started again. */
export class Fleet {
  readonly #random: SeededRandom
  readonly #around: Surroundings
  readonly #queues: ReadonlyMap<SourceSettings, SharedQueue>
  #started = 0

  /** `queues`: of the sources whose processors share one. */
  constructor(random: SeededRandom, around: Surroundings, queues: ReadonlyMap<SourceSettings, SharedQueue>) {
    this.#queues = queues
    this.#random = random
    this.#around = around
  }

  /** Keeps one processor of a source after another at work until the time has come; ends the last one. */
  async keepOne(source: SourceSettings, untilMs: number): Promise<void> {
    const { clock, faults, log } = this.#around
    const random = this.#random.fork()
    await clock.sleep(random.below(60_000))
    while (clock.now() < untilMs) {
      const running = this.#start(source, random, random.chance(0.15))
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
    }
  }

  /** One run to the end of everything visible in a source. Returns whether nothing was stopped. */
  async runOnce(source: SourceSettings): Promise<Ending> {
    const running = this.#start(source, this.#random.fork(), true)
    return this.#endOf(running, longestOnceMs, 'a run with --once ends')
  }

  /** Waits until then, or until the processor ends by itself (true); makes it stand still and its clock jump meanwhile. */
  async #live({ life, ending }: Running, random: SeededRandom, untilMs: number): Promise<boolean> {
    const { clock, faults, log, weather } = this.#around
    const ended = ending.then(() => true)
    while (clock.now() < untilMs) {
      const ms = Math.min(10_000 + random.below(30_000), untilMs - clock.now())
      if (await Promise.race([ended, clock.sleep(ms).then(() => false)])) return true
      if (weather.strikes(random, 0.05)) {
        const stillMs = 1000 + random.below(random.chance(0.7) ? 120_000 : 900_000)
        faults.add('process-pause')
        log.add(life.name, `stands still for ${stillMs} ms`)
        life.standStill(stillMs)
      }
      if (weather.strikes(random, 0.05)) {
        const skewMs = random.pick([-3_600_000, -20_000, 0, 20_000, 3_600_000, 50_000_000])
        faults.add('clock-jump')
        log.add(life.name, `clock jumps to ${skewMs} ms`)
        life.setClock(skewMs)
      }
    }
    return false
  }

  async #endOf({ ending, life }: Running, withinMs: number, invariant: string): Promise<Ending> {
    const end = await Promise.race([ending, this.#around.clock.sleep(withinMs).then(() => null)])
    if (end === null) throw new InvariantBroken(invariant, `${life.name} still runs after ${withinMs} ms`)
    return end
  }

  #start(source: SourceSettings, random: SeededRandom, once: boolean): Running {
    const { document, sourceId, prefix } = source
    const life = new Life(`p${++this.#started}`, this.#around.clock)
    const stop = new AbortController()
    const processor = new Processor(
      document,
      { id: sourceId, prefix },
      processSeams(life, random.fork(), this.#around, this.#queues.get(source) ?? null),
    )
    this.#around.log.add(life.name, once ? 'starts, once' : 'starts')
    const ending = processor.run(once, stop.signal).then(
      (ok): Ending => ({ kind: 'returned', ok }),
      (error: unknown): Ending => {
        if (!(error instanceof WorkError) && !(error instanceof DocumentError)) this.#around.onBug(error)
        return { kind: 'threw', error }
      },
    )
    return { life, ending, stop }
  }
}
