/**
 * Half-open ranges of Kafka offsets, `[start, end)`, and sets of them.
 *
 * Invariant of an `OffsetRanges`: ascending, disjoint, and no two ranges touch (`[0,5),[5,9)` is `[0,9)`). An empty range
 * `[n, n)` is legal only as a mark of where a topic-partition starts (`startAt: latest`); it vanishes as soon as a range
 * touches it. A hole is the space between two ranges, so it can be represented and can not be passed over.
 */
export type OffsetRange = readonly [start: bigint, end: bigint]
export type OffsetRanges = readonly OffsetRange[]

export const noOffsets: OffsetRanges = []

/** Kafka's offsets are signed numbers of 64 bits; as the end of a range: no bound. */
export const lastOffset = 0x7fffffffffffffffn

/** Sorts and joins ranges into the invariant form. Throws a RangeError where an end lies before its start. */
export function normalizeRanges(ranges: Iterable<OffsetRange>): OffsetRanges {
  const sorted = [...ranges].sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]))
  const joined: [bigint, bigint][] = []
  for (const [start, end] of sorted) {
    if (end < start) throw new RangeError(`offset range [${start}, ${end}) ends before it starts`)
    const last = joined.at(-1)
    if (last !== undefined && start <= last[1]) {
      if (end > last[1]) last[1] = end
    } else joined.push([start, end])
  }
  return joined
}

/** Every offset that is in `a` or in `b`. */
export function unionRanges(a: OffsetRanges, b: OffsetRanges): OffsetRanges {
  if (a.length === 0) return b
  if (b.length === 0) return a
  // A log grows at its end: what lies behind everything needs no sorting.
  if (b[0][0] > a[a.length - 1][1]) return [...a, ...b]
  return normalizeRanges([...a, ...b])
}

/** The offsets that are in both. */
export function intersectRanges(a: OffsetRanges, b: OffsetRanges): OffsetRanges {
  const common: OffsetRange[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const start = a[i][0] > b[j][0] ? a[i][0] : b[j][0]
    const end = a[i][1] < b[j][1] ? a[i][1] : b[j][1]
    if (start < end) common.push([start, end])
    if (a[i][1] < b[j][1]) i++
    else j++
  }
  return common
}

/** The offsets of `a` that are not in `b`. */
export function subtractRanges(a: OffsetRanges, b: OffsetRanges): OffsetRanges {
  const left: OffsetRange[] = []
  let j = 0
  for (const [start, end] of a) {
    let from = start
    while (j < b.length && b[j][1] <= from) j++
    for (let k = j; k < b.length && b[k][0] < end; k++) {
      if (b[k][0] === b[k][1]) continue
      if (b[k][0] > from) left.push([from, b[k][0]])
      if (b[k][1] > from) from = b[k][1]
    }
    if (from < end) left.push([from, end])
  }
  return left
}

/**
 * The set with `ranges` decided no more. Where they lay at its beginning or its end, an empty range marks the place: what was taken
 * back is a hole, and neither below the start nor behind the end.
 */
export function takeBack(decided: OffsetRanges, ranges: OffsetRanges): OffsetRanges {
  if (decided.length === 0) return decided
  const [start, end] = [decided[0][0], decided[decided.length - 1][1]]
  const marks = decided.filter(([from, to]) => from === to)
  return normalizeRanges([...subtractRanges(decided, ranges), ...marks, [start, start], [end, end]])
}

/** Whether `offset` is in the set. */
export function containsOffset(ranges: OffsetRanges, offset: bigint): boolean {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ranges[middle][1] <= offset) low = middle + 1
    else high = middle
  }
  return low < ranges.length && ranges[low][0] <= offset
}

/** The spaces between the ranges, ascending: what lies inside the set's bounds and is not in it. */
export function holesOf(ranges: OffsetRanges): OffsetRanges {
  return ranges.slice(1).map((range, i) => [ranges[i][1], range[0]] as const)
}

/** One past the highest offset of the set; undefined of an empty set. */
export function endOf(ranges: OffsetRanges): bigint | undefined {
  return ranges.at(-1)?.[1]
}

/** How many offsets are in the set. */
export function countOffsets(ranges: OffsetRanges): bigint {
  return ranges.reduce((sum, [start, end]) => sum + (end - start), 0n)
}

/** `[0, 12), [15, 20)`, for messages. */
export function formatRanges(ranges: OffsetRanges): string {
  return ranges.map(([start, end]) => `[${start}, ${end})`).join(', ') || 'none'
}

/** The higher of two offsets. */
export function maxOffset(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
