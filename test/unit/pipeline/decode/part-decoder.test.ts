import { describe, expect, test } from 'vitest'
import { containsOffset } from '../../../../src/model/offset-range.ts'
import { maxRangesWithoutRow } from '../../../../src/model/without-row.ts'
import { at, batch, partOf, record, segment } from '../../service/segments.ts'
import { decode } from './decoding.ts'

const counts = { rows: 0, control: 0, skipped: 0, clipped: 0, repeated: 0, transactional: 0 }

test('every record becomes a row with its Kafka coordinates, and its offset is decided', () => {
  const headers = [
    { key: 'a', value: Buffer.from('1') },
    { key: 'a', value: null },
    { key: '', value: Buffer.alloc(0) },
  ]
  const records = [
    record('x', { key: Buffer.from('k'), timestampMs: 5n, headers }),
    record(null, { timestampMs: 7n }),
    record('', { timestampMs: 6n }),
  ]
  const { rows, part, spans } = decode([segment(100n, [batch(100n, records)])])
  expect(rows).toEqual([
    {
      offset: 100n,
      timestamp: 5000n,
      key: 'k',
      headers: [
        ['a', '1'],
        ['a', null],
        ['', ''],
      ],
      value: 'x',
    },
    { offset: 101n, timestamp: 7000n, key: null, headers: [], value: null },
    { offset: 102n, timestamp: 6000n, key: null, headers: [], value: '' },
  ])
  expect(part).toMatchObject({
    at,
    ranges: [[100n, 103n]],
    counts: { ...counts, rows: 3 },
    gaps: [],
    skips: [],
    control: [],
    rescued: { records: 0, paths: {}, otherPaths: 0 },
    ended: null,
    maxTimestampMs: 7,
  })
  expect(spans).toMatchObject([{ at, ranges: [[100n, 103n]] }])
  expect(part.last).toBe(part.first)
})

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('batches compressed with %s give the same rows', (codec) => {
  const { rows } = decode([segment(0n, [batch(0n, 50, { codec }), batch(50n, 3, { codec })])])
  expect(rows.map(({ value }) => value)).toEqual(Array.from({ length: 53 }, (_, i) => `v${i}`))
})

test('a part hands on what it follows, its first and its last segment', () => {
  const segments = [segment(0n, [batch(0n, 2)]), segment(2n, [batch(2n, 2)]), segment(4n, [batch(4n, 2)])]
  const { part } = decode(segments, { part: { follows: -5n } })
  expect(part).toMatchObject({ follows: -5n, ranges: [[0n, 6n]] })
  expect([part.first, part.last]).toEqual([segments[0].ref, segments[2].ref])
})

describe('overlaps', () => {
  const overlapping = [
    segment(0n, [batch(0n, 10)]),
    segment(10n, [batch(10n, 7)]),
    segment(15n, [batch(15n, 5)]),
    segment(17n, [batch(17n, 7)]),
    segment(20n, [batch(20n, 5)]),
  ]

  test('a record whose offset an earlier segment had is left out, the rest of its segment is read', () => {
    const { rows, part } = decode(overlapping)
    expect(rows.map(({ offset }) => offset)).toEqual(Array.from({ length: 25 }, (_, i) => BigInt(i)))
    expect(part).toMatchObject({ ranges: [[0n, 25n]], counts: { ...counts, rows: 25, clipped: 9 }, gaps: [], ended: null })
  })

  test('the segment with the lower base offset wins', () => {
    const early = segment(0n, [
      batch(
        0n,
        ['a', 'b', 'c'].map((value) => record(value)),
      ),
    ])
    const late = segment(1n, [
      batch(
        1n,
        ['x', 'y', 'z'].map((value) => record(value)),
      ),
    ])
    expect(
      decode([early, late])
        .rows.map(({ value }) => value)
        .join(''),
    ).toBe('abcz')
  })

  test('what was decided before the part is left out, in the middle of a batch too', () => {
    const { rows, part } = decode([segment(0n, [batch(0n, 10)])], {
      part: {
        decided: [
          [2n, 4n],
          [6n, 7n],
        ],
      },
    })
    expect(rows.map(({ offset }) => offset)).toEqual([0n, 1n, 4n, 5n, 7n, 8n, 9n])
    expect(part).toMatchObject({
      ranges: [
        [0n, 2n],
        [4n, 6n],
        [7n, 10n],
      ],
      counts: { ...counts, rows: 7, clipped: 3 },
    })
  })

  test('a segment with nothing new decides nothing and still counts as read', () => {
    const { part, spans } = decode([segment(0n, [batch(0n, 4)])], { part: { decided: [[0n, 9n]] } })
    expect(part).toMatchObject({ ranges: [], counts: { ...counts, clipped: 4 }, ended: null })
    expect(part.last).not.toBeNull()
    expect(spans).toEqual([])
  })
})

