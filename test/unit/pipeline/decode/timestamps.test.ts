import { describe, expect, test } from 'vitest'
import { sealBatch } from '../../../../src/formats/kafka/write.ts'
import { lastTimestampMs } from '../../../../src/pipeline/decode/table-columns.ts'
import { batch, record, segment } from '../../service/segments.ts'
import { decode } from './decoding.ts'

function timestampsOf(...ms: bigint[]): { micros: (bigint | null)[]; max: number | null } {
  const { rows, part } = decode([
    segment(0n, [
      batch(
        0n,
        ms.map((timestampMs) => record('x', { timestampMs })),
      ),
    ]),
  ])
  return { micros: rows.map(({ timestamp }) => timestamp), max: part.maxTimestampMs }
}

describe('CreateTime', () => {
  test('milliseconds become microseconds', () => {
    expect(timestampsOf(0n, 1n, 1_767_225_600_123n)).toEqual({ micros: [0n, 1000n, 1_767_225_600_123_000n], max: 1_767_225_600_123 })
  })

  test.each([
    ['none', -1n],
    ['before 1970', -86_400_000n],
    ['the smallest int64', -(2n ** 63n)],
    ['nanoseconds taken for milliseconds', 1_767_225_600_123_456_789n],
    ['the largest int64', 2n ** 63n - 1n],
    ['one past the year 9999', BigInt(lastTimestampMs) + 1n],
  ])('%s is null and moves no watermark', (_what, ms) => {
    expect(timestampsOf(ms)).toEqual({ micros: [null], max: null })
  })

  test('the last millisecond of the year 9999 is a timestamp', () => {
    expect(timestampsOf(BigInt(lastTimestampMs))).toEqual({ micros: [BigInt(lastTimestampMs) * 1000n], max: lastTimestampMs })
    expect(new Date(lastTimestampMs).toISOString()).toBe('9999-12-31T23:59:59.999Z')
  })

  test('an absurd timestamp beside sound ones spoils none of them', () => {
    expect(timestampsOf(5n, 1_767_225_600_123_456_789n, 3n)).toEqual({ micros: [5000n, null, 3000n], max: 5 })
  })
})

test('LogAppendTime: every record has the batch’s max timestamp', () => {
  const written = batch(0n, [record('x', { timestampMs: 3n }), record('y', { timestampMs: 4n })])
  const logged = sealBatch({
    baseOffset: 0n,
    codec: 'none',
    attributes: 8,
    lastOffsetDelta: 1,
    baseTimestampMs: 3n,
    maxTimestampMs: 1_767_225_600_000n,
    recordCount: 2,
    recordBytes: written.subarray(61),
  })
  const { rows, part } = decode([segment(0n, [logged])])
  expect(rows.map(({ timestamp }) => timestamp)).toEqual([1_767_225_600_000_000n, 1_767_225_600_000_000n])
  expect(part.maxTimestampMs).toBe(1_767_225_600_000)
})
