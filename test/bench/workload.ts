import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../src/drivers/clock/system.ts'
import { systemEntropy } from '../../src/drivers/entropy/system.ts'
import { openDirectoryStore } from '../../src/drivers/store/directory.ts'
import { newTableMetadata } from '../../src/formats/iceberg/new-table.ts'
import type { SegmentRef } from '../../src/model/segment.ts'
import type { Task, TaskPart } from '../../src/model/task.ts'
import { newTable } from '../../src/pipeline/commit/new-table.ts'
import { resolveLayout } from '../../src/pipeline/commit/resolve-layout.ts'
import { decideValue } from '../../src/pipeline/infer/decide-value.ts'
import { segmentValues } from '../../src/pipeline/infer/segment-values.ts'
import { type Limits, limitsOf } from '../../src/service/tasks/limits.ts'
import { type TaskTarget, taskTarget, type WorkerSeams } from '../../src/service/tasks/worker.ts'
import { loadDocuments } from '../../src/spec/load.ts'
import { mappingFor } from '../../src/spec/table-mapping.ts'
import type { DeclaredColumn } from './columns.ts'
import { serviceDocument } from './service.ts'

/** A table to fill, and how. */
export interface Workload {
  readonly target: TaskTarget
  readonly limits: Limits
}

/** The files CODEC-NN.kfs, or all segments, of a directory, in the order of their offsets. */
export async function segmentsIn(directory: string, codec = ''): Promise<SegmentRef[]> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(codec) && name.endsWith('.kfs'))
  const segments = await Promise.all(names.map((name) => segmentAt(join(directory, name))))
  return segments.toSorted((a, b) => Number(a.baseOffset - b.baseOffset))
}

/** All segments as a task's part, of the topic-partition that the native program names. */
export function partOf(segments: readonly SegmentRef[]): TaskPart {
  return { at: { topic: 'orders', partition: 3 }, follows: null, segments, startOffset: 0n, decided: [], nextBaseOffset: null }
}

/** One task for these segments. */
export function taskOf(segments: readonly SegmentRef[]): Task {
  return { id: 'bench', parts: [partOf(segments)], bytes: segments.reduce((sum, { size }) => sum + size, 0) }
}

/**
 * A new table for the columns, or for values kept whole where there are none, as the service makes it after a look at a segment;
 * `parallelism`: tasks at once.
 */
export async function openWorkload(columns: readonly DeclaredColumn[] | null, parallelism: number, sample: SegmentRef): Promise<Workload> {
  const document = loadDocuments(serviceDocument({ directory: '.' }, {}, { columns, parallelism }), 'bench', {})[0]
  const mapping = mappingFor(document, 'orders')
  const limits = limitsOf(document.spec.processing)
  const quota = { maxValues: 1000, maxBytes: Infinity, maxFirstBytes: Infinity, maxBatchBytes: limits.maxBatchBytes }
  const value = decideValue(mapping, segmentValues(sample, await readFile(sample.key), quota))
  const profile = { propertiesInCommit: true, forbiddenProperties: [] }
  const creation = newTable(mapping, { value, properties: {}, formatVersion: 2, profile })
  const metadata = newTableMetadata(creation, { uuid: 'bench', location: 'file:///bench', nowMs: 0, formatVersion: 2 })
  return { target: taskTarget(metadata, resolveLayout('bench.orders', metadata, mapping), { onError: 'stop' }), limits }
}

const files = await openDirectoryStore({ root: '/', create: false }, { clock: systemClock, entropy: systemEntropy(systemClock) })

/** Segments are files, read as the service reads a directory; the bytes of Parquet are counted, and dropped or kept in the directory `out`. */
export function fileSeams(out?: string): { readonly seams: WorkerSeams; readonly written: { bytes: number } } {
  const written = { bytes: 0 }
  const seams: WorkerSeams = {
    source: { get: (key) => files.get(key.slice(1)), release: files.release },
    io: {
      async write(uri, chunks) {
        let size = 0
        const kept: Uint8Array[] = []
        for await (const chunk of chunks) {
          size += chunk.length
          if (out !== undefined) kept.push(chunk.slice())
        }
        if (out !== undefined) await writeFile(join(out, uri.slice(uri.lastIndexOf('/') + 1)), kept)
        written.bytes += size
        return size
      },
    },
    clock: systemClock,
    entropy: systemEntropy(systemClock),
  }
  return { seams, written }
}

async function segmentAt(path: string): Promise<SegmentRef> {
  const file = await open(path)
  try {
    const { buffer } = await file.read(Buffer.alloc(16), 0, 16, 0)
    const { size } = await stat(path)
    return { key: path, baseOffset: buffer.readBigInt64BE(8), size, etag: path, lastModifiedMs: 0, settled: true }
  } finally {
    await file.close()
  }
}
