import type { VirtualClock } from '../../src/drivers/clock/virtual.ts'
import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import type { Clock } from '../../src/seams/clock.ts'

const never = new Promise<never>(() => {})

/**
 * The life of a simulated process: it can die at any moment, stand still, and have a clock that jumps. A dead process gets no
 * further answer; what it had asked for may still take effect.
 */
export class Life {
  readonly name: string
  readonly #clock: VirtualClock
  #alive = true
  #doomed = false
  #standsStillUntilMs = 0
  #skewMs = 0
  readonly #died = Promise.withResolvers<void>()

  constructor(name: string, clock: VirtualClock) {
    this.name = name
    this.#clock = clock
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Whether it would answer now. */
  get moves(): boolean {
    return this.#alive && this.#clock.now() >= this.#standsStillUntilMs
  }

  /** Resolves when it dies. */
  get died(): Promise<void> {
    return this.#died.promise
  }

  end(): void {
    this.#alive = false
    this.#died.resolve()
  }

  /** It dies with its next request that changes something on the way. */
  doom(): void {
    this.#doomed = true
  }

  /** A request that changes something leaves. */
  sends(): void {
    if (this.#doomed) this.end()
  }

  standStill(ms: number): void {
    this.#standsStillUntilMs = this.#clock.now() + ms
  }

  /** Its clock shows this much more, or less, than the world's. */
  setClock(skewMs: number): void {
    this.#skewMs = skewMs
  }

  /** Passes while the process lives and moves. */
  async gate(): Promise<void> {
    while (this.#alive && this.#clock.now() < this.#standsStillUntilMs)
      await this.#clock.sleep(this.#standsStillUntilMs - this.#clock.now())
    if (!this.#alive) await never
  }

  /** Time as the process sees it. */
  clock(): Clock {
    return {
      now: () => this.#clock.now() + this.#skewMs,
      sleep: async (ms, signal) => {
        await this.#clock.sleep(ms, signal)
        await this.gate()
      },
    }
  }
}

/** How much goes wrong, drawn anew from time to time; nothing at level 0. */
export class Weather {
  level = 0

  /** Whether something with this probability in ordinary weather happens now. */
  strikes(random: SeededRandom, probability: number): boolean {
    const chance = this.level * probability
    return chance > 0 && random.chance(chance)
  }

  /** How long a request or its answer is on the way, ms. */
  latencyMs(random: SeededRandom): { ms: number; slow: boolean } {
    const slow = this.strikes(random, 0.004)
    return { ms: slow ? 1000 + random.below(90_000) : 1 + random.below(40), slow }
  }
}
