import type { Clock } from '../../seams/clock.ts'
import type { Journal } from '../../seams/journal.ts'
import { connectionOf, keptResults, prefixOf, Queue, type RedisPlace, setAsideReason } from './bullmq.ts'
import { openRedis, type RedisClient, type RedisSettings } from './redis-connection.ts'
import { type RedisFacts, redisFacts } from './redis-facts.ts'

/** How long a server may take to answer when it is asked once, and how long after the first failure, ms. */
const patienceMs = 8_000
const secondTryMs = 1_500
/** Tasks that were set aside that are looked into. */
const maxSetAside = 100

/** What lies in a queue. */
export interface QueueContents {
  /** Offered, and taken by nobody. */
  readonly waiting: number
  readonly active: number
  /** What was given up lately, the newest first: what was asked, as it stands there, and how it failed the last time. */
  readonly setAside: readonly { readonly data: object; readonly reason: string }[]
}

/** Connects once and asks what the server is. Throws an Error with what the connection met where no answer comes. */
export function askRedis(settings: RedisSettings, clock: Clock): Promise<RedisFacts> {
  return asked(settings, clock, async (redis) => redisFacts(await redis.info()))
}

/** Connects once and asks what lies in queues of a document, changing nothing. Throws as `askRedis` does. */
export function askQueues(
  settings: RedisSettings,
  place: RedisPlace,
  names: readonly string[],
  clock: Clock,
): Promise<readonly QueueContents[]> {
  return asked(settings, clock, (redis) => Promise.all(names.map((name) => contentsOf(name, redis, prefixOf(place), clock))))
}

async function contentsOf(name: string, redis: RedisClient, prefix: string, clock: Clock): Promise<QueueContents> {
  const queue = new Queue<object>(name, { ...connectionOf({ redis, prefix }), skipMetasUpdate: true })
  queue.on('error', () => undefined)
  // A task that must be alone waits among the delayed.
  const { active = 0, ...waiting } = await queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active')
  const failed = await queue.getFailed(0, maxSetAside - 1)
  // What is older is removed there only when another one fails.
  const sinceMs = clock.now() - keptResults.age * 1000
  return {
    waiting: Object.values(waiting).reduce((sum, count) => sum + count, 0),
    active,
    setAside: failed
      .filter(({ finishedOn = 0 }) => finishedOn >= sinceMs)
      .map(({ data, failedReason }) => ({ data, reason: setAsideReason(failedReason) })),
  }
}

async function asked<T>(settings: RedisSettings, clock: Clock, ask: (redis: RedisClient) => Promise<T>): Promise<T> {
  const ended = Promise.withResolvers<never>()
  const timers: NodeJS.Timeout[] = []
  const endAfter = (ms: number, error: Error) => timers.push(setTimeout(() => ended.reject(error), ms))
  endAfter(patienceMs, new Error(`no answer within ${patienceMs / 1000} s`))
  const silent: Journal = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_message, fields) => void endAfter(secondTryMs, fields?.['error'] as Error),
    error: () => undefined,
  }
  const { client: redis } = openRedis(settings, clock, silent)
  try {
    return await Promise.race([ask(redis), ended.promise])
  } finally {
    for (const timer of timers) clearTimeout(timer)
    redis.disconnect()
  }
}
