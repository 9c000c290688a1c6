import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  countOffsets,
  intersectRanges,
  normalizeRanges,
  type OffsetRange,
  type OffsetRanges,
  unionRanges,
} from '../../../../src/model/offset-range.ts'
import { decidedRanges, noProgress, type Progress } from '../../../../src/model/progress.ts'
import { frontierOf, type Frontiers, type SegmentRef, withFrontier } from '../../../../src/model/segment.ts'
import type { TranslatedPart } from '../../../../src/model/translated-part.ts'
import { maxResultAgeMs, type Selectable, selectResults } from '../../../../src/pipeline/commit/select-results.ts'
import { at, refOf } from '../../service/segments.ts'
import { decided, source } from './tables.ts'

interface Named extends Selectable {
  readonly name: string
}

const nowMs = 1_000_000_000

/** A part that read the segments with these base offsets. */
function part(
  follows: number | null,
  bases: readonly number[],
  ranges: readonly (readonly [number, number])[],
  more: Partial<TranslatedPart> = {},
): TranslatedPart {
  const refs = bases.map((base): SegmentRef => refOf(BigInt(base)))
  return {
    at,
    follows: follows === null ? null : BigInt(follows),
    first: refs[0],
    last: refs.at(-1)!,
    ranges: normalizeRanges(ranges.map(([start, end]): OffsetRange => [BigInt(start), BigInt(end)])),
    gaps: [],
    maxTimestampMs: null,
    counts: { rows: 0, control: 0, skipped: 0, clipped: 0, repeated: 0, transactional: 0 },
    skips: [],
    control: [],
    rescued: { records: 0, paths: {}, otherPaths: 0 },
    ended: null,
    ...more,
  }
}

function result(name: string, ...parts: TranslatedPart[]): Named {
  return { name, parts, startedAtMs: nowMs }
}

function standing(base: number | null, maxTimestampMs: number | null = null): Frontiers {
  if (base === null) return new Map()
  return withFrontier(new Map(), source, at, { baseOffset: BigInt(base), size: 100, etag: `e${base}`, lastModifiedMs: 0, maxTimestampMs })
}

function select(results: readonly Named[], progress: Progress = noProgress, frontiers: Frontiers = standing(null)) {
  const { accepted, refused, held, ...rest } = selectResults(source, { progress, frontiers }, results, nowMs)
  return {
    accepted: accepted.map(({ name }) => name),
    refused: refused.map(({ result: { name }, reason }) => `${name}: ${reason}`),
    held: held.map(({ name }) => name),
    ranges: decidedRanges(rest.progress, source, at),
    stands: frontierOf(rest.frontiers, source, at),
  }
}

describe('order', () => {
  const a = result('a', part(null, [0, 5], [[0, 10]]))
  const b = result('b', part(5, [10], [[10, 20]]))
  const c = result('c', part(10, [20], [[20, 30]]))

  test('what lies behind a segment that was written again waits until its new bytes, too, have been read', () => {
    const again = result('again', part(10, [10], [[15, 20]], { followsEtag: 'e10', last: { ...refOf(10n), etag: 'new' } }))
    const behind = result('behind', part(10, [20], [[20, 30]], { followsEtag: 'new' }))
    expect(select([behind], decided([0, 15]), standing(10))).toMatchObject({ accepted: [], held: ['behind'] })
    expect(select([behind, again], decided([0, 15]), standing(10))).toMatchObject({
      accepted: ['again', 'behind'],
      held: [],
      refused: [],
    })
  })

  test('results that follow one another are taken together, in offset order, whatever order they came in', () => {
    expect(select([c, a, b])).toMatchObject({
      accepted: ['a', 'b', 'c'],
      refused: [],
      held: [],
      ranges: [[0n, 30n]],
      stands: { baseOffset: 20n },
    })
  })

  test('a result that follows a segment still to come is held', () => {
    expect(select([c, a])).toMatchObject({ accepted: ['a'], held: ['c'], refused: [], stands: { baseOffset: 5n } })
  })

  test('one that follows what the table stands at is taken', () => {
    expect(select([b], decided([0, 10]), standing(5))).toMatchObject({ accepted: ['b'], ranges: [[0n, 20n]] })
  })

  test('one that follows a segment behind the frontier is refused: another one has taken its place', () => {
    expect(select([b], decided([0, 10]), standing(7)).refused).toEqual([
      'b: orders/0: it follows segment 5, and the table stands at segment 7',
    ])
  })

  test('one from the beginning of the log is refused where the table stands further', () => {
    expect(select([result('x', part(null, [50], [[50, 60]]))], decided([0, 10]), standing(5)).refused).toEqual([
      'x: orders/0: it follows segment none, and the table stands at segment 5',
    ])
  })

  test('one that follows a segment is held where the table has no frontier', () => {
    expect(select([b])).toMatchObject({ accepted: [], held: ['b'] })
  })

  test('a result of many topic-partitions is held whole for the one that must wait', () => {
    const other = { ...part(null, [0], [[0, 4]]), at: { topic: 'orders', partition: 1 } }
    const both = result('both', part(5, [10], [[10, 20]]), other)
    expect(select([both])).toMatchObject({ accepted: [], held: ['both'] })
    expect(select([both, a])).toMatchObject({ accepted: ['a', 'both'], held: [] })
  })
})

