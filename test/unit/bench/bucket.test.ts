import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { frameSegment } from '../../../src/formats/kfs/segment.ts'
import { writeBucket } from '../../bench/bucket.ts'
import { orderSegments } from '../../bench/generate.ts'
import { segmentsIn } from '../../bench/workload.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bucket-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('generated batches are put into smaller segments with indexes: the same batches, in order, none too large', async () => {
  const offsets: bigint[] = []
  let number = 0
  for (const { segment } of orderSegments({ records: 2_000, maxSegmentBytes: 400_000, recordsPerBatch: 100 })) {
    await writeFile(join(directory, `none-${number++}.kfs`), segment)
  }
  await writeBucket(directory, join(directory, 'bucket'), 150_000)
  const folder = join(directory, 'bucket', 'orders', '0')
  const segments = await segmentsIn(folder)
  expect(segments.length).toBeGreaterThan(number)
  for (const segment of segments) {
    expect(segment.size).toBeLessThanOrEqual(150_000)
    const { batches, fault } = frameSegment(await readFile(segment.key), segment)
    expect(fault).toBeNull()
    offsets.push(...batches.map(({ baseOffset }) => baseOffset))
  }
  expect(offsets).toEqual(Array.from({ length: 20 }, (_, i) => BigInt(i * 100)))
  expect((await readdir(folder)).filter((name) => name.endsWith('.index'))).toHaveLength(segments.length)
})
