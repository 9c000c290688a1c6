import { plainBytes } from '../../formats/bytes/plain.ts'
import { type BatchHeader, lastOffsetOf } from '../../formats/kafka/batch-header.ts'
import { RecordFrames } from '../../formats/kafka/record-frames.ts'
import { decodeRecords } from '../../formats/kafka/records.ts'
import { frameSegment, type SegmentFrame } from '../../formats/kfs/segment.ts'
import type { Fault } from '../../model/failure.ts'
import {
  countOffsets,
  intersectRanges,
  maxOffset,
  type OffsetRange,
  type OffsetRanges,
  subtractRanges,
  unionRanges,
} from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { TaskPart } from '../../model/task.ts'
import type { PartEnd, RecordCounts, Skip, TranslatedPart } from '../../model/translated-part.ts'
import { fewRanges, maxRangesWithoutRow } from '../../model/without-row.ts'
import type { DecidedSpan } from '../flow.ts'
import { freshRuns, slicesOf } from './fresh-runs.ts'
import type { TableColumns } from './table-columns.ts'

export interface DecodeOptions {
  readonly onError: 'stop' | 'skip'
  /** Whether messages of the formats before version 2 are a fault, or records; absent: a fault. */
  readonly oldMessageFormats?: 'stop' | 'convert'
  /** A compressed batch may inflate to this many bytes. */
  readonly maxBatchBytes: number
}

/** Records that are appended before the caller may take the columns away. */
const sliceRecords = 8192
/** Runs of consecutive offsets in one batch at most. */
const maxRuns = 10_000
/** What the position columns of one record take, bytes. */
const frameBytes = 48

/**
 * Reads one part of a task, segment after segment: each record becomes a row of `columns`, or is decided without one (a control
 * record, a skipped one), or is clipped because its offset was decided before. A batch is the unit: between two batches the
 * caller may take the columns away and clear them.
 *
 * Invariant: an offset is in `ranges` exactly when its row was appended to the columns, or when it has no row by a rule above.
 */
export class PartDecoder {
  readonly #part: TaskPart
  readonly #columns: TableColumns
  readonly #options: DecodeOptions
  readonly #frames = new RecordFrames()
  readonly #topic: Uint8Array
  /** Offsets decided before this part or by it. */
  #seen: OffsetRanges
  /** Offsets decided by this part. */
  #ranges: OffsetRanges = []
  readonly #gaps: OffsetRange[] = []
  readonly #skips: Skip[] = []
  #control: OffsetRange[] = []
  readonly #counts = { rows: 0, control: 0, skipped: 0, clipped: 0, repeated: 0, transactional: 0 } satisfies RecordCounts
  #last: SegmentRef | null = null
  #ended: PartEnd | null = null
  /** Of the bytes that were looked at last. */
  #framed: { readonly fetched: Uint8Array; readonly frame: SegmentFrame } | null = null
  /** One past the highest offset met in this part. */
  #end: bigint | null = null

  constructor(part: TaskPart, columns: TableColumns, options: DecodeOptions) {
    this.#part = part
    this.#columns = columns
    this.#options = options
    this.#topic = new TextEncoder().encode(part.at.topic)
    this.#seen = part.decided
  }

  /** Whether the part can not go on; the segments that are left must not be decoded. */
  get ended(): boolean {
    return this.#ended !== null
  }

  /** The segment can not be had as it was listed: the part ends before it. */
  endBefore(end: PartEnd): void {
    this.#ended = end
  }

  /** What of a segment's bytes fails their checksums or makes no frame, before anything of it is decoded; null: nothing. */
  faultIn(segment: SegmentRef, fetched: Uint8Array): Fault | null {
    return this.#frame(segment, fetched).fault
  }

