import { metricsModes } from '../formats/iceberg/metrics-config.ts'
import { dataDirectory } from '../formats/iceberg/table-location.ts'
import { currentSchema, defaultSpec, type TableMetadata } from '../formats/iceberg/table-metadata.ts'
import type { Task } from '../model/task.ts'
import type { TranslatedPart } from '../model/translated-part.ts'
import type { Clock } from '../seams/clock.ts'
import type { Entropy } from '../seams/entropy.ts'
import type { FileIO } from '../seams/file-io.ts'
import type { ObjectStore } from '../seams/object-store.ts'
import { type DecodeOptions, PartDecoder } from './decode/part-decoder.ts'
import { ColumnsPool } from './decode/columns-pool.ts'
import type { BatchSpan, RowBatch, TableLayout, TaskResult } from './flow.ts'
import { type FetchBounds, fetchSegments } from './read/fetch-segments.ts'
import { writeDataFiles, type WriteOptions } from './write/data-file-writer.ts'
import { isStreaming } from './write/file-encoder.ts'
import { parquetOptions } from './write/parquet-options.ts'
import { type PartitionSource, partitionSources } from './write/partition/partition-source.ts'
import { writePartitionedFiles } from './write/partitioned-writer.ts'

/** Columns of about this size are encoded at once: large enough for pages, small enough for a processor's cache. */
const maxBatchBytes = 4 * 1024 * 1024

/** One for each thread. */
const pool = new ColumnsPool()

/** What a worker needs to know of the table that a task feeds, and no more: plain JSON, as it goes with every task to threads and other processes. */
export interface TaskTarget {
  /** Where new data files go, a URI without a slash at the end. */
  readonly dataDirectory: string
  /** Those of the table's properties that say how its files are written. */
  readonly properties: Readonly<Record<string, string>>
  readonly layout: TableLayout
  /** What the partition values are computed from, field by field of the table's partition spec; absent where it has no fields. */
  readonly partition?: readonly PartitionSource[]
  readonly onError: DecodeOptions['onError']
}

/** What tasks that feed this table need to know of it. */
export function taskTarget(table: TableMetadata, layout: TableLayout, onError: TaskTarget['onError']): TaskTarget {
  const properties = Object.entries(table.properties ?? {}).filter(([key]) => key.startsWith('write.'))
  const spec = defaultSpec(table)
  const columns = layout.columns.map(({ field }) => field)
  return {
    dataDirectory: dataDirectory(table),
    properties: Object.fromEntries(properties),
    layout,
    ...(spec.fields.length > 0 && { partition: partitionSources(spec, currentSchema(table).fields, columns) }),
    onError,
  }
}

export interface WorkerLimits extends FetchBounds {
  /** A row group is closed at this size, bytes; where each is encoded at once, so large are its columns. */
  readonly rowGroupBytes: number
  /** Pages of the unfinished files of a partitioned table may take this much memory in one task, bytes. */
  readonly openFilesBytes: number
  /** A rewrite of data files may hold this much, bytes. */
  readonly rewriteBytes: number
  readonly targetFileSizeBytes: number
  /** A compressed batch may inflate to this many bytes. */
  readonly maxBatchBytes: number
}

export interface WorkerSeams {
  readonly source: Pick<ObjectStore, 'get' | 'release'>
  readonly io: Pick<FileIO, 'write'>
  readonly clock: Clock
  readonly entropy: Entropy
}

/** Where tasks are carried out: here, or in another thread. */
export type CarryOut = (task: Task, target: TaskTarget, limits: WorkerLimits, seams: WorkerSeams) => Promise<TaskResult>

/**
 * Carries out one task: read → decode → columns → Parquet → store. Pulls from the end: a segment is decoded when the file being
 * written can take its rows, so memory is bounded by the limits and not by the task.
 * Throws what the stores throw; then nothing was decided, and the files written so far are orphans.
 */
export async function carryOut(
  task: Task,
  target: TaskTarget,
  limits: WorkerLimits,
  seams: WorkerSeams,
  signal?: AbortSignal,
): Promise<TaskResult> {
  const startedAtMs = seams.clock.now()
  const { properties, layout } = target
  const parts: TranslatedPart[] = []
  const fields = layout.columns.map(({ field }) => field)
  const parquet = parquetOptions(properties)
  const batchBytes = isStreaming(parquet) ? Math.min(maxBatchBytes, limits.rowGroupBytes) : limits.rowGroupBytes
  const batches = rowBatches(task, target, { ...limits, batchBytes }, seams, parts, signal)
  const options: WriteOptions = {
    ...parquet,
    rowGroupBytes: limits.rowGroupBytes,
    fields,
    metricsModes: metricsModes({ fields }, properties, kafkaFieldIds(layout)),
    targetFileSizeBytes: limits.targetFileSizeBytes,
    newLocation: () => `${target.dataDirectory}/${seams.entropy.uuid()}.parquet`,
  }
  const { partition } = target
  const files =
    partition === undefined
      ? await writeDataFiles(batches, seams.io, options)
      : await writePartitionedFiles(batches, seams.io, {
          ...options,
          partition,
          offsetColumn: layout.columns.findIndex(({ role }) => role === 'offset'),
          openFilesBytes: limits.openFilesBytes,
        })
  return { task, files, parts, startedAtMs }
}

/** The task's rows in batches; what its parts came to is pushed to `parts` as they end. */
async function* rowBatches(
  task: Task,
  { layout, onError }: TaskTarget,
  limits: WorkerLimits & { readonly batchBytes: number },
  seams: WorkerSeams,
  parts: TranslatedPart[],
  signal?: AbortSignal,
): AsyncGenerator<RowBatch, void, undefined> {
  const columns = pool.take(layout)
  let sources: BatchSpan[] = []
  let largest = 0
  const take = (): RowBatch => {
    largest = Math.max(largest, columns.byteLength)
    return { columns: columns.snapshot(), sources }
  }
  const reset = () => {
    columns.clear()
    sources = []
  }
  for (const part of task.parts) {
    const decoder = new PartDecoder(part, columns, { onError, maxBatchBytes: limits.maxBatchBytes })
    for await (const fetched of fetchSegments(seams.source, part.segments, limits, signal)) {
      if (fetched.kind !== 'bytes') decoder.endBefore(fetched)
      else {
        let before = columns.length
        for (const span of decoder.decode(fetched.segment, fetched.bytes)) {
          sources.push({ ...span, rows: columns.length - before })
          before = columns.length
          if (columns.byteLength < limits.batchBytes) continue
          yield take()
          reset()
          before = 0
        }
      }
      if (decoder.ended) break
    }
    parts.push(decoder.finish())
  }
  if (columns.length > 0) yield take()
  // One batch can inflate to much more than others: such buffers are not kept.
  if (largest < 2 * limits.batchBytes) pool.giveBack(layout, columns)
}

/** The Kafka columns: whatever number of columns a table has, they keep their bounds. */
function kafkaFieldIds({ columns }: TableLayout): Set<number> {
  return new Set(columns.filter(({ role }) => role !== 'field' && role !== 'rescue').map(({ field }) => field.id))
}
