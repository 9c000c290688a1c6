import { memoryStore } from '../../src/drivers/store/memory.ts'
import type { DataFile } from '../../src/formats/iceberg/data-file.ts'
import type { TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import { writeBatch } from '../../src/formats/kafka/write.ts'
import { writeSegment } from '../../src/formats/kfs/write.ts'
import type { resolveLayout } from '../../src/pipeline/commit/resolve-layout.ts'
import { carryOut, taskTarget } from '../../src/service/tasks/worker.ts'
import type { Clock } from '../../src/seams/clock.ts'
import type { Entropy } from '../../src/seams/entropy.ts'
import type { FileIO } from '../../src/seams/file-io.ts'

/** Writes a file with rows of a topic that nobody materializes, from this offset on. */
export async function writeForeignRows(
  firstRow: number,
  count: number,
  metadata: TableMetadata,
  layout: ReturnType<typeof resolveLayout>,
  seams: { readonly io: FileIO; readonly clock: Clock; readonly entropy: Entropy },
): Promise<readonly DataFile[]> {
  const at = { topic: 'foreign', partition: 0 }
  const baseOffset = BigInt(firstRow)
  const record = { timestampMs: -1n, key: null, value: Buffer.from('foreign'), headers: [] }
  const batch = writeBatch({ baseOffset, codec: 'none', records: Array.from({ length: count }, () => record) })
  const { segment } = writeSegment({ baseOffset, createdMs: 0, batches: [batch] })
  const source = memoryStore({ clock: seams.clock })
  await source.put('rows', [segment])
  const segments = []
  for await (const { objects } of source.list({ prefix: '' }))
    segments.push(...objects.map((object) => ({ ...object, baseOffset, settled: true })))
  const { files } = await carryOut(
    { id: 'foreign', parts: [{ at, startOffset: 0n, follows: null, segments, decided: [], nextBaseOffset: null }], bytes: segment.length },
    taskTarget(metadata, layout, { onError: 'stop' }),
    {
      rowGroupBytes: 1e6,
      targetFileSizeBytes: 1e6,
      maxBatchBytes: 1e6,
      maxRequests: 1,
      maxBytes: 1e6,
      maxSegmentBytes: 0x7fffffff,
      openFilesBytes: 1e6,
      rewriteBytes: 1e6,
    },
    { ...seams, source },
  )
  return files
}
