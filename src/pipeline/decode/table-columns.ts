import type { Builder } from '../../formats/arrow/builders/builder.ts'
import { BytesBuilder } from '../../formats/arrow/builders/bytes.ts'
import { ListBuilder, StructBuilder } from '../../formats/arrow/builders/nested.ts'
import { Int32Builder, Int64Builder } from '../../formats/arrow/builders/numbers.ts'
import type { ColumnBatch } from '../../formats/arrow/vector.ts'
import { isUtf8 } from '../../formats/bytes/utf8.ts'
import { JsonRecords } from '../../formats/json/json-records.ts'
import type { Rescued } from '../../formats/json/rescue-counts.ts'
import type { RecordFrames } from '../../formats/kafka/record-frames.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ColumnRole, TableLayout } from '../flow.ts'
import { KafscaleColumns } from './kafscale-columns.ts'

/** The last millisecond of the year 9999: beyond it engines can not show a timestamp, and no clock ever meant it. */
export const lastTimestampMs = 253_402_300_799_999

const lastExactMs = Math.floor(Number.MAX_SAFE_INTEGER / 1000)

/** Why a record can not become a row. */
export interface BadRecord {
  readonly index: number
  readonly part: string
  readonly message: string
}

/** The growing columns of one data file's next row group, and how records are appended to them. */
export class TableColumns {
  readonly #layout: TableLayout
  readonly #topic = new BytesBuilder()
  readonly #partition: Int32Builder | Int64Builder
  readonly #offset = new Int64Builder()
  readonly #timestamp = new Int64Builder()
  /** Milliseconds, of a table that others made: else a timestamp is microseconds. */
  readonly #timestampIsMs: boolean
  readonly #incarnation = new Int32Builder()
  readonly #key = new BytesBuilder()
  readonly #headerKey = new BytesBuilder()
  readonly #headerValue = new BytesBuilder()
  readonly #header = new StructBuilder([this.#headerKey, this.#headerValue])
  readonly #headers = new ListBuilder(this.#header)
  readonly #value = new BytesBuilder()
  /** Of KafScale's Go processor: null in other layouts. */
  readonly #kafscale: KafscaleColumns | null
  /** What JSON values become; null where values are kept whole. */
  readonly #json: JsonRecords | null
  readonly #filled: readonly Builder[]
  readonly #fills: (role: ColumnRole) => boolean
  #maxTimestampMs: number | null = null

  constructor(layout: TableLayout) {
    this.#layout = layout
    const roles = new Map(layout.columns.map(({ role, field }) => [role, field.type]))
    this.#partition = roles.get('partition') === 'long' ? new Int64Builder() : new Int32Builder()
    this.#timestampIsMs = roles.get('timestamp') === 'long'
    this.#fills = (role) => roles.has(role)
    this.#json = layout.record === null ? null : new JsonRecords(layout.record)
    this.#kafscale = roles.has('recordId') ? new KafscaleColumns() : null
    const byRole: Readonly<Record<Exclude<ColumnRole, 'field'>, Builder>> = {
      topic: this.#topic,
      partition: this.#partition,
      offset: this.#offset,
      timestamp: this.#kafscale?.timestampMs ?? this.#timestamp,
      key: this.#key,
      headers: this.#kafscale?.headers ?? this.#headers,
      recordId: this.#kafscale?.recordId ?? this.#topic,
      value: this.#value,
      rescue: this.#json?.rescue ?? this.#value,
      incarnation: this.#incarnation,
    }
    let fields = 0
    this.#filled = layout.columns.map(({ role }) => (role === 'field' ? this.#json!.columns[fields++].builder : byRole[role]))
  }

  get length(): number {
    return this.#offset.length
  }

  get byteLength(): number {
    return this.#filled.reduce((sum, builder) => sum + builder.byteLength, 0)
  }

