import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalizeRanges, type OffsetRange } from '../../../../src/model/offset-range.ts'
import { progressOf } from '../../../../src/model/progress.ts'
import { type Frontier, type Frontiers, withFrontier } from '../../../../src/model/segment.ts'
import { decodeFrontiers, decodeProgress, encodeFrontiers, encodeProgress } from '../../../../src/pipeline/commit/progress-text.ts'
import { decided } from './tables.ts'

const offset = fc.bigInt({ min: 0n, max: 0x7fff_ffff_ffff_ffffn })
const name = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('__proto__', 'constructor', 'toString', '0', 's3://b/p/'))
const place = { source: name, at: fc.record({ topic: name, partition: fc.integer({ min: 0, max: 0x7fffffff }) }) }

describe('progress', () => {
  test('is ranges by source, topic and partition', () => {
    expect(encodeProgress(decided([0, 12], [15, 20]))).toBe('{"s3://bucket/":{"orders":{"0":[[0,12],[15,20]]}}}')
    expect(encodeProgress(new Map())).toBe('{}')
  })

  test('of any names and offsets comes back as it was, to the last digit', () => {
    const ranges = fc.array(fc.tuple(offset, offset), { minLength: 1, maxLength: 4 }).map((pairs) => normalizeRanges(pairs.map(ascending)))
    fc.assert(
      fc.property(fc.array(fc.record({ ...place, ranges }), { maxLength: 6 }), (sets) => {
        const progress = progressOf(sets)
        const text = encodeProgress(progress)
        expect(decodeProgress(text, 'here')).toEqual(progress)
        expect(encodeProgress(progressOf(sets.toReversed()))).toBe(text)
      }),
    )
  })

  test('of a topic called __proto__ is progress like any other', () => {
    const sets = ['__proto__', 'constructor'].map((topic) => ({
      source: '__proto__',
      at: { topic, partition: 0 },
      ranges: [[1n, 2n]] as OffsetRange[],
    }))
    const text = encodeProgress(progressOf(sets))
    expect(text).toBe('{"__proto__":{"__proto__":{"0":[[1,2]]},"constructor":{"0":[[1,2]]}}}')
    expect(decodeProgress(text, 'here')).toEqual(progressOf(sets))
  })

  test('keeps the mark of where a topic-partition starts', () => {
    expect(decodeProgress('{"s":{"t":{"3":[[7,7]]}}}', 'here')).toEqual(
      progressOf([{ source: 's', at: { topic: 't', partition: 3 }, ranges: [[7n, 7n]] }]),
    )
  })

  test.each([
    ['', 'here is not JSON: it is empty'],
    ['{"s":', 'here is not JSON: it ends too early, after 5 characters'],
    ['[]', 'here: expected an object'],
    ['null', 'here: expected an object'],
    ['{"s":[]}', 'here: s: expected an object'],
    ['{"s":{"t":7}}', 'here: s t: expected an object'],
    ['{"s":{"t":{"0":{}}}}', 'here: s t/0: expected a list of ranges'],
    ['{"s":{"t":{"0":[5]}}}', 'here: s t/0: a range is no [start, end)'],
    ['{"s":{"t":{"0":[[1,2,3]]}}}', 'here: s t/0: a range is no [start, end)'],
    ['{"s":{"t":{"0":[["1",2]]}}}', 'here: s t/0: expected a whole number'],
    ['{"s":{"t":{"0":[[1.5,2]]}}}', 'here: s t/0: expected a whole number'],
    ['{"s":{"t":{"0":[[5,3]]}}}', 'here: offset range [5, 3) ends before it starts'],
    ['{"s":{"t":{"0":[[-5,3]]}}}', 'here: offset range of t/0 starts at -5, below 0'],
    ['{"s":{"t":{"01":[[1,2]]}}}', "here: s t/01: expected a partition's number"],
    ['{"s":{"t":{"":[[1,2]]}}}', "here: s t/: expected a partition's number"],
    ['{"s":{"t":{"1e3":[[1,2]]}}}', "here: s t/1e3: expected a partition's number"],
    ['{"s":{"t":{"2147483648":[[1,2]]}}}', 'here: partition 2147483648 of topic t is no Kafka partition id'],
  ])('%s is refused', (text, message) => {
    expect(() => decodeProgress(text, 'here')).toThrow(new Error(message))
  })
})

describe('frontiers', () => {
  test('come back as they were', () => {
    const frontier = fc.record<Frontier>({
      baseOffset: offset,
      size: fc.nat(),
      etag: fc.string(),
      lastModifiedMs: fc.nat(),
      maxTimestampMs: fc.option(fc.nat()),
    })
    fc.assert(
      fc.property(fc.array(fc.record({ ...place, frontier }), { maxLength: 6 }), (list) => {
        const frontiers = list.reduce<Frontiers>((all, one) => withFrontier(all, one.source, one.at, one.frontier), new Map())
        expect(decodeFrontiers(encodeFrontiers(frontiers), 'here')).toEqual(frontiers)
      }),
    )
  })

  test.each([
    ['5', 'here: expected an object'],
    ['{"s":{"t":{"0":5}}}', 'here: a frontier is no [base offset, size, etag, last modified, max timestamp]'],
    ['{"s":{"t":{"0":[1,2,"e",4]}}}', 'here: a frontier is no [base offset, size, etag, last modified, max timestamp]'],
    ['{"s":{"t":{"0":["1",2,"e",4,null]}}}', 'here: expected a whole number'],
    ['{"s":{"t":{"x":[1,2,"e",4,null]}}}', "here: expected a partition's number"],
  ])('%s is refused', (text, message) => {
    expect(() => decodeFrontiers(text, 'here')).toThrow(new Error(message))
  })
})

test('hostile text never throws anything but an Error that names the place', () => {
  const near = fc.constantFrom('{"s":{"t":{"0":[[0,12]]}}}', '{"s":{"t":{"0":[1,2,"e",4,null]}}}')
  const mangled = fc
    .tuple(near, fc.nat(30), fc.string({ maxLength: 3 }))
    .map(([text, at, put]) => text.slice(0, at) + put + text.slice(at + 1))
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), mangled), (text) => {
      for (const read of [decodeProgress, decodeFrontiers]) {
        try {
          read(text, 'place')
        } catch (error) {
          expect((error as Error).message).toMatch(/^place/)
        }
      }
    }),
    { numRuns: 500 },
  )
})

function ascending([a, b]: readonly [bigint, bigint]): OffsetRange {
  return a < b ? [a, b] : [b, a]
}
