import type { OffsetRange, OffsetRanges } from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { Task, TaskPart } from '../../model/task.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { Reader } from './reader.ts'

/*
 * Tasks in JSON. A task may have thousands of segments: they are lists, in the order of `encodeSegment`. Offsets are strings of digits.
 */

export function encodeTask(task: Task): object {
  return { id: task.id, bytes: task.bytes, parts: task.parts.map(encodePart) }
}

export function readTask(task: Reader): Task {
  return { id: task.field('id').text(), bytes: task.field('bytes').number(), parts: task.field('parts').list(readPart) }
}

function encodePart(part: TaskPart): object {
  return {
    at: encodeAt(part.at),
    follows: encodeOffset(part.follows),
    followsEtag: part.followsEtag,
    history: part.history,
    segments: part.segments.map(encodeSegment),
    startOffset: String(part.startOffset),
    decided: encodeRanges(part.decided),
    nextBaseOffset: encodeOffset(part.nextBaseOffset),
  }
}

function readPart(part: Reader): TaskPart {
  return {
    at: readAt(part.field('at')),
    ...readFollows(part),
    segments: part.field('segments').list(readSegment),
    startOffset: part.field('startOffset').bigint(),
    decided: readRanges(part.field('decided')),
    nextBaseOffset: part.field('nextBaseOffset').nullable(readOffset),
  }
}

/** Which segment a part follows, or that it is one of history. */
export function readFollows(part: Reader): { follows: bigint | null; followsEtag?: string; history?: true } {
  const followsEtag = part.field('followsEtag').optional((etag) => etag.text())
  const history = part.field('history').optional((is) => is.flag())
  return {
    follows: part.field('follows').nullable(readOffset),
    ...(followsEtag === undefined ? {} : { followsEtag }),
    ...(history === true && { history }),
  }
}

export function encodeAt({ topic, partition }: TopicPartition): unknown {
  return [topic, partition]
}

export function readAt(at: Reader): TopicPartition {
  return { topic: at.at(0).text(), partition: at.at(1).number() }
}

export function encodeSegment({ key, baseOffset, size, etag, lastModifiedMs, settled, writtenTo }: SegmentRef): unknown {
  return [key, String(baseOffset), size, etag, lastModifiedMs, settled, ...(writtenTo === undefined ? [] : [String(writtenTo)])]
}

export function readSegment(segment: Reader): SegmentRef {
  const writtenTo = segment.at(6).optional(readOffset)
  return {
    key: segment.at(0).text(),
    baseOffset: segment.at(1).bigint(),
    size: segment.at(2).number(),
    etag: segment.at(3).text(),
    lastModifiedMs: segment.at(4).number(),
    settled: segment.at(5).flag(),
    ...(writtenTo === undefined ? {} : { writtenTo }),
  }
}

export function encodeRanges(ranges: OffsetRanges): unknown[] {
  return ranges.map(([start, end]) => [String(start), String(end)])
}

export function readRanges(ranges: Reader): OffsetRanges {
  return ranges.list(readRange)
}

export function readRange(range: Reader): OffsetRange {
  return [range.at(0).bigint(), range.at(1).bigint()]
}

export function encodeOffset(offset: bigint | null): string | null {
  return offset === null ? null : String(offset)
}

export function readOffset(offset: Reader): bigint {
  return offset.bigint()
}