describe('offsets inside a segment', () => {
  test('the first record of a repeated offset is kept, and the others are counted', () => {
    const second = batch(
      0n,
      ['x', 'y', 'z', 'w'].map((value) => record(value)),
    )
    const { rows, part } = decode([segment(0n, [batch(0n, 3), second])])
    expect(rows.map(({ value }) => value)).toEqual(['v0', 'v1', 'v2', 'w'])
    expect(part).toMatchObject({ ranges: [[0n, 4n]], counts: { ...counts, rows: 4, repeated: 3 } })
  })

  test('a batch below the base offset of its segment is left out: the broker gave it no offsets', () => {
    const { rows, part } = decode([segment(5n, [batch(5n, 2), batch(0n, 7)])])
    expect(rows.map(({ offset }) => offset)).toEqual([5n, 6n])
    expect(part).toMatchObject({ ranges: [[5n, 7n]], counts: { ...counts, rows: 2, repeated: 7 } })
  })

  test('records that a compacted log left out are no rows, and not decided', () => {
    const records = [record('a', { offsetDelta: 0 }), record('b', { offsetDelta: 3 }), record('c', { offsetDelta: 4 })]
    const { rows, part } = decode([segment(0n, [batch(0n, records)])])
    expect(rows.map(({ offset }) => offset)).toEqual([0n, 3n, 4n])
    expect(part.ranges).toEqual([
      [0n, 1n],
      [3n, 5n],
    ])
  })

  test('offsets close to 2^63 keep every digit', () => {
    const base = 0x7fff_ffff_ffff_fff0n
    const { rows, part } = decode([segment(base, [batch(base, 15)])])
    expect(rows.map(({ offset }) => offset)).toEqual(Array.from({ length: 15 }, (_, i) => base + BigInt(i)))
    expect(part.ranges).toEqual([[base, base + 15n]])
  })

  test.each([2n ** 53n - 3n, 2n ** 53n, 2n ** 53n - 2n ** 31n])('offsets around %s are exact', (base) => {
    expect(decode([segment(base, [batch(base, 6)])]).rows.map(({ offset }) => offset)).toEqual(
      Array.from({ length: 6 }, (_, i) => base + BigInt(i)),
    )
  })
})

describe('transactions', () => {
  test('control records are decided and are no rows', () => {
    const marker = [record(Buffer.of(0, 0, 0, 0, 0, 0), { key: Buffer.of(0, 0, 0, 1) })]
    const { rows, part } = decode([segment(0n, [batch(0n, 2, { attributes: 16 }), batch(2n, marker, { attributes: 48 }), batch(3n, 1)])])
    expect(rows.map(({ offset }) => offset)).toEqual([0n, 1n, 3n])
    expect(part).toMatchObject({ ranges: [[0n, 4n]], counts: { ...counts, rows: 3, control: 1, transactional: 2 } })
  })

  test('of many transactions all control records are among the offsets that are told, in no more ranges than a table keeps', () => {
    const transactions = 3000
    const batches = Array.from({ length: transactions }, (_, i) => BigInt(3 * i)).flatMap((base) => [
      batch(base, 2, { attributes: 0x10 }),
      batch(base + 2n, 1, { attributes: 0x30 }),
    ])
    const { part } = decode([segment(0n, batches)])
    expect(part.counts).toMatchObject({ rows: 2 * transactions, control: transactions })
    expect(part.control.length).toBeGreaterThan(1)
    expect(part.control.length).toBeLessThanOrEqual(maxRangesWithoutRow + 1)
    for (let i = 0; i < transactions; i++) expect(containsOffset(part.control, BigInt(3 * i + 2))).toBe(true)
    expect(decode([segment(0n, batches.slice(0, 4))]).part.control).toEqual([
      [2n, 3n],
      [5n, 6n],
    ])
  })

  test('a segment of control records alone is decided whole', () => {
    const { rows, part, spans } = decode([segment(0n, [batch(0n, 1, { attributes: 48 })])])
    expect(rows).toEqual([])
    expect(part).toMatchObject({ ranges: [[0n, 1n]], counts: { ...counts, control: 1 }, ended: null })
    expect(spans).toHaveLength(1)
  })
})

describe('gaps', () => {
  const before = segment(0n, [batch(0n, 3)])
  const after = segment(5n, [batch(5n, 2)])

  test('what is missing before a settled segment is a gap: noted, not decided, passed', () => {
    const { part } = decode([before, after])
    expect(part).toMatchObject({
      ranges: [
        [0n, 3n],
        [5n, 7n],
      ],
      gaps: [[3n, 5n]],
      ended: null,
    })
  })

  test('before an unsettled segment the part ends: what is missing may still come', () => {
    const young = { ...after, ref: { ...after.ref, settled: false } }
    const { part, rows } = decode([before, young])
    expect(rows).toHaveLength(3)
    expect(part).toMatchObject({ ranges: [[0n, 3n]], gaps: [], ended: { kind: 'unsettled', segment: young.ref } })
    expect(part.last).toBe(before.ref)
  })

  test('an unsettled segment without a gap before it is read', () => {
    const young = segment(3n, [batch(3n, 2)])
    expect(decode([before, { ...young, ref: { ...young.ref, settled: false } }]).part).toMatchObject({ ranges: [[0n, 5n]], ended: null })
  })

  test('offsets decided before the part are no gap', () => {
    expect(decode([before, after], { part: { decided: [[3n, 5n]] } }).part.gaps).toEqual([])
  })

  test('a gap inside a segment, between its batches, is left undecided', () => {
    expect(decode([segment(0n, [batch(0n, 2), batch(4n, 2)])]).part.ranges).toEqual([
      [0n, 2n],
      [4n, 6n],
    ])
  })
})

test('two parts into the same columns each tell their own timestamps', () => {
  const late = decode([segment(0n, [batch(0n, [record('a', { timestampMs: 9000n }), record('b', { timestampMs: 3n })])])])
  expect(late.part.maxTimestampMs).toBe(9000)
  expect(decode([segment(0n, [batch(0n, 1, { attributes: 32 })])]).part.maxTimestampMs).toBeNull()
})

test('a part of which nothing could be read says so', () => {
  const one = segment(0n, [batch(0n, 1)])
  expect(partOf([one]).segments).toEqual([one.ref])
  expect(decode([]).part).toMatchObject({ last: null, ranges: [], ended: null })
})
