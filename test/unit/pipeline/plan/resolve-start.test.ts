import { describe, expect, test } from 'vitest'
import { firstOffsetAt, firstSegmentAt, segmentEnd } from '../../../../src/pipeline/plan/resolve-start.ts'
import { batch, damaged, record, refOf, segment, type Written } from '../../service/segments.ts'

describe('the end of a segment', () => {
  const whole = (end: bigint) => ({ end, isWhole: true })
  const broken = (end: bigint) => ({ end, isWhole: false })
  const end = ({ ref, bytes }: Written) => segmentEnd(ref, bytes, 1_000_000)

  test('is one past the last offset of its batches', () => {
    expect(end(segment(10n, [batch(10n, 3), batch(13n, 4)]))).toEqual(whole(17n))
  })

  test('is that of the batch that reaches furthest, since offsets may repeat', () => {
    expect(end(segment(10n, [batch(10n, 9), batch(0n, 2)]))).toEqual(whole(19n))
  })

  test('is that of the sound batches before a fault', () => {
    expect(end(damaged(segment(10n, [batch(10n, 3), batch(13n, 4)]), (view) => view.setInt8(32 + batch(10n, 3).length + 16, 0)))).toEqual(
      broken(13n),
    )
  })

  test('is the base offset where nothing can be read', () => {
    expect(end({ ref: refOf(10n), bytes: Buffer.from('no segment') })).toEqual(broken(10n))
    expect(end(segment(10n, []))).toEqual(whole(10n))
  })
})

describe('the first offset of a time', () => {
  const times = (base: bigint, ...ms: bigint[]) =>
    batch(
      base,
      ms.map((timestampMs) => record('x', { timestampMs })),
    )
  const at = ({ ref, bytes }: Written, ms: number) => firstOffsetAt(ref, bytes, ms, 1000)
  const made = segment(10n, [times(10n, 100n, 200n), times(12n, 150n, 300n, 300n)])

  test.each([
    [0, 10n],
    [100, 10n],
    [101, 11n],
    [200, 11n],
    [201, 13n],
    [300, 13n],
    [301, null],
  ])('%i ms begin at offset %s', (ms, offset) => {
    expect(at(made, ms)).toBe(offset)
  })

  test('records below the base offset of the segment do not count', () => {
    expect(at(segment(10n, [times(10n, 1n), times(8n, 500n, 500n, 500n)]), 400)).toBe(10n)
  })

  test('a segment that can not be read might have it anywhere, so nothing of it is left out', () => {
    expect(at({ ref: refOf(10n), bytes: Buffer.from('no segment') }, 0)).toBe(10n)
  })
})

test('looking begins at the first segment that was written at the time or after it', () => {
  const segments = [1000, 2000, 2000, 3000].map((lastModifiedMs, i) => ({ ...refOf(BigInt(i)), lastModifiedMs }))
  expect([0, 1000, 2000, 3000].map((ms) => firstSegmentAt(segments, ms))).toEqual([0, 0, 1, 3])
})

test('a segment may have been written up to the end of the second that the store tells', () => {
  const segments = [1000, 2000, 3000].map((lastModifiedMs, i) => ({ ...refOf(BigInt(i)), lastModifiedMs }))
  expect([1999, 2001, 3999, 4000].map((ms) => firstSegmentAt(segments, ms))).toEqual([0, 1, 2, -1])
})
