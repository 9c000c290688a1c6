import { WorkError } from '../../model/failure.ts'
import type { Journal } from '../../seams/journal.ts'
import type { Meter } from '../../seams/meter.ts'
import { TableChanged } from './commit-loop.ts'
import type { TableWatch } from './table-watch.ts'

/** What can fail and be tried again, each counted for itself. */
export type Step = 'plan' | 'task' | 'commit' | 'keepAlive'

export interface SetbackSeams {
  readonly journal: Journal
  readonly meter: Meter
  readonly watch: Pick<TableWatch, 'failed' | 'succeeded'>
}

/** What went wrong for a table since it last went well: failures that may pass slow it down, any other stops it. */
export class Setbacks {
  readonly #table: string
  readonly #seams: SetbackSeams
  readonly #failures: Record<Step, number> = { plan: 0, task: 0, commit: 0, keepAlive: 0 }
  #last: Error | null = null
  #fatal: Error | null = null

  constructor(table: string, seams: SetbackSeams) {
    this.#table = table
    this.#seams = seams
  }

  /** Does a step; null where it failed in a way that may pass. Throws what stops the table. */
  async attempt<T>(step: Step, work: () => Promise<T>): Promise<T | null> {
    try {
      const done = await work()
      this.clear(step)
      return done
    } catch (error) {
      this.note(step, error)
      this.throwFatal()
      return null
    }
  }

  note(step: Step, error: unknown): void {
    this.#last = error instanceof Error ? error : new Error(String(error))
    if (!(error instanceof WorkError) || error.retry === 'never' || error instanceof TableChanged) {
      this.#fatal ??= this.#last
      return
    }
    const failures = ++this.#failures[step]
    this.#seams.watch.failed(step, error.message)
    this.#seams.meter.add(`failures.${step}`, 1, { table: this.#table })
    this.#seams.journal.warn('work failed and is tried again', { table: this.#table, step, failures, error })
  }

  clear(step: Step): void {
    this.#failures[step] = 0
    this.#seams.watch.succeeded(step)
  }

  of(step: Step): number {
    return this.#failures[step]
  }

  /** The most failures in a row of any step. */
  get worst(): number {
    return Math.max(...Object.values(this.#failures))
  }

  /** 0 while all goes well, else 1 s doubling up to a minute. */
  get pauseMs(): number {
    return this.worst === 0 ? 0 : Math.min(1000 * 2 ** (this.worst - 1), 60_000)
  }

  /** The table, or this program, can not go on. */
  throwFatal(): void {
    if (this.#fatal !== null) throw this.#fatal
  }

  /** Throws the last failure where one step failed `most` times in a row. */
  throwAfter(most: number): void {
    if (this.worst >= most) throw this.#last!
  }
}