  #frame(segment: SegmentRef, fetched: Uint8Array): SegmentFrame {
    if (this.#framed?.fetched !== fetched) {
      const old = this.#options.oldMessageFormats === 'convert' ? this.#options : null
      this.#framed = { fetched, frame: frameSegment(plainBytes(fetched), segment, old) }
    }
    return this.#framed.frame
  }

  /** Decodes the next segment of the part, a batch at each step, and tells what that batch decided. */
  *decode(segment: SegmentRef, fetched: Uint8Array): Generator<DecidedSpan, void, undefined> {
    const bytes = plainBytes(fetched)
    if (!this.#passGap(segment)) {
      this.#ended = { kind: 'unsettled', segment }
      return
    }
    const before = this.#seen
    const frame = this.#frame(segment, fetched)
    this.#framed = null
    const { writtenTo } = segment
    if (writtenTo !== undefined && frame.batches.some((batch) => lastOffsetOf(batch) >= writtenTo)) {
      this.#ended = { kind: 'unsettled', segment }
      return
    }
    for (const batch of frame.batches) {
      for (const ranges of this.#decodeBatch(segment, batch, bytes, before)) yield { at: this.#part.at, segment, ranges }
      if (this.ended) return
    }
    if (frame.fault !== null) this.#meet(segment, frame.fault, this.#unreadable(segment, frame))
    if (!this.ended) this.#last = segment
  }

  /** What the part came to. */
  finish(): TranslatedPart {
    const { at, follows, followsEtag, history, segments } = this.#part
    const rescued = this.#columns.takeRescued()
    return {
      at,
      follows,
      followsEtag,
      ...(history === true && { history }),
      first: segments[0],
      last: this.#last,
      ranges: this.#ranges,
      gaps: this.#gaps,
      maxTimestampMs: this.#columns.takeMaxTimestampMs(),
      counts: this.#counts,
      skips: this.#skips,
      control: fewRanges(at, this.#control),
      rescued: rescued === null ? { records: 0, paths: {}, otherPaths: 0 } : { ...rescued, paths: Object.fromEntries(rescued.paths) },
      ended: this.#ended,
    }
  }

  /** Yields the offsets that the batch newly decided, in slices: a batch may inflate to many row groups. */
  *#decodeBatch(
    segment: SegmentRef,
    batch: BatchHeader,
    bytes: Uint8Array,
    before: OffsetRanges,
  ): Generator<OffsetRanges, void, undefined> {
    const frames = this.#frames
    const unsound = this.#tooMany(batch) ?? decodeRecords(bytes, batch, this.#options, frames)
    const floor = maxOffset(segment.baseOffset, this.#part.startOffset)
    const found = freshRuns(frames, batch.baseOffset, floor, this.#seen)
    // Holes that the progress has already are none of the batch's: filling them leaves fewer.
    const isScattered = found.length > maxRuns && freshRuns(frames, batch.baseOffset, floor, []).length > maxRuns
    const fault = isScattered ? this.#tooScattered(batch) : unsound
    const runs = isScattered ? [] : found
    this.#countRepeated(segment, batch, before, runs)
    this.#passTo(segment, batch)
    if (batch.isTransactional && !batch.isControl) this.#counts.transactional += frames.count
    for (const slice of slicesOf(runs, sliceRecords)) {
      const decided: OffsetRange[] = []
      for (const { from, to } of slice) {
        const start = batch.baseOffset + BigInt(frames.offsetDelta[from])
        const end = batch.isControl ? this.#takeControl(from, to) : this.#takeRows(segment, batch, from, to)
        if (end > from) decided.push([start, start + BigInt(end - from)])
        if (this.ended) break
      }
      this.#decide(decided)
      if (batch.isControl) this.#noteControl(decided)
      if (decided.length > 0) yield decided
      if (this.ended) return
    }
    if (fault === null) return
    const range = this.#below(segment, [fault.offset, lastOffsetOf(batch) + 1n])
    const skipped = this.#meet(segment, fault, range)
    if (skipped.length > 0) yield skipped
  }

  /** Positions of this many records would take more memory than a batch may: no producer sends them, only somebody who means harm. */
  #tooMany(batch: BatchHeader): Fault | null {
    const most = Math.floor(this.#options.maxBatchBytes / frameBytes)
    if (batch.recordCount <= most) return null
    this.#frames.reset(new Uint8Array(0), 0)
    const message = `the batch says ${batch.recordCount} records, and at most ${most} are decoded at once (an eighth of processing.memoryLimitBytes)`
    return { kind: 'malformed', position: batch.position, offset: batch.baseOffset, message }
  }

  /** Each hole is a range in the progress for good. A broker that never compacts writes none. */
  #tooScattered(batch: BatchHeader): Fault {
    this.#frames.reset(new Uint8Array(0), 0)
    const message = `the offsets of the batch have more than ${maxRuns} holes between them, and a broker that does not compact leaves none`
    return { kind: 'malformed', position: batch.position, offset: batch.baseOffset, message }
  }

  #takeControl(from: number, to: number): number {
    this.#counts.control += to - from
    return to
  }

  /** Appends rows `[from, to)`; returns where it ended, which is `to` unless a bad record stopped the part. */
  #takeRows(segment: SegmentRef, batch: BatchHeader, from: number, to: number): number {
    for (let next = from; next < to; next++) {
      const rows = this.#columns.length
      const bad = this.#columns.append(this.#part.at, this.#topic, batch.baseOffset, this.#frames, next, to)
      this.#counts.rows += this.#columns.length - rows
      if (bad === null) return to
      const offset = batch.baseOffset + BigInt(this.#frames.offsetDelta[bad.index])
      const fault: Fault = { kind: 'malformed', position: batch.position, offset, message: bad.message }
      if (this.#options.onError === 'stop') {
        this.#ended = { kind: 'fault', segment, fault, awaitsNext: false }
        return bad.index
      }
      this.#skips.push({ segment, range: [offset, offset + 1n], fault })
      this.#counts.skipped++
      next = bad.index
    }
    return to
  }

  /** A fault stops the part, or the range it spoils is skipped. Returns what was newly decided by skipping. */
  #meet(segment: SegmentRef, fault: Fault, range: OffsetRange | null): OffsetRanges {
    if (this.#options.onError === 'stop' || range === null) {
      this.#ended = {
        kind: 'fault',
        segment,
        fault: range === null ? withoutEnd(fault, this.#options) : fault,
        awaitsNext: this.#options.onError === 'skip',
      }
      return []
    }
    // What lies below the start was left out by choice, and a decided offset there would be a new start.
    const skipped = subtractRanges(subtractRanges([range], this.#seen), [[0n, this.#part.startOffset]])
    for (const part of skipped) this.#skips.push({ segment, range: part, fault })
    this.#counts.skipped += Number(countOffsets(skipped))
    this.#decide(skipped)
    return skipped
  }

  /** A log of many small transactions has as many control records: no more are held than a table keeps. */
  #noteControl(ranges: OffsetRanges): void {
    this.#control.push(...ranges)
    if (this.#control.length > 2 * maxRangesWithoutRow) this.#control = [...fewRanges(this.#part.at, this.#control)]
  }

  #decide(ranges: OffsetRanges): void {
    this.#seen = unionRanges(this.#seen, ranges)
    this.#ranges = unionRanges(this.#ranges, ranges)
    for (const [, end] of ranges) this.#end = maxOffset(this.#end ?? end, end)
  }

  /** Notes how far the batch reaches, whether its offsets are new or not: what is missing behind it is a gap. */
  #passTo(segment: SegmentRef, batch: BatchHeader): void {
    const { count, offsetDelta } = this.#frames
    if (count === 0) return
    const end = batch.baseOffset + BigInt(offsetDelta[count - 1]) + 1n
    if (end > segment.baseOffset) this.#end = maxOffset(this.#end ?? end, end)
  }

  /**
   * What can not be read of a segment: from the end of its sound batches to where the next segment begins. Null: there is none, and
   * nothing else tells the end; the footer's last offset is under no checksum, and believing it could decide offsets still to come.
   */
  #unreadable(segment: SegmentRef, frame: SegmentFrame): OffsetRange | null {
    const lastBatch = frame.batches.at(-1)
    const start = lastBatch === undefined ? segment.baseOffset : lastOffsetOf(lastBatch) + 1n
    const end = this.#nextBaseOffset(segment, start)
    return end === null ? null : this.#below(segment, [start, end])
  }

  /** Cuts a range to the segment's own share: not below its base offset and not into the next segment. */
  #below(segment: SegmentRef, [start, end]: OffsetRange): OffsetRange | null {
    const from = maxOffset(start, segment.baseOffset)
    const next = this.#nextBaseOffset(segment, from)
    const to = next !== null && end > next ? next : end
    return to <= from ? null : [from, to]
  }

  /** Where the first segment begins that lies behind both this one and `above`: segments may overlap, so it need not be the very next. */
  #nextBaseOffset(segment: SegmentRef, above: bigint): bigint | null {
    const { segments, nextBaseOffset } = this.#part
    const later = segments.slice(segments.indexOf(segment) + 1).find(({ baseOffset }) => baseOffset > above)
    if (later !== undefined) return later.baseOffset
    return nextBaseOffset !== null && nextBaseOffset > above ? nextBaseOffset : null
  }

  /** Notes the gap before a segment. False: the segment is too young to prove one. */
  #passGap(segment: SegmentRef): boolean {
    const missing = this.#end === null ? [] : subtractRanges([[this.#end, maxOffset(this.#end, segment.baseOffset)]], this.#seen)
    if (missing.length > 0 && !segment.settled) return false
    this.#gaps.push(...missing)
    return true
  }

  #countRepeated(segment: SegmentRef, batch: BatchHeader, before: OffsetRanges, runs: readonly { from: number; to: number }[]): void {
    const { count, offsetDelta } = this.#frames
    const dropped = count - runs.reduce((sum, { from, to }) => sum + to - from, 0)
    if (dropped === 0) return
    const offsets: OffsetRange[] = []
    for (let i = 0; i < count; i++) {
      const offset = batch.baseOffset + BigInt(offsetDelta[i])
      if (offset >= segment.baseOffset) offsets.push([offset, offset + 1n])
    }
    // Of history only some offsets are wanted; the others are no overlap.
    const { history, decided, startOffset } = this.#part
    const elsewhere: OffsetRanges = history === true ? decided : [[0n, startOffset]]
    const outside = Number(countOffsets(intersectRanges(offsets, elsewhere)))
    const clipped = Number(countOffsets(intersectRanges(offsets, history === true ? subtractRanges(before, decided) : before)))
    this.#counts.clipped += clipped
    this.#counts.repeated += dropped - clipped - outside
  }
}

function withoutEnd(fault: Fault, { onError }: DecodeOptions): Fault {
  if (onError === 'stop') return fault
  return { ...fault, message: `${fault.message}; what to skip is known only when a later segment exists` }
}
