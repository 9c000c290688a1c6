import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSegmentFileName } from '../../src/formats/kfs/segment-key.ts'
import { newTableMetadata } from '../../src/formats/iceberg/new-table.ts'
import type { SegmentRef } from '../../src/model/segment.ts'
import type { Task } from '../../src/model/task.ts'
import { systemClock } from '../../src/drivers/clock/system.ts'
import { systemEntropy } from '../../src/drivers/entropy/system.ts'
import { newTable } from '../../src/pipeline/commit/new-table.ts'
import { resolveLayout } from '../../src/pipeline/commit/resolve-layout.ts'
import { limitsOf } from '../../src/pipeline/limits.ts'
import { carryOut, type WorkerSeams } from '../../src/pipeline/worker.ts'
import { loadDocuments } from '../../src/spec/load.ts'
import { mappingFor } from '../../src/spec/table-mapping.ts'
import { serviceDocument } from './service.ts'

/** What the hot path did, warm: medians over the rounds. */
export interface HotPathResult {
  readonly recordsPerCpuSecond: number
  readonly megabytesPerCpuSecond: number
  readonly bytesOut: number
}

const rounds = 3

/** Bytes of segments, in memory, become bytes of Parquet files, which are dropped: what a worker does, without stores and catalog. */
async function measure(directory: string, segments: number): Promise<HotPathResult> {
  const objects = await segmentsIn(directory, segments)
  const document = loadDocuments(serviceDocument({ directory }, {}), 'bench', {})[0]
  const mapping = mappingFor(document, 'orders')
  const profile = { propertiesInCommit: true, forbiddenProperties: [] }
  const creation = newTable(mapping, { value: { format: 'binary' }, properties: {}, formatVersion: 2, profile })
  const metadata = newTableMetadata(creation, { uuid: 'bench', location: 'file:///bench', nowMs: 0, formatVersion: 2 })
  const target = { metadata, layout: resolveLayout('bench.orders', metadata, mapping), onError: 'stop' } as const
  const task: Task = {
    id: 'bench',
    parts: [
      {
        at: { topic: 'orders', partition: 0 },
        follows: null,
        segments: [...objects.keys()],
        startOffset: 0n,
        decided: [],
        nextBaseOffset: null,
      },
    ],
    bytes: [...objects.values()].reduce((sum, { length }) => sum + length, 0),
  }
  const byKey = new Map([...objects].map(([{ key }, bytes]) => [key, bytes]))
  const limits = limitsOf(document.spec.processing)

  let bytesOut = 0
  const seams: WorkerSeams = {
    source: { list: none, get: async (key) => byKey.get(key)!, put: none, close: async () => undefined },
    io: {
      read: none,
      remove: none,
      async write(_uri, chunks) {
        let size = 0
        for await (const chunk of chunks) size += chunk.length
        bytesOut += size
        return size
      },
    },
    clock: systemClock,
    entropy: systemEntropy(systemClock),
  }
  const cpuSeconds: number[] = []
  let rows = 0
  for (let round = 0; round <= rounds; round++) {
    bytesOut = 0
    const before = process.cpuUsage()
    const { parts } = await carryOut(task, target, limits, seams)
    const { user, system } = process.cpuUsage(before)
    // The first round warms.
    if (round > 0) cpuSeconds.push((user + system) / 1e6)
    rows = parts[0].counts.rows
  }
  const median = cpuSeconds.toSorted((a, b) => a - b)[(rounds - 1) / 2]
  return { recordsPerCpuSecond: rows / median, megabytesPerCpuSecond: task.bytes / 1e6 / median, bytesOut }
}

/** The first segments of partition 0 in a directory with the bucket's layout, whole in memory. */
async function segmentsIn(directory: string, count: number): Promise<Map<SegmentRef, Uint8Array>> {
  const folder = join(directory, 'orders', '0')
  const objects = new Map<SegmentRef, Uint8Array>()
  const names = (await readdir(folder)).filter((name) => name.endsWith('.kfs')).toSorted()
  for (const name of names.slice(0, count)) {
    const bytes = await readFile(join(folder, name))
    objects.set(
      { key: name, baseOffset: parseSegmentFileName(name)!.baseOffset, size: bytes.length, etag: name, lastModifiedMs: 0, settled: true },
      bytes,
    )
  }
  return objects
}

function none(): never {
  throw new Error('the hot path reads segments and writes files, nothing else')
}

// A process of its own, so that nothing else of the bench has warmed or littered it.
if (import.meta.main) console.log(JSON.stringify(await measure(process.argv[2], Number(process.argv[3]))))
