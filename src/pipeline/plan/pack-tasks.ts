import { createHash } from 'node:crypto'
import { formatRanges, intersectRanges, lastOffset, type OffsetRanges } from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { Task, TaskPart } from '../../model/task.ts'
import { topicPartitionName } from '../../model/topic-partition.ts'

export interface PackOptions {
  /** A task reads at most this many bytes of segments (a single larger segment still is one task). */
  readonly maxTaskBytes: number
  readonly maxTaskSegments: number
  /** Work is spread over this many tasks if each of them still gets a share worth a task. */
  readonly parallelism: number
  /** What makes a share worth a task, bytes. */
  readonly minTaskBytes: number
}

/**
 * Packs runs of segments of many topic-partitions into tasks, in the order given. Few files by construction: quiet partitions
 * share a task, and so a data file; a task is cut by its size alone.
 */
export function packTasks(source: string, table: string, runs: readonly TaskPart[], options: PackOptions): Task[] {
  const total = runs.reduce((sum, run) => sum + bytesOf(run.segments), 0)
  const share = Math.min(options.maxTaskBytes, Math.max(options.minTaskBytes, Math.ceil(total / options.parallelism)))
  const tasks: Task[] = []
  let parts: TaskPart[] = []
  let bytes = 0
  let count = 0
  const close = () => {
    if (parts.length > 0) tasks.push({ id: taskId(source, table, parts), parts, bytes })
    ;[parts, bytes, count] = [[], 0, 0]
  }
  for (const run of runs) {
    let from = 0
    for (const [i, segment] of run.segments.entries()) {
      if (count > 0 && (bytes + segment.size > share || count >= options.maxTaskSegments)) {
        if (i > from) parts.push(slice(run, from, i))
        close()
        from = i
      }
      bytes += segment.size
      count++
    }
    if (from < run.segments.length) parts.push(slice(run, from, run.segments.length))
  }
  close()
  return tasks
}

function slice(run: TaskPart, from: number, to: number): TaskPart {
  return {
    ...run,
    ...(from > 0 && run.history !== true && { follows: run.segments[from - 1].baseOffset, followsEtag: run.segments[from - 1].etag }),
    segments: run.segments.slice(from, to),
    nextBaseOffset: run.segments[to]?.baseOffset ?? run.nextBaseOffset,
  }
}

function bytesOf(segments: readonly SegmentRef[]): number {
  return segments.reduce((sum, segment) => sum + segment.size, 0)
}

/** The same segments, in the same state, make the same task; of history, where the same of their offsets is wanted. */
function taskId(source: string, table: string, parts: readonly TaskPart[]): string {
  const hash = createHash('sha256').update(`${source}\n${table}`)
  for (const part of parts) {
    hash.update(`\n${topicPartitionName(part.at)}`)
    if (part.history === true) hash.update(` but ${formatRanges(decidedIn(part))}`)
    for (const { baseOffset, etag } of part.segments) hash.update(` ${baseOffset}:${etag}`)
  }
  return hash.digest('hex').slice(0, 32)
}

/** What is not wanted of the offsets that the part's segments are known to hold. */
function decidedIn({ segments: [{ baseOffset }], decided, nextBaseOffset }: TaskPart): OffsetRanges {
  return intersectRanges(decided, [[baseOffset, nextBaseOffset ?? lastOffset]])
}
