import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { RedisFleet, RedisFleetOptions } from '../drivers/queue/redis.ts'
import { systemClock } from '../drivers/clock/system.ts'
import { commitCodec } from '../service/feed/commit-codec.ts'
import type { CommitQueue } from '../service/feed/commits.ts'
import type { SourceIdentity } from '../model/source-identity.ts'
import type { TaskResult } from '../pipeline/flow.ts'
import type { TablePayload } from '../service/tasks/task-payload.ts'
import { taskCodec } from '../service/tasks/task-codec.ts'
import type { Journal } from '../seams/journal.ts'
import type { Leases } from '../seams/leases.ts'
import type { TaskQueue } from '../seams/task-queue.ts'
import type { ProcessorDocument } from '../spec/document.ts'

/** What a process does for a document: everything, or one part of a fleet's work. */
export type Role = 'run' | 'worker' | 'planner' | 'committer'

/** What the processes of a fleet share. */
export interface Fleet {
  readonly tasks: TaskQueue<TablePayload, TaskResult>
  /** Tasks that this process carries out at once. */
  readonly tasksAtOnce: number
  readonly commits: CommitQueue
  readonly leases: Leases
  close(): Promise<void>
}

/** Commits at once, over all committers of a document: each table's are made one after another. */
const commitsAtOnce = 16

/**
 * A thread that waits for the store has a second task to go on with. More would only be taken from workers that have nothing to do: of two on
 * a core each, one did 19 of 27 CPU seconds of the work (docs/fleet.md).
 */
const tasksPerThread = 2

/** Opens what the document's fleet shares in Redis; null where it names none, and one process does all the work. */
export async function openFleet(
  { metadata, spec }: ProcessorDocument,
  source: Pick<SourceIdentity, 'id'>,
  journal: Journal,
): Promise<Fleet | null> {
  if (spec.queue === undefined) return null
  // Clients and queues are a third of all code, and most processes need none.
  const { openRedisFleet } = await import('../drivers/queue/redis.ts')
  const fleet: RedisFleet = openRedisFleet({
    settings: redisSettings(spec.queue),
    ...placeInRedis({ metadata, spec }, source),
    clock: systemClock,
    journal,
  })
  const { parallelism } = spec.processing
  const tasksAtOnce = Math.min(parallelism, tasksPerThread * availableParallelism())
  return {
    tasks: fleet.queue('tasks', taskCodec, parallelism, tasksAtOnce),
    tasksAtOnce,
    commits: fleet.queue('commits', commitCodec, commitsAtOnce),
    leases: fleet.leases,
    close: () => fleet.close(),
  }
}

/** Which keys in Redis are the document's. */
export function placeInRedis({ metadata, spec }: Pick<ProcessorDocument, 'metadata' | 'spec'>, source: Pick<SourceIdentity, 'id'>) {
  return { document: `${metadata.namespace}/${metadata.name}`, place: placeOf(spec.sink, source.id) }
}

/**
 * Short for where a document reads and writes, as all processes of its fleet know it, whatever addresses they use: documents of staging and of
 * production may have one name and one Redis, and each would stand by while the other's is fed.
 */
function placeOf({ catalog, database, tables }: ProcessorDocument['spec']['sink'], source: string): string {
  const place = [source, catalog.type, catalog.warehouse ?? null, database, tables.branch]
  return createHash('sha256').update(JSON.stringify(place)).digest('hex').slice(0, 8)
}

/** Where Redis is, and how to come in. */
export function redisSettings(queue: NonNullable<ProcessorDocument['spec']['queue']>): RedisFleetOptions['settings'] {
  const { redis, username, password, sentinel, cluster, tls } = queue
  return {
    ...(redis !== undefined && { url: () => redis.reveal() }),
    username,
    ...(password !== undefined && { password: () => password.reveal() }),
    ...(sentinel !== undefined && {
      sentinel: { ...sentinel, password: sentinel.password === undefined ? undefined : () => sentinel.password!.reveal() },
    }),
    cluster,
    tls,
  }
}
