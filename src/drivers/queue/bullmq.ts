import type { Trouble } from '../../model/health.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Journal } from '../../seams/journal.ts'
import type { TaskCodec } from '../../seams/task-queue.ts'
import type { RedisClient } from './redis-connection.ts'

export { DelayedError, type Job, Queue, QueueEvents, UnrecoverableError, WaitingError, Worker } from 'bullmq'

export interface BullQueueOptions<Payload, Result> {
  /** Names the queue within the prefix. */
  readonly name: string
  /** Stands before all keys, in braces, so that a cluster keeps them together. */
  readonly prefix: string
  readonly codec: TaskCodec<Payload, Result>
  /** Tasks at once, over all processes. */
  readonly parallelism: number
  /** And in this one. */
  readonly atOnceHere: number
  readonly redis: RedisClient
  /** Why Redis can not be reached now. */
  readonly trouble: () => Trouble | null
  readonly clock: Clock
  readonly journal: Journal
}

/** What a task came to, as it stands in Redis: a result or an expected failure. */
export type Outcome = { readonly result: object } | { readonly failure: object }

/** Results wait this long for whoever plans the same task anew; the table refuses them after 12 hours. */
export const keptResults = { age: 6 * 3600, count: 5_000 }
/** How long Redis may take to hear that we go. */
export const closeMs = 2_000

/** Whose keys are meant. */
export interface RedisPlace {
  /** Namespace and name of the document: each has its keys to itself. */
  readonly document: string
  /** Tells documents of one name apart, which serve other places: short, and the same for all processes of a fleet. */
  readonly place: string
}

/** What stands before all keys of a document. */
export function prefixOf({ document, place }: RedisPlace): string {
  return `{iceberg-processor:${document}}:${place}`
}

/** Why a task fails of which Redis has dropped all but the id, as it may when it is full: its own fault it is not. */
export const lostPayload = 'Redis dropped what the task is'

/** Why a task was given up, where BullMQ says it in its own words. */
export function setAsideReason(failedReason: string): string {
  return failedReason.startsWith('job stalled') ? 'each worker that carried it out died or stood still' : failedReason
}

/** What each part of BullMQ is opened with. */
export function connectionOf({ redis, prefix }: Pick<BullQueueOptions<never, never>, 'redis' | 'prefix'>) {
  return { connection: redis as never, prefix, skipVersionCheck: true }
}
