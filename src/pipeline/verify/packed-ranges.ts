import type { OffsetRange, OffsetRanges } from '../../model/offset-range.ts'

/** A set of offsets that is kept for long: 16 bytes a range, where an `OffsetRanges` takes a hundred. */
export class PackedRanges {
  readonly #starts: BigInt64Array
  readonly #ends: BigInt64Array

  /** The set of these offsets, repeated ones once. `offsets` is sorted in place. */
  constructor(offsets: BigInt64Array) {
    offsets.sort()
    let count = 0
    for (let i = 0; i < offsets.length; i++) if (i === 0 || offsets[i] > offsets[i - 1] + 1n) count++
    this.#starts = new BigInt64Array(count)
    this.#ends = new BigInt64Array(count)
    let n = -1
    for (let i = 0; i < offsets.length; i++) {
      if (i === 0 || offsets[i] > offsets[i - 1] + 1n) this.#starts[++n] = offsets[i]
      this.#ends[n] = offsets[i] + 1n
    }
  }

  /** The offsets that lie in `[start, end)`. */
  within([start, end]: OffsetRange): OffsetRanges {
    let [low, high] = [0, this.#ends.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ends[middle] <= start) low = middle + 1
      else high = middle
    }
    const found: OffsetRange[] = []
    for (let i = low; i < this.#starts.length && this.#starts[i] < end; i++) {
      const [from, to] = [this.#starts[i], this.#ends[i]]
      found.push([from > start ? from : start, to < end ? to : end])
    }
    return found
  }
}
