import { findField } from '../../formats/iceberg/primitive-type.ts'
import type { NestedField } from '../../formats/iceberg/schema.ts'
import { metricsModes } from '../../formats/iceberg/metrics-config.ts'
import { dataDirectory } from '../../formats/iceberg/table-location.ts'
import { currentSchema, defaultSortOrder, defaultSpec, type SortOrder, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { withPageCodec } from '../../formats/parquet/encode/codec.ts'
import { sortableOrder } from '../../formats/parquet/sort/row-order.ts'
import { WorkError } from '../../model/failure.ts'
import type { Task } from '../../model/task.ts'
import type { TranslatedPart } from '../../model/translated-part.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { type DecodeOptions, PartDecoder } from '../../pipeline/decode/part-decoder.ts'
import { ColumnsPool } from '../../pipeline/decode/columns-pool.ts'
import type { BatchSpan, RowBatch, TableLayout, TaskResult } from '../../pipeline/flow.ts'
import { type FetchBounds, type Fetched, fetchSegments } from '../../pipeline/read/fetch-segments.ts'
import { writeDataFiles } from '../../pipeline/write/data-file-writer.ts'
import type { WriteOptions } from '../../pipeline/write/write-options.ts'
import { isStreaming } from '../../pipeline/write/open-file-encoder.ts'
import { parquetOptions } from '../../pipeline/write/parquet-options.ts'
import { type PartitionSource, partitionSources } from '../../pipeline/write/partition/partition-source.ts'
import { writePartitionedFiles } from '../../pipeline/write/partitioned-writer.ts'

/** Columns of about this size are encoded at once: large enough for pages, small enough for a processor's cache. */
const maxBatchBytes = 4 * 1024 * 1024

/** What becomes of what can not be a row as it is. */
export type Treatment = Omit<DecodeOptions, 'maxBatchBytes'>

/** One for each thread. */
const pool = new ColumnsPool()

/** What a worker needs to know of the table that a task feeds, and no more: plain JSON, as it goes with every task to threads and other processes. */
export interface TaskTarget extends Treatment {
  /** Where new data files go, a URI without a slash at the end. */
  readonly dataDirectory: string
  /** Those of the table's properties that say how its files are written. */
  readonly properties: Readonly<Record<string, string>>
  readonly layout: TableLayout
  /** What the partition values are computed from, field by field of the table's partition spec; absent where it has no fields. */
  readonly partition?: readonly PartitionSource[]
  /** The table's sort order, with the fields that rows differ in; absent where it has none, or one that we can not sort by. */
  readonly sortOrder?: SortOrder
}

/** What the document says of records that can not be rows as they are; until there are dead letters, what is meant for them stops. */
export function treatmentOf({ spec }: ProcessorDocument, { onError }: TopicMapping): Treatment {
  const { oldMessageFormats } = spec.source
  return { onError: onError === 'skip' ? 'skip' : 'stop', ...(oldMessageFormats === 'convert' && { oldMessageFormats }) }
}

/** What tasks that feed this table need to know of it. */
export function taskTarget(table: TableMetadata, layout: TableLayout, treatment: Treatment): TaskTarget {
  const properties = Object.entries(table.properties ?? {}).filter(([key]) => key.startsWith('write.'))
  const spec = defaultSpec(table)
  const columns = layout.columns.map(({ field }) => field)
  const sortOrder = writtenOrder(table, columns)
  return {
    dataDirectory: dataDirectory(table),
    properties: Object.fromEntries(properties),
    layout,
    ...(spec.fields.length > 0 && { partition: partitionSources(spec, currentSchema(table).fields, columns) }),
    ...(sortOrder !== null && { sortOrder }),
    ...treatment,
  }
}

/** Null: files are written unsorted, and say so. */
function writtenOrder(table: TableMetadata, columns: readonly NestedField[]): SortOrder | null {
  const order = defaultSortOrder(table)
  if (order === null) return null
  const { fields } = currentSchema(table)
  // A column that nothing fills is null in all rows.
  const isFilled = ({ 'source-id': id }: SortOrder['fields'][number]) =>
    findField(fields, id) === undefined || findField(columns, id) !== undefined
  return sortableOrder(columns, { ...order, fields: order.fields.filter(isFilled) })
}

export interface WorkerLimits extends FetchBounds {
  /** A row group is closed at this size, bytes; where each is encoded at once, so large are its columns. */
  readonly rowGroupBytes: number
  /** Pages of the unfinished files of a partitioned table, or rows that are to be sorted, may take this much memory in one task, bytes. */
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
  const { properties, layout, partition, sortOrder } = target
  const parts: TranslatedPart[] = []
  const fields = layout.columns.map(({ field }) => field)
  const parquet = sortOrder === undefined ? parquetOptions(properties) : withPageCodec(parquetOptions(properties))
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
  const files =
    partition === undefined && sortOrder === undefined
      ? await writeDataFiles(batches, seams.io, options)
      : await writePartitionedFiles(batches, seams.io, {
          ...options,
          partition: partition ?? [],
          sortOrder,
          offsetColumn: layout.columns.findIndex(({ role }) => role === 'offset'),
          openFilesBytes: limits.openFilesBytes,
        })
  return { task, files, parts, startedAtMs, tookMs: Math.max(0, seams.clock.now() - startedAtMs) }
}

/** The task's rows in batches; what its parts came to is pushed to `parts` as they end. */
async function* rowBatches(
  task: Task,
  { layout, onError, oldMessageFormats }: TaskTarget,
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
    const decoder = new PartDecoder(part, columns, { onError, oldMessageFormats, maxBatchBytes: limits.maxBatchBytes })
    for await (const first of fetchSegments(seams.source, part.segments, limits, signal)) {
      const isDoubtful = first.kind === 'bytes' && decoder.faultIn(first.segment, first.bytes) !== null
      const fetched = isDoubtful ? await readAgain(first, decoder, limits, seams, signal) : first
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

/**
 * Reads a segment again of which something is damaged: a store or a network may have done that on the way, and what is skipped is skipped for
 * good. Throws a WorkError where its bytes were others the second time and are damaged still.
 */
async function readAgain(
  first: Extract<Fetched, { kind: 'bytes' }>,
  decoder: PartDecoder,
  limits: WorkerLimits,
  seams: Pick<WorkerSeams, 'source'>,
  signal?: AbortSignal,
): Promise<Fetched> {
  const { segment } = first
  const { value: second } = await fetchSegments(seams.source, [segment], limits, signal).next()
  if (second?.kind !== 'bytes' || decoder.faultIn(segment, second.bytes) === null) return second ?? first
  if (Buffer.compare(first.bytes, second.bytes) === 0) return second
  throw new WorkError(
    `${segment.key} was read twice with one ETag, and its bytes differ and are damaged both times: the store or the network is at fault`,
    {
      retry: 'later',
    },
  )
}

/** The Kafka columns: whatever number of columns a table has, they keep their bounds. */
function kafkaFieldIds({ columns }: TableLayout): Set<number> {
  return new Set(columns.filter(({ role }) => role !== 'field' && role !== 'rescue').map(({ field }) => field.id))
}
