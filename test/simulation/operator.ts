import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { WorkError } from '../../src/model/failure.ts'
import { pauseTopics } from '../../src/service/feed/pause-topics.ts'
import { type Directions, noDirections } from '../../src/service/feed/source-directions.ts'
import type { FaultKind } from './faults.ts'
import type { Fleet } from './fleet.ts'
import { Life } from './life.ts'
import { processSeams, type Surroundings } from './process-seams.ts'
import type { SourceSettings } from './settings.ts'

/** A command of a person takes less than this. */
const longestCommandMs = 30 * 60_000

/** A person who serves one source: pauses and resumes topics, and says what is meant where something stopped. */
export class Operator {
  readonly #source: SourceSettings
  readonly #fleet: Fleet
  readonly #random: SeededRandom
  readonly #around: Surroundings
  #commands = 0

  constructor(source: SourceSettings, fleet: Fleet, random: SeededRandom, around: Surroundings) {
    this.#source = source
    this.#fleet = fleet
    this.#random = random
    this.#around = around
  }

  /** Pauses topics and resumes them until the time has come. */
  async pauseNowAndThen(untilMs: number): Promise<void> {
    const { clock } = this.#around
    const random = this.#random.fork()
    const topics = [undefined, ...new Set(this.#source.logs.map(({ at }) => at.topic))]
    while (clock.now() < untilMs) {
      await clock.sleep(30_000 + random.below(200_000))
      const topic = random.pick(topics)
      await this.ask('pause', topic)
      await clock.sleep(random.below(200_000))
      if (random.chance(0.8)) await this.ask('resume', random.chance(0.5) ? topic : undefined)
    }
  }

  /** Pauses or resumes a topic, or all; the command may die on the way. Returns whether it has done so in all tables. */
  async ask(what: 'pause' | 'resume', topic: string | undefined): Promise<boolean> {
    const { clock, faults, log, weather } = this.#around
    const { document, sourceId, prefix } = this.#source
    const life = new Life(`operator-${sourceId.length}-${++this.#commands}`, clock)
    const seams = processSeams(life, this.#random.fork(), this.#around, null)
    log.add(life.name, `${what} ${topic ?? 'all topics'}`)
    if (weather.strikes(this.#random, 0.05)) life.doom()
    const asked = pauseTopics(document, what, topic, { id: sourceId, prefix }, seams).then(
      ({ tables }) => {
        if (tables.some(({ changed }) => changed)) faults.add(what === 'pause' ? 'topic-paused' : 'topic-resumed')
        return tables.every(({ problem }) => problem === null)
      },
      (error: unknown) => {
        if (!(error instanceof WorkError)) this.#around.onBug(error)
        return false
      },
    )
    return Promise.race([asked, life.died.then(() => false), clock.sleep(longestCommandMs).then(() => false)])
  }

  /** Runs the document with what a person says of it, again and again while `isOpen`, until the time has come. */
  async direct(directions: Partial<Directions>, isOpen: () => boolean, kind: FaultKind, untilMs = Infinity): Promise<void> {
    const { clock, faults } = this.#around
    while (isOpen() && clock.now() < untilMs) {
      await this.#fleet.runOnce(this.#source, { ...noDirections, ...directions })
      if (!isOpen()) faults.add(kind)
      await clock.sleep(5000 + this.#random.below(60_000))
    }
  }
}
