import {
  countOffsets,
  intersectRanges,
  normalizeRanges,
  type OffsetRange,
  type OffsetRanges,
  unionRanges,
} from '../../model/offset-range.ts'

/**
 * Offsets of segments that come in base-offset order: which of them an earlier segment had, and what no segment has.
 *
 * Invariant: a segment's offsets are not below its base offset, so that what lies below the newest base offset can not be met
 * again; only the rest, which is seldom more than one segment, is compared with the next one.
 */
export class OffsetTally {
  readonly #settled: OffsetRange[] = []
  #open: OffsetRanges = []

  /** Adds a segment's offsets, and returns those that an earlier segment had. */
  add(baseOffset: bigint, ranges: OffsetRanges): OffsetRanges {
    this.#settleBelow(baseOffset)
    const again = intersectRanges(this.#open, ranges)
    this.#open = unionRanges(this.#open, ranges)
    return again
  }

  /** All offsets so far. */
  offsets(): OffsetRanges {
    return normalizeRanges([...this.#settled, ...this.#open])
  }

  #settleBelow(baseOffset: bigint): void {
    const open: OffsetRange[] = []
    for (const [start, end] of this.#open) {
      if (start < baseOffset) this.#settle([start, end < baseOffset ? end : baseOffset])
      if (end > baseOffset) open.push([start < baseOffset ? baseOffset : start, end])
    }
    this.#open = open
  }

  #settle(range: OffsetRange): void {
    const last = this.#settled.at(-1)
    if (last?.[1] === range[0]) this.#settled[this.#settled.length - 1] = [last[0], range[1]]
    else this.#settled.push(range)
  }
}

/** Whether every offset of `ranges` is in `again`, which is part of it. */
export function isWhole(ranges: OffsetRanges, again: OffsetRanges): boolean {
  return ranges.length > 0 && countOffsets(ranges) === countOffsets(again)
}
