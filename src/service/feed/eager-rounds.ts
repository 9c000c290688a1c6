/** Lets what is told of many topic-partitions at once come together. */
const gatherMs = 200
const shortestGapMs = 500
const burst = 4
/** Commit intervals in which one round is allowed again. */
const intervalsPerRound = 4

/**
 * When planning does not wait for its interval, because the source has told of something new. Each such round makes files of its own, and
 * with a steady topic there is always something new: so a few are made at once after a quiet time, and after that one in four intervals.
 * A round whose rows can be committed at once costs nothing, and is always made.
 */
export class EagerRounds {
  readonly #intervalMs: number
  #left = burst
  #refilledMs: number
  #toldMs: number | null = null
  #lastMs = Number.NEGATIVE_INFINITY

  constructor(commitIntervalMs: number, nowMs: number) {
    this.#intervalMs = commitIntervalMs
    this.#refilledMs = nowMs
  }

  /** Something new is there. */
  tell(nowMs: number): void {
    this.#toldMs ??= nowMs
  }

  /** When a round is due for what was told. `commitDueMs`: when the next commit may be made. */
  dueMs(nowMs: number, commitDueMs: number): number {
    if (this.#toldMs === null) return Infinity
    // A clock that was set back must not make what was told wait for its time before.
    const soonMs = Math.max(Math.min(this.#toldMs, nowMs) + gatherMs, Math.min(this.#lastMs, nowMs) + shortestGapMs)
    this.#left = Math.min(burst, this.#left + Math.max(0, nowMs - this.#refilledMs) / (intervalsPerRound * this.#intervalMs))
    this.#refilledMs = nowMs
    return this.#left >= 1 ? soonMs : Math.max(soonMs, commitDueMs)
  }

  /** A round begins: it sees all that was told before. */
  begin(nowMs: number): void {
    this.#toldMs = null
    this.#lastMs = nowMs
  }

  /** A round before its interval made tasks, and their rows must wait for their commit. */
  spend(): void {
    this.#left -= 1
  }
}
