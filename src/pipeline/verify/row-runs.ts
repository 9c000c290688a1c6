import { orderBy } from './order-by.ts'
import { normalizeRanges, type OffsetRange, type OffsetRanges } from '../../model/offset-range.ts'

/** Runs by their start. */
interface RunOrder {
  readonly order: Uint32Array
  /** How far the first runs reach: the first `runsPerReach` of them, twice as many, and so on. */
  readonly reaches: BigInt64Array
}

const runsPerReach = 64

/**
 * Rows of one topic-partition as runs of offsets, each with the file that has them: 20 bytes a run, and 4 more once a
 * part of them was asked for, however many runs there are.
 * A file written from segments is a few of them; one that another engine sorted by a customer's number may be one for each row.
 */
export class RowRuns {
  #starts = new BigInt64Array(16)
  #ends = new BigInt64Array(16)
  #files = new Int32Array(16)
  #length = 0
  #byStart: RunOrder | null = null

  get length(): number {
    return this.#length
  }

  /** Adds the rows `[start, end)` of a file. Runs of one file that follow one another become one. */
  add(start: bigint, end: bigint, file: number): void {
    const last = this.#length - 1
    this.#byStart = null
    if (last >= 0 && this.#files[last] === file && this.#ends[last] === start) {
      this.#ends[last] = end
      return
    }
    if (this.#length === this.#starts.length) this.#grow()
    this.#starts[this.#length] = start
    this.#ends[this.#length] = end
    this.#files[this.#length++] = file
  }

  /** Adds rows by their offsets, in any order, repeated ones as often as they are there. `offsets` is sorted in place. */
  addAll(offsets: BigInt64Array, file: number): void {
    offsets.sort()
    const again: bigint[] = []
    for (let i = 0; i < offsets.length;) {
      const start = offsets[i]
      let end = start + 1n
      for (i++; i < offsets.length && offsets[i] <= end; i++) {
        if (offsets[i] === end) end++
        else again.push(offsets[i])
      }
      this.add(start, end, file)
    }
    if (again.length > 0) this.addAll(BigInt64Array.from(again), file)
  }

  /** Calls with each run, in the order in which they were added. */
  forEach(use: (start: bigint, end: bigint, file: number) => void): void {
    for (let i = 0; i < this.#length; i++) use(this.#starts[i], this.#ends[i], this.#files[i])
  }

  /** The offsets that have a row. */
  offsets(): OffsetRanges {
    const ranges: OffsetRange[] = []
    this.forEach((start, end) => ranges.push([start, end]))
    return normalizeRanges(ranges)
  }

  /** The rows whose offsets lie in `[start, end)`, by their start; these runs themselves where that is all of them. The first time, the runs are put in order; then it costs little more than what it gives. */
  within([start, end]: OffsetRange): RowRuns {
    if (this.#length === 0) return this
    const { order, reaches } = (this.#byStart ??= this.#inOrder())
    if (this.#starts[order[0]] >= start && reaches[reaches.length - 1] <= end) return this
    let [low, high] = [0, reaches.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (reaches[middle] <= start) low = middle + 1
      else high = middle
    }
    const left = new RowRuns()
    for (let i = low * runsPerReach; i < order.length && this.#starts[order[i]] < end; i++) {
      const [from, to] = [this.#starts[order[i]], this.#ends[order[i]]]
      if (to > start) left.add(from > start ? from : start, to < end ? to : end, this.#files[order[i]])
    }
    return left
  }

  #inOrder(): RunOrder {
    const order = orderBy(this.#starts, this.#length)
    const reaches = new BigInt64Array(Math.ceil(order.length / runsPerReach))
    for (const [i, run] of order.entries()) {
      const block = Math.floor(i / runsPerReach)
      const before = i % runsPerReach === 0 && block > 0 ? reaches[block - 1] : reaches[block]
      const end = this.#ends[run]
      reaches[block] = i === 0 || end > before ? end : before
    }
    return { order, reaches }
  }

  #grow(): void {
    const size = this.#starts.length * 2
    const [starts, ends, files] = [new BigInt64Array(size), new BigInt64Array(size), new Int32Array(size)]
    starts.set(this.#starts)
    ends.set(this.#ends)
    files.set(this.#files)
    ;[this.#starts, this.#ends, this.#files] = [starts, ends, files]
  }
}
