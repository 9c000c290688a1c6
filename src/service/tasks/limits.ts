import type { ProcessorDocument } from '../../spec/document.ts'
import { leastRewriteMemoryBytes } from '../../spec/rewrite-memory.ts'
import type { PackOptions } from '../../pipeline/plan/pack-tasks.ts'
import type { WorkerLimits } from './worker.ts'

const mebibyte = 1024 * 1024
/** Node, its libraries and the Parquet encoder, before there is any data. */
const runtimeBytes = 160 * mebibyte

/** How the document's few settings bound everything: what is held in memory at once, and what makes a task. */
export interface Limits extends WorkerLimits {
  readonly pack: PackOptions
  readonly feed: FeedBounds
}

/**
 * What one table may have under way. Where workers are slow, tasks in flight stop planning; where commits fail (the catalog is down),
 * planning stops as soon as that many results wait; where commits merely take their interval, what was read is bounded and committed early.
 */
export interface FeedBounds {
  /** Tasks handed out and not finished: enough that each of `parallelism` workers finds the next one waiting. */
  readonly maxTasksInFlight: number
  /** Tasks and results not yet committed: what the planner holds of them is a few kilobytes each. */
  readonly maxUncommittedTasks: number
  /** Their segments' bytes: what is lost and read again when results are refused or the process ends. */
  readonly maxUncommittedBytes: number
}

/**
 * For each further rewrite that is under way beside one. It takes a third of that, as measured (docs/rewriting.md); with the default of 1 GiB three of them
 * stay below 500 MB on a machine with many cores too.
 */
const nextRewriteBytes = 256 * mebibyte

/** Rewrites that a process which does nothing else carries out at once: as many as its memory is for, and one at least. */
export function rewritesAtOnce({
  parallelism,
  memoryLimitBytes,
}: Pick<ProcessorDocument['spec']['processing'], 'parallelism' | 'memoryLimitBytes'>): number {
  return Math.max(1, Math.min(parallelism, 1 + Math.floor((memoryLimitBytes - leastRewriteMemoryBytes) / nextRewriteBytes)))
}

/**
 * A worker carries out `parallelism` tasks at once at most, whatever waits in the queue. Memory of one process, as shares of `memoryLimitBytes` less what the runtime needs: an eighth for the row groups of all tasks, an eighth
 * for their segments fetched ahead, and an eighth for the largest batch that may be inflated. Tables with partitions have several files
 * unfinished in each task, and sorted ones all rows of a file: a quarter for them instead of the first eighth; a rewrite of files has a task's share of all of these. Where a row group is encoded at once
 * (the codecs that parquet-wasm has alone), it is held about three times more, one at a time; the rest is the runtime's.
 */
export function limitsOf({ parallelism, targetFileSizeBytes, memoryLimitBytes }: ProcessorDocument['spec']['processing']): Limits {
  const share = Math.floor(Math.max(memoryLimitBytes - runtimeBytes, memoryLimitBytes / 4) / 8)
  return {
    rowGroupBytes: Math.min(16 * mebibyte, Math.max(mebibyte, Math.floor(share / parallelism))),
    rewriteBytes: Math.max(16 * mebibyte, Math.floor((3 * share) / parallelism)),
    openFilesBytes: Math.max(4 * mebibyte, Math.floor((2 * share) / parallelism)),
    maxBytes: Math.min(32 * mebibyte, Math.max(mebibyte, Math.floor(share / parallelism))),
    maxRequests: Math.max(2, Math.min(32, Math.floor(128 / parallelism))),
    maxBatchBytes: share,
    maxSegmentBytes: Math.min(Math.floor(memoryLimitBytes / 2), 0x7fffffff),
    targetFileSizeBytes,
    pack: {
      // Rows compress to about a quarter: this much input makes files of about the target size, even where they compress less.
      maxTaskBytes: 4 * targetFileSizeBytes,
      maxTaskSegments: 20_000,
      // A thread that was not used yet compiles its code first, which takes as long as so much input.
      minTaskBytes: Math.min(32 * mebibyte, targetFileSizeBytes),
      parallelism,
    },
    feed: {
      maxTasksInFlight: 2 * parallelism,
      maxUncommittedTasks: 1000 + 2 * parallelism,
      maxUncommittedBytes: 32 * parallelism * 4 * targetFileSizeBytes,
    },
  }
}
