import { normalizeRanges, type OffsetRange, type OffsetRanges } from '../../model/offset-range.ts'
import type { RowRuns } from './row-runs.ts'

/** What the rows of one topic-partition come to, set against what was decided. */
export interface RowBalance {
  /** Decided, with fewer rows than sources that decided it. Control records and skipped offsets are among them. */
  readonly missing: OffsetRanges
  /** Rows beyond that, by the snapshot that added them: of several rows of one offset, the youngest are too many. */
  readonly duplicates: ReadonlyMap<bigint | null, OffsetRanges>
  /** Rows of decided offsets, duplicates left out. */
  readonly present: bigint
  /** Rows of offsets that are not decided. */
  readonly others: bigint
}

/** When a file came into the table, and by which snapshot. */
export interface FileAge {
  readonly sequence: bigint
  readonly snapshot: bigint | null
}

/**
 * Sweeps over the offsets: each is to have one row for each source that decided it (one log that was restarted is two sources, with
 * the same offsets). Pure; time and memory are those of sorting the runs.
 */
export function weighRows(decided: readonly OffsetRanges[], runs: RowRuns, ageOf: (file: number) => FileAge): RowBalance {
  const edges = edgesOf(decided, runs)
  const missing: OffsetRange[] = []
  const duplicates = new Map<bigint | null, OffsetRange[]>()
  let [present, others, expected, live] = [0n, 0n, 0, 0]
  const open = new Map<number, number>()
  let from = 0n
  for (const { position, file, step } of edges) {
    if (position > from) weigh(from, position)
    from = position
    if (file === null) expected += step
    else {
      live += step
      const count = (open.get(file) ?? 0) + step
      if (count === 0) open.delete(file)
      else open.set(file, count)
    }
  }
  return {
    missing: normalizeRanges(missing),
    duplicates: new Map([...duplicates].map(([snapshot, ranges]) => [snapshot, normalizeRanges(ranges)])),
    present,
    others,
  }

  function weigh(start: bigint, end: bigint): void {
    const offsets = end - start
    if (expected === 0) {
      others += offsets * BigInt(live)
      return
    }
    present += offsets * BigInt(Math.min(live, expected))
    if (live < expected) push(missing, start, end)
    if (live <= expected) return
    const youngest = [...open].flatMap(([file, count]) => Array.from({ length: count }, () => ageOf(file)))
    youngest.sort((a, b) => (a.sequence < b.sequence ? 1 : a.sequence > b.sequence ? -1 : 0))
    for (const { snapshot } of youngest.slice(0, live - expected)) {
      const known = duplicates.get(snapshot) ?? []
      push(known, start, end)
      duplicates.set(snapshot, known)
    }
  }
}

function push(ranges: OffsetRange[], start: bigint, end: bigint): void {
  const last = ranges.at(-1)
  if (last !== undefined && last[1] === start) ranges[ranges.length - 1] = [last[0], end]
  else ranges.push([start, end])
}

interface Edge {
  readonly position: bigint
  /** The file whose run begins or ends here; null: a decided range. */
  readonly file: number | null
  readonly step: 1 | -1
}

/** Where ranges and runs begin and end, ascending. */
function* edgesOf(decided: readonly OffsetRanges[], runs: RowRuns): Generator<Edge, void, undefined> {
  const ranges = decided.flat()
  const count = 2 * (ranges.length + runs.length)
  const positions = new BigInt64Array(count)
  // File and step in one number: 1 and −1 are the decided ranges', file 0 has 2 and −2.
  const codes = new Int32Array(count)
  let n = 0
  const edge = (position: bigint, code: number) => {
    positions[n] = position
    codes[n++] = code
  }
  for (const [start, end] of ranges) {
    edge(start, 1)
    edge(end, -1)
  }
  runs.forEach((start, end, file) => {
    edge(start, file + 2)
    edge(end, -file - 2)
  })
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => {
    const [left, right] = [positions[a], positions[b]]
    return left < right ? -1 : left > right ? 1 : 0
  })
  for (const i of order) {
    const code = Math.abs(codes[i])
    yield { position: positions[i], file: code === 1 ? null : code - 2, step: codes[i] > 0 ? 1 : -1 }
  }
}
