import fc from 'fast-check'
import { expect, test } from 'vitest'
import { intersectRanges, type OffsetRange } from '../../../src/model/offset-range.ts'
import { decidedRanges, decidedSets, noProgress, progressBeyond, progressOf, withDecided } from '../../../src/model/progress.ts'
import { frontierOf, withFrontier } from '../../../src/model/segment.ts'

const place = fc.record({
  source: fc.constantFrom('s', 't'),
  at: fc.record({ topic: fc.constantFrom('a', 'b', '__proto__'), partition: fc.nat(2) }),
})
const range = fc.tuple(fc.nat(20), fc.nat(6)).map(([start, length]): OffsetRange => [BigInt(start), BigInt(start + length)])
const sets = fc
  .array(fc.record({ place, ranges: fc.array(range, { minLength: 1, maxLength: 3 }) }), { maxLength: 8 })
  .map((list) => list.map(({ place: { source, at }, ranges }) => ({ source, at, ranges })))

test('the order in which sets are decided does not matter', () => {
  fc.assert(
    fc.property(sets, (list) => {
      expect(progressOf(list)).toEqual(progressOf(list.toReversed()))
    }),
  )
})

test('what one progress has beyond another is decided by the one and not by the other, and joined they have both', () => {
  fc.assert(
    fc.property(sets, sets, (one, other) => {
      const [a, b] = [progressOf(one), progressOf(other)]
      const beyond = progressBeyond(a, b)
      let joined = b
      for (const { source, at, ranges } of beyond) {
        expect(intersectRanges(ranges, decidedRanges(b, source, at))).toEqual([])
        expect(intersectRanges(ranges, decidedRanges(a, source, at))).toEqual(ranges)
        joined = withDecided(joined, source, at, ranges)
      }
      expect(progressBeyond(a, joined)).toEqual([])
    }),
  )
})

test('deciding more leaves the progress before it as it was', () => {
  const at = { topic: 'a', partition: 0 }
  const before = withDecided(noProgress, 's', at, [[0n, 5n]])
  const after = withDecided(before, 's', at, [[5n, 9n]])
  expect([decidedRanges(before, 's', at), decidedRanges(after, 's', at)]).toEqual([[[0n, 5n]], [[0n, 9n]]])
})

test('of what nobody decided nothing is decided', () => {
  expect(decidedRanges(noProgress, 's', { topic: 'a', partition: 0 })).toEqual([])
})

test('sets come ordered by source, topic and partition number', () => {
  const one = (source: string, topic: string, partition: number) => ({ source, at: { topic, partition }, ranges: [[0n, 1n]] as const })
  const progress = progressOf([one('t', 'a', 0), one('s', 'b', 10), one('s', 'b', 9), one('s', 'a', 3)])
  expect(decidedSets(progress).map(({ source, at }) => `${source} ${at.topic}/${at.partition}`)).toEqual([
    's a/3',
    's b/9',
    's b/10',
    't a/0',
  ])
})

test.each([-1, 1.5, Number.NaN, 2 ** 31])('partition %d is refused', (partition) => {
  expect(() => progressOf([{ source: 's', at: { topic: 'a', partition }, ranges: [] }])).toThrow(
    `partition ${partition} of topic a is no Kafka partition id`,
  )
})

test('a negative offset is refused', () => {
  expect(() => progressOf([{ source: 's', at: { topic: 'a', partition: 0 }, ranges: [[-1n, 2n]] }])).toThrow(
    'offset range of a/0 starts at -1, below 0',
  )
})

test('frontiers are kept by source, topic and partition, and replaced', () => {
  const frontier = (baseOffset: bigint) => ({ baseOffset, size: 1, etag: 'e', lastModifiedMs: 0, maxTimestampMs: null })
  const one = withFrontier(new Map(), 's', { topic: 'a', partition: 0 }, frontier(1n))
  const two = withFrontier(
    withFrontier(one, 's', { topic: 'a', partition: 1 }, frontier(2n)),
    's',
    { topic: 'a', partition: 0 },
    frontier(3n),
  )
  expect([0, 1, 2].map((partition) => frontierOf(two, 's', { topic: 'a', partition })?.baseOffset)).toEqual([3n, 2n, undefined])
  expect(frontierOf(one, 's', { topic: 'a', partition: 0 })?.baseOffset).toBe(1n)
  expect(frontierOf(two, 'other', { topic: 'a', partition: 0 })).toBeNull()
})
