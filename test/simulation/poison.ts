import type { VirtualClock } from '../../src/drivers/clock/virtual.ts'
import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import type { Task } from '../../src/model/task.ts'
import { topicPartitionName } from '../../src/model/topic-partition.ts'
import type { EventLog } from './event-log.ts'
import type { FaultCounts } from './faults.ts'
import type { Life } from './life.ts'

interface PoisonAround {
  readonly clock: VirtualClock
  readonly faults: FaultCounts
  readonly log: EventLog
}

/** A segment that a worker with a bug can not turn into rows. */
interface Poisonous {
  readonly how: 'throws' | 'kills'
  readonly untilMs: number
  /** Whether a topic-partition was stopped for it. */
  stopped: boolean
}

/** Segments that make a worker fail in a way that nobody has thought of, or die, until somebody has mended the worker. */
export class Poison {
  readonly #around: PoisonAround
  readonly #segments = new Map<string, Poisonous>()
  /** Keys of all that ever were. */
  readonly #ever = new Set<string>()
  /** Topic-partitions whose next segment will be poisonous. */
  readonly #next = new Map<string, Omit<Poisonous, 'stopped'>>()

  constructor(around: PoisonAround) {
    this.#around = around
  }

  /** Chooses topic-partitions until the time has come; from then on nothing is poisonous. */
  async run(names: readonly string[], random: SeededRandom, untilMs: number): Promise<void> {
    const { clock } = this.#around
    while (clock.now() < untilMs) {
      await clock.sleep(20_000 + random.below(160_000))
      const lastsMs = 30_000 + random.below(200_000)
      this.#next.set(random.pick(names), {
        how: random.chance(0.7) ? 'throws' : 'kills',
        untilMs: Math.min(untilMs, clock.now() + lastsMs),
      })
    }
    this.#next.clear()
  }

  /** What a task does to the process that carries it out; `alone`: there is nobody else to carry it out. */
  async meet({ parts }: Task, life: Life, alone: boolean): Promise<void> {
    const { clock, faults, log } = this.#around
    for (const { at, segments } of parts) {
      const next = this.#next.get(topicPartitionName(at))
      if (next !== undefined) {
        this.#next.delete(topicPartitionName(at))
        this.#segments.set(segments[0].key, { ...next, stopped: false })
        this.#ever.add(segments[0].key)
      }
      for (const { key } of segments) {
        const poisonous = this.#segments.get(key)
        if (poisonous === undefined) continue
        if (clock.now() >= poisonous.untilMs) {
          if (poisonous.stopped) faults.add('set-aside-returned')
          this.#segments.delete(key)
        } else if (poisonous.how === 'throws' || alone) {
          faults.add('task-poisonous')
          throw new TypeError(`nobody has thought of ${key}`)
        } else {
          faults.add('task-kills-worker')
          log.add(life.name, `dies of ${key}`)
          life.end()
          await life.gate()
        }
      }
    }
  }

  /** A topic-partition was stopped at a segment that was set aside: whether it was this that nobody had thought of. */
  explainsStop(key: string): boolean {
    const poisonous = this.#segments.get(key)
    if (poisonous !== undefined) poisonous.stopped = true
    return this.#ever.has(key)
  }
}
