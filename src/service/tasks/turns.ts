/** Lets at most so many things run at a time; the others wait, in the order in which they came. */
export class Turns {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async take<T>(run: () => Promise<T>): Promise<T> {
    const leave = await this.enter()
    try {
      return await run()
    } finally {
      leave()
    }
  }

  /** Waits for a turn; what it returns is to be called once, when the turn is over. */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return () => {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}
