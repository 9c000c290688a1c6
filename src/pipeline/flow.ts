/**
 * The road, as types; read it first. Each stage's answer is the next one's question:
 *
 *     listing ─plan▶ Task ─read▶ bytes ─decode▶ RowBatch ─write▶ DataFile ┐
 *                      │                └─────▶ TranslatedPart ───────────┴▶ TaskResult ─commit▶ snapshot
 *                      └── a range of segments, as a value
 *
 * Stages import these values and never one another; `src/service` joins them.
 */
import type { ColumnBatch } from '../formats/arrow/vector.ts'
import type { DataFile } from '../formats/iceberg/data-file.ts'
import type { NestedField } from '../formats/iceberg/schema.ts'
import type { RecordShape } from '../formats/json/shape.ts'
import type { OffsetRanges } from '../model/offset-range.ts'
import type { SegmentRef } from '../model/segment.ts'
import type { Task } from '../model/task.ts'
import type { TopicPartition } from '../model/topic-partition.ts'
import type { TranslatedPart } from '../model/translated-part.ts'

/** What a table column is filled with. `recordId`: `topic:partition:offset`, in tables of KafScale's Go processor alone; `value`: the value whole; `field`: a part of a JSON value; `rescue`: what fits no other column. */
export type ColumnRole =
  | 'topic'
  | 'partition'
  | 'offset'
  | 'timestamp'
  | 'key'
  | 'headers'
  | 'value'
  | 'field'
  | 'rescue'
  | 'incarnation'
  | 'recordId'

/** How bytes become a column: as they are, or as UTF-8 text. */
export type BytesFormat = 'binary' | 'string'

/** `json`: values become columns. */
export type ValueFormat = BytesFormat | 'json'

/**
 * The columns that we fill in a table, with the field ids and the order that the table gives them. Optional columns of the table
 * that are not ours, and fields of structs that nothing fills, are absent here and so in our files, where readers see them as null.
 */
export interface TableLayout {
  readonly columns: readonly { readonly role: ColumnRole; readonly field: NestedField }[]
  /** What the column of the role `incarnation` is filled with; absent where there is none. */
  readonly incarnation?: number
  readonly keyFormat: BytesFormat
  readonly valueFormat: ValueFormat
  /** What JSON values become: the columns of the role `field`, in their order. Null where values are kept whole. */
  readonly record: RecordShape | null
  /**
   * Columns (`total`) and fields of structs (`address.zip`) that were chosen when the table was created, and that it no longer has:
   * what they would hold goes to the rescue column.
   */
  readonly missing: readonly string[]
}

/** Offsets that one segment decided: what a data file's metadata lists as its sources. */
export interface DecidedSpan {
  readonly at: TopicPartition
  readonly segment: SegmentRef
  readonly ranges: OffsetRanges
}

/** The span of a batch of rows. */
export interface BatchSpan extends DecidedSpan {
  /** The rows of the batch that it gave: those behind the rows of the spans before it. Offsets without a row are decided all the same. */
  readonly rows: number
}

/** Rows as columns, and where they come from. The columns are valid until the next batch is asked for. */
export interface RowBatch {
  readonly columns: ColumnBatch
  readonly sources: readonly BatchSpan[]
}

/** What carrying out a task came to: accepted or refused whole by the committer. */
export interface TaskResult {
  readonly task: Task
  readonly files: readonly DataFile[]
  readonly parts: readonly TranslatedPart[]
  /** When its task was begun, ms, before its first file was written: old results are made again, however long a worker stood still. */
  readonly startedAtMs: number
  /** What it took to carry it out, ms; absent of a rewrite, and where an older program did it. */
  readonly tookMs?: number
  /** Of a rewrite of data files, which has no parts: rows of its inputs, and those of them that deletes removed. */
  readonly rewritten?: { readonly rowsRead: bigint; readonly rowsDeleted: bigint }
}