  /**
   * Appends the records `[from, to)` of a decoded batch. `topic` is the topic's name in UTF-8.
   * Stops before the first record that the columns can not hold and returns it; null when all were appended.
   */
  append(at: TopicPartition, topic: Uint8Array, baseOffset: bigint, frames: RecordFrames, from: number, to: number): BadRecord | null {
    const keys = this.#fills('key')
    const headers = this.#fills('headers')
    const base = Number(baseOffset)
    const exact = baseOffset <= BigInt(Number.MAX_SAFE_INTEGER - 0x7fffffff)
    for (let i = from; i < to; i++) {
      const bad = this.#check(frames, i, keys, headers) ?? this.#appendJson(frames, i)
      if (bad !== null) return bad
      this.#topic.append(topic, 0, topic.length)
      if (this.#partition instanceof Int32Builder) this.#partition.append(at.partition)
      else this.#partition.appendNumber(at.partition)
      if (this.#layout.incarnation !== undefined) this.#incarnation.append(this.#layout.incarnation)
      if (exact) this.#offset.appendNumber(base + frames.offsetDelta[i])
      else this.#offset.append(baseOffset + BigInt(frames.offsetDelta[i]))
      this.#appendTimestamp(frames, i)
      this.#kafscale?.append(at, baseOffset, frames, i)
      if (keys) appendBytes(this.#key, frames.bytes, frames.keyStart[i], frames.keyLength[i])
      if (headers && this.#kafscale === null) this.#appendHeaders(frames, i)
      if (this.#json === null || this.#kafscale !== null)
        appendBytes(this.#value, frames.bytes, frames.valueStart[i], frames.valueLength[i])
    }
    return null
  }

  /** The columns so far; valid until the next append or clear. */
  snapshot(): ColumnBatch {
    return { length: this.length, columns: this.#filled.map((builder) => builder.snapshot()) }
  }

  /** The highest timestamp (ms) appended since it was last taken; null where no record had one. */
  takeMaxTimestampMs(): number | null {
    const max = this.#maxTimestampMs
    this.#maxTimestampMs = null
    return max
  }

  /** What was rescued since it was last taken; null where values are kept whole. */
  takeRescued(): Rescued | null {
    const rescued = this.#json?.takeRescued() ?? null
    return this.#fills('rescue') ? rescued : null
  }

  clear(): void {
    for (const builder of [
      this.#topic,
      this.#partition,
      this.#incarnation,
      this.#offset,
      this.#timestamp,
      this.#key,
      this.#headers,
      this.#value,
    ])
      builder.clear()
    this.#json?.clear()
    this.#kafscale?.clear()
  }

  /** The value's columns come first: they alone can refuse a record that is sound otherwise, and then nothing of it is appended. */
  #appendJson(frames: RecordFrames, index: number): BadRecord | null {
    if (this.#json === null) return null
    const start = frames.valueStart[index]
    const length = frames.valueLength[index]
    let bad = length < 0 ? this.#json.appendNull() : this.#json.append(frames.bytes, start, start + length)
    // Where the value is kept whole beside its columns, one that gives none is a row all the same.
    if (bad !== null && this.#kafscale !== null) bad = this.#json.appendNull()
    return bad && { index, part: 'value', message: `${bad.path}: ${bad.message}` }
  }

  #check(frames: RecordFrames, index: number, keys: boolean, headers: boolean): BadRecord | null {
    const { bytes } = frames
    if (keys && this.#layout.keyFormat === 'string' && !isText(bytes, frames.keyStart[index], frames.keyLength[index])) {
      return { index, part: 'key', message: 'the key is not UTF-8, and the document says key.format: string' }
    }
    if (this.#layout.valueFormat === 'string' && !isText(bytes, frames.valueStart[index], frames.valueLength[index])) {
      return { index, part: 'value', message: 'the value is not UTF-8, and the table keeps values as string' }
    }
    if (!headers || this.#kafscale !== null) return null
    for (let h = frames.firstHeader[index]; h < frames.firstHeader[index + 1]; h++) {
      if (!isText(bytes, frames.headerKeyStart[h], frames.headerKeyLength[h])) {
        return { index, part: 'header', message: `the key of header ${h - frames.firstHeader[index]} is not UTF-8, as Kafka requires it` }
      }
    }
    return null
  }

  #appendTimestamp(frames: RecordFrames, i: number): void {
    const ms = frames.timestampHalves[2 * i + 1] * 0x1_0000_0000 + (frames.timestampHalves[2 * i] >>> 0)
    if (ms >= 0 && ms <= lastTimestampMs) {
      // Past the year 2255 a double does not hold every microsecond.
      if (this.#timestampIsMs) this.#timestamp.appendNumber(ms)
      else if (ms <= lastExactMs) this.#timestamp.appendNumber(ms * 1000)
      else this.#timestamp.append(BigInt(ms) * 1000n)
      if (this.#maxTimestampMs === null || ms > this.#maxTimestampMs) this.#maxTimestampMs = ms
    } else this.#timestamp.appendNull()
  }

  #appendHeaders(frames: RecordFrames, i: number): void {
    for (let h = frames.firstHeader[i]; h < frames.firstHeader[i + 1]; h++) {
      appendBytes(this.#headerKey, frames.bytes, frames.headerKeyStart[h], frames.headerKeyLength[h])
      appendBytes(this.#headerValue, frames.bytes, frames.headerValueStart[h], frames.headerValueLength[h])
      this.#header.close()
    }
    this.#headers.close()
  }
}

function appendBytes(builder: BytesBuilder, bytes: Uint8Array, start: number, length: number): void {
  if (length < 0) builder.appendNull()
  else builder.append(bytes, start, start + length)
}

function isText(bytes: Uint8Array, start: number, length: number): boolean {
  return length <= 0 || isUtf8(bytes, start, start + length)
}
