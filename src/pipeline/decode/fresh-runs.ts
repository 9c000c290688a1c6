import type { RecordFrames } from '../../formats/kafka/record-frames.ts'
import { containsOffset, endOf, type OffsetRanges } from '../../model/offset-range.ts'

/** Records `[from, to)` of a batch, whose offsets follow one another without a hole. */
export interface Run {
  readonly from: number
  readonly to: number
}

/**
 * The records of a decoded batch whose offsets are at least `floor` and not in `seen`, as runs of consecutive offsets.
 * The usual batch, contiguous and past everything seen, is one run and costs no look at its records.
 */
export function freshRuns(frames: RecordFrames, baseOffset: bigint, floor: bigint, seen: OffsetRanges): Run[] {
  const { count, offsetDelta } = frames
  if (count === 0) return []
  const first = baseOffset + BigInt(offsetDelta[0])
  const contiguous = offsetDelta[count - 1] - offsetDelta[0] === count - 1
  if (contiguous && first >= floor && first >= (endOf(seen) ?? 0n)) return [{ from: 0, to: count }]
  const runs: { from: number; to: number }[] = []
  for (let i = 0; i < count; i++) {
    const offset = baseOffset + BigInt(offsetDelta[i])
    if (offset < floor || containsOffset(seen, offset)) continue
    const last = runs.at(-1)
    if (last !== undefined && last.to === i && offsetDelta[i] === offsetDelta[i - 1] + 1) last.to++
    else runs.push({ from: i, to: i + 1 })
  }
  return runs
}

/** The runs in slices of `records` records: long ones are cut, short ones put together, so that a batch full of holes is not decided hole by hole. */
export function* slicesOf(runs: readonly Run[], records: number): Generator<readonly Run[], void, undefined> {
  let slice: Run[] = []
  let room = records
  for (const run of runs) {
    for (let { from } = run; from < run.to;) {
      const to = Math.min(from + room, run.to)
      slice.push({ from, to })
      room -= to - from
      from = to
      if (room > 0) continue
      yield slice
      slice = []
      room = records
    }
  }
  if (slice.length > 0) yield slice
}