describe('a result is refused whole', () => {
  test('where the parent snapshot has decided one of its offsets', () => {
    expect(select([result('a', part(null, [0], [[0, 10]]))], decided([9, 12])).refused).toEqual(['a: orders/0 [9, 10) is decided already'])
  })

  test('where another result of the same commit has', () => {
    const once = result('once', part(null, [0], [[0, 10]]))
    const again = result('again', part(null, [0], [[0, 10]]))
    expect(select([once, again])).toMatchObject({
      accepted: ['once'],
      refused: ['again: orders/0 [0, 10) is decided already'],
      ranges: [[0n, 10n]],
    })
  })

  test('for one of its topic-partitions, so that nothing of the others is decided', () => {
    const other = { topic: 'orders', partition: 1 }
    const both = result('both', { ...part(null, [0], [[0, 4]]), at: other }, part(null, [0], [[0, 10]]))
    const selection = selectResults(source, { progress: decided([5, 6]), frontiers: new Map() }, [both], nowMs)
    expect(selection.accepted).toEqual([])
    expect(decidedRanges(selection.progress, source, other)).toEqual([])
  })

  test('where it is older than 12 h, and not a millisecond before', () => {
    const old = (ageMs: number) => ({ ...result('old', part(null, [0], [[0, 1]])), startedAtMs: nowMs - ageMs })
    expect(maxResultAgeMs).toBe(12 * 3_600_000)
    expect(select([old(maxResultAgeMs)])).toMatchObject({ accepted: ['old'] })
    expect(select([old(maxResultAgeMs + 1)]).refused).toEqual(['old: it is older than 12 h'])
  })
})

describe('a gap before the first segment', () => {
  const young = { ...refOf(15n), settled: false }
  const reading = (first: SegmentRef) => result('a', part(5, [15], [[15, 20]], { first }))

  test('is passed where the segment is settled', () => {
    expect(select([reading(refOf(15n))], decided([0, 10]), standing(5))).toMatchObject({
      accepted: ['a'],
      ranges: [
        [0n, 10n],
        [15n, 20n],
      ],
    })
  })

  test('refuses the result where the segment is too young to prove it', () => {
    expect(select([reading(young)], decided([0, 10]), standing(5)).refused).toEqual([
      'a: orders/0: what is missing before orders/0/segment-00000000000000000015.kfs may still come',
    ])
  })

  test('is none where the segment continues what is decided', () => {
    expect(select([reading(young)], decided([0, 15]), standing(5))).toMatchObject({ accepted: ['a'] })
  })

  test('may hide the first segment of a log: a young one that does not begin at 0 waits, a settled one is where the log begins', () => {
    expect(select([result('b', part(null, [15], [[15, 20]], { first: young }))]).refused).toEqual([
      'b: orders/0: what is missing before orders/0/segment-00000000000000000015.kfs may still come',
    ])
    expect(select([result('b', part(null, [15], [[15, 20]]))])).toMatchObject({ accepted: ['b'] })
    expect(select([result('b', part(null, [0], [[0, 20]], { first: { ...refOf(0n), settled: false } }))])).toMatchObject({
      accepted: ['b'],
    })
  })
})

