import { describe, expect, test } from 'vitest'
import { writeBatch } from '../../../../src/formats/kafka/write.ts'
import { parseIndex } from '../../../../src/formats/kfs/index.ts'
import { writeSegment } from '../../../../src/formats/kfs/write.ts'

const record = { timestampMs: 1n, key: null, value: null, headers: [] }
const batches = Array.from({ length: 5 }, (_, i) =>
  writeBatch({ baseOffset: BigInt(1000 + i * 60), codec: 'none', records: Array.from({ length: 60 }, () => record) }),
)
const { index } = writeSegment({ baseOffset: 1000n, batches, createdMs: 0 })

function changed(change: (view: DataView) => void, length: number = index.length): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes.set(index.subarray(0, length))
  change(new DataView(bytes.buffer))
  return bytes
}

test('an index has an entry for the first batch and for each that begins an interval later', () => {
  const batchBytes = batches[0].length
  expect(parseIndex(index)).toEqual({
    entries: [
      { offset: 1000n, position: 32 },
      { offset: 1120n, position: 32 + 2 * batchBytes },
      { offset: 1240n, position: 32 + 4 * batchBytes },
    ],
    interval: 100,
    fault: null,
  })
})

describe('a malformed index is a fault', () => {
  test.each([
    ['without IDX', changed((view) => view.setUint8(0, 0x4a)), 'magic', 0, 0n, 0],
    ['that is empty', new Uint8Array(0), 'length', 0, 0n, 0],
    ['shorter than its header', changed(() => {}, 15), 'length', 0, 0n, 0],
    ['of another version', changed((view) => view.setUint16(4, 2)), 'malformed', 4, 0n, 0],
    ['with fewer entries than it says', changed(() => {}, 51), 'length', 6, 0n, 0],
    ['with more bytes than it says', changed(() => {}, 53), 'length', 6, 0n, 0],
    ['with a count below 0', changed((view) => view.setInt32(6, -1)), 'length', 6, 0n, 0],
    ['with two thousand million entries', changed((view) => view.setInt32(6, 0x7fffffff)), 'length', 6, 0n, 0],
    ['with an offset below 0', changed((view) => view.setBigInt64(28, -1n)), 'malformed', 28, 1000n, 1],
    ['with a position in the header', changed((view) => view.setInt32(48, 31)), 'malformed', 40, 1120n, 2],
  ])('%s', (_name, bytes, kind, position, offset, entries) => {
    const parsed = parseIndex(bytes)
    expect(parsed.fault).toMatchObject({ kind, position, offset })
    expect(parsed.entries).toHaveLength(entries)
  })
})
