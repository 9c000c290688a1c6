import { WorkError } from '../../model/failure.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Journal } from '../../seams/journal.ts'
import type { Leases } from '../../seams/leases.ts'
import type { TaskCodec, TaskQueue } from '../../seams/task-queue.ts'
import { prefixOf, type RedisPlace } from './bullmq.ts'
import { BullQueue } from './bullmq-queue.ts'
import { openRedis, type RedisClient, type RedisSettings } from './redis-connection.ts'
import { oldestRedis, redisFacts } from './redis-facts.ts'
import { redisLeases } from './redis-leases.ts'

export interface RedisFleetOptions extends RedisPlace {
  readonly settings: RedisSettings
  readonly clock: Clock
  readonly journal: Journal
}

/** What the processes that serve one document share in Redis. All of it can be lost at any time. */
export interface RedisFleet {
  readonly leases: Leases
  /** A queue of that name; at most `parallelism` of its tasks are carried out at once over all processes, and `atOnceHere` in this one. */
  queue<Payload, Result>(
    name: string,
    codec: TaskCodec<Payload, Result>,
    parallelism: number,
    atOnceHere?: number,
  ): TaskQueue<Payload, Result>
  close(): Promise<void>
}

/** Opens what a fleet shares. Redis need not be there yet: what is asked of it waits. */
export function openRedisFleet({ settings, document, place, clock, journal }: RedisFleetOptions): RedisFleet {
  const { client: redis, trouble } = openRedis(settings, clock, journal)
  const prefix = prefixOf({ document, place })
  const queues: BullQueue<never, never>[] = []
  void checkServer(redis, journal)
  return {
    leases: redisLeases(redis, prefix, clock, journal),
    queue(name, codec, parallelism, atOnceHere = parallelism) {
      const queue = new BullQueue({ name, prefix, codec, parallelism, atOnceHere, redis, trouble, clock, journal })
      queues.push(queue as unknown as BullQueue<never, never>)
      return queue
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()))
      redis.disconnect()
    },
  }
}

/** Warns of what makes a queue lose tasks: nothing would be wrong then, and work would be done twice. */
async function checkServer(redis: RedisClient, journal: Journal): Promise<void> {
  try {
    const { version, isTooOld, policy } = redisFacts(await redis.info())
    if (isTooOld) throw new WorkError(`Redis ${version} is too old; ${oldestRedis} or newer is needed`, { retry: 'never' })
    if (policy !== null && policy !== 'noeviction') {
      journal.warn('Redis may drop tasks when it is full, which then are done again; set maxmemory-policy noeviction', { policy })
    }
  } catch (error) {
    journal.error('Redis does not serve as it is', { error: error as Error })
  }
}
