/** Paths that are counted one by one; what comes up later is counted together. */
const maxPaths = 200
/** Characters of such a path: keys may be as long as documents. */
const longestPath = 1024

/** Values that were rescued: in how many records, and from which paths. */
export interface Rescued {
  readonly records: number
  readonly paths: ReadonlyMap<string, number>
  /** From paths that have no count of their own. */
  readonly otherPaths: number
}

/** How many records were rescued from, and how often from which path. Bounded: the first paths that come up have a count of their own. */
export class RescueCounts {
  #records = 0
  #paths = new Map<string, number>()
  #otherPaths = 0

  /** `paths`: what was rescued of one record; empty where only nulls were noted. */
  addRecord(paths: readonly string[]): void {
    if (paths.length > 0) this.#records++
    for (const path of paths) this.addPath(path, 1)
  }

  addRecords(count: number): void {
    this.#records += count
  }

  addPath(path: string, count: number): void {
    const known = this.#paths.get(path)
    if (known !== undefined) this.#paths.set(path, known + count)
    else if (this.#paths.size < maxPaths && path.length <= longestPath) this.#paths.set(path, count)
    else this.#otherPaths += count
  }

  /** What was counted since it was last taken. */
  take(): Rescued {
    const taken = { records: this.#records, paths: this.#paths, otherPaths: this.#otherPaths }
    this.#records = this.#otherPaths = 0
    this.#paths = new Map()
    return taken
  }
}