describe('the frontier', () => {
  test('moves to the last segment that was decided whole, with its bytes and the highest timestamp', () => {
    expect(select([result('a', part(null, [0, 5], [[0, 10]], { maxTimestampMs: 7 }))]).stands).toEqual({
      baseOffset: 5n,
      size: 100,
      etag: 'e5',
      lastModifiedMs: refOf(5n).lastModifiedMs,
      maxTimestampMs: 7,
    })
  })

  test('keeps a higher timestamp that it had', () => {
    const of = (maxTimestampMs: number | null) =>
      select([result('b', part(5, [10], [[10, 12]], { maxTimestampMs }))], decided([0, 10]), standing(5, 50)).stands
    expect([of(null), of(40), of(60)].map((frontier) => frontier?.maxTimestampMs)).toEqual([50, 50, 60])
  })

  test('stays where not even the first segment was decided whole, and the offsets that were are decided', () => {
    const partly = result('a', part(5, [10], [[10, 13]], { last: null }))
    expect(select([partly], decided([0, 10]), standing(5))).toMatchObject({
      accepted: ['a'],
      ranges: [[0n, 13n]],
      stands: { baseOffset: 5n },
    })
  })
})

test('whatever comes together, accepted results never intersect each other or the parent, and every offset has one owner', () => {
  const small = fc.integer({ min: 0, max: 8 })
  const rangesArbitrary = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 6 })), { maxLength: 3 })
    .map((ranges) => ranges.map(([start, length]) => [start, start + length] as const))
  const partArbitrary = fc
    .tuple(fc.option(small), small, rangesArbitrary, fc.integer({ min: 0, max: 2 }), fc.boolean())
    .map(([follows, base, ranges, partition, settled]) => ({
      ...part(follows, [base], ranges),
      at: { topic: 'orders', partition },
      first: { ...refOf(BigInt(base)), settled },
    }))
  const resultArbitrary = fc.uniqueArray(partArbitrary, { minLength: 1, maxLength: 3, selector: ({ at: { partition } }) => partition })
  fc.assert(
    fc.property(fc.array(resultArbitrary, { maxLength: 8 }), rangesArbitrary, fc.option(small), (lists, before, stands) => {
      const progress = decided(...before)
      const results = lists.map((parts, i) => result(`${i}`, ...parts))
      const selection = selectResults(source, { progress, frontiers: standing(stands) }, results, nowMs)
      for (const partition of [0, 1, 2]) {
        const where = { topic: 'orders', partition }
        let owned: OffsetRanges = decidedRanges(progress, source, where)
        for (const { ranges } of selection.accepted.flatMap(({ parts }) => parts).filter((one) => one.at.partition === partition)) {
          expect(intersectRanges(ranges, owned)).toEqual([])
          owned = unionRanges(owned, ranges)
        }
        expect(countOffsets(decidedRanges(selection.progress, source, where))).toBe(countOffsets(owned))
      }
      const judged = [...selection.accepted, ...selection.refused.map((refusal) => refusal.result), ...selection.held]
      expect(judged.map(({ name }) => name).sort()).toEqual(results.map(({ name }) => name).sort())
    }),
    { numRuns: 300 },
  )
})

test('behind history that is refused no other of its topic-partition is taken, and all of others', () => {
  const history = { history: true } as const
  const elsewhere = { ...history, at: { ...at, partition: 7 } }
  const chosen = select(
    [
      result('before', part(null, [0], [[0, 5]], history)),
      result('twice', part(null, [5], [[5, 12]], history)),
      result('behind', part(null, [10], [[12, 15]], history)),
      result('elsewhere', part(null, [10], [[12, 15]], elsewhere)),
    ],
    decided([5, 6]),
    standing(20),
  )
  expect(chosen).toMatchObject({ accepted: ['before', 'elsewhere'], held: [] })
})
