import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { dataViewOf } from '../../src/formats/bytes/data-view.ts'
import { lengthFieldEnd } from '../../src/formats/kafka/batch-header.ts'
import { footerBytes, headerBytes } from '../../src/formats/kfs/layout.ts'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { writeSegment } from '../../src/formats/kfs/write.ts'
import { segmentsIn } from './workload.ts'

/**
 * Writes the batches of generated segments into a directory with the bucket's layout, as partition 0 of `orders`, with indexes, in
 * segments of `maxSegmentBytes` at most. The files are an hour old, so that no grace age is waited for.
 */
export async function writeBucket(generated: string, directory: string, maxSegmentBytes: number): Promise<void> {
  let batches: Uint8Array[] = []
  let bytes = headerBytes + footerBytes
  for (const { key } of await segmentsIn(generated, 'none')) {
    for (const batch of batchesOf(await readFile(key))) {
      if (batches.length > 0 && bytes + batch.length > maxSegmentBytes) {
        await writeFiles(directory, batches)
        batches = []
        bytes = headerBytes + footerBytes
      }
      batches.push(batch)
      bytes += batch.length
    }
  }
  await writeFiles(directory, batches)
}

function* batchesOf(segment: Uint8Array): Generator<Uint8Array, void, undefined> {
  const view = dataViewOf(segment)
  for (let at = headerBytes; at < segment.length - footerBytes;) {
    const end = at + lengthFieldEnd + view.getInt32(at + 8)
    yield segment.subarray(at, end)
    at = end
  }
}

async function writeFiles(directory: string, batches: readonly Uint8Array[]): Promise<void> {
  const baseOffset = dataViewOf(batches[0]).getBigInt64(0)
  const { segment, index } = writeSegment({ baseOffset, batches, createdMs: Date.UTC(2024, 5, 7) })
  const anHourAgo = new Date(Date.now() - 3_600_000)
  for (const [extension, content] of [
    ['index', index],
    ['kfs', segment],
  ] as const) {
    const path = join(directory, segmentKey('', { topic: 'orders', partition: 0 }, baseOffset, extension))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
    await utimes(path, anHourAgo, anHourAgo)
  }
}
