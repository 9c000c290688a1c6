import type { Books, PartitionBook } from './books.ts'
import type { Window } from './scope.ts'

/** Runs of rows that are weighed at once: what is found of them takes about a kilobyte for each. */
const maxRuns = 20_000

/** A window, or a part of one. */
export interface Slice extends Window {
  /** Whether it is the first of its window: of the others, a segment that begins before them is another one's. */
  readonly isFirst: boolean
}

/** Windows in slices of about so many runs of rows each, so that memory holds what is found of a few of them, however many there are. */
export function slicesOf(windows: readonly Window[], books: Books, most = maxRuns): Slice[] {
  return windows.flatMap(({ at, range }) => {
    const edges = [range[0], ...edgesIn(books.of(at), range, most), range[1]]
    return edges.slice(1).map((end, i) => ({ at, range: [edges[i], end] as const, isFirst: i === 0 }))
  })
}

/** Where slices begin: where a segment does, as far as files tell of segments, so that none is read for two of them. */
function edgesIn({ runs, segments }: PartitionBook, [start, end]: Window['range'], most: number): bigint[] {
  if (runs.length <= most) return []
  const starts = new BigInt64Array(runs.length)
  let count = 0
  runs.forEach((from) => {
    if (from > start && from < end) starts[count++] = from
  })
  const sorted = starts.subarray(0, count).sort()
  const bases = BigInt64Array.from(segments.keys()).sort()
  const edges: bigint[] = []
  let [last, base] = [start, 0]
  for (let i = most; i < sorted.length; i += most) {
    while (base < bases.length && bases[base] <= sorted[i]) base++
    const edge = base === 0 ? sorted[i] : bases[base - 1]
    if (edge > last) edges.push((last = edge))
  }
  return edges
}
