import type { Clock } from '../../seams/clock.ts'
import type { Journal } from '../../seams/journal.ts'
import { openRedis, type RedisSettings } from './redis-connection.ts'
import { type RedisFacts, redisFacts } from './redis-facts.ts'

/** How long a server may take to answer when it is asked once, and how long after the first failure, ms. */
const patienceMs = 8_000
const secondTryMs = 1_500

/** Connects once and asks. Throws an Error with what the connection met where no answer comes. */
export async function askRedis(settings: RedisSettings, clock: Clock): Promise<RedisFacts> {
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
    return redisFacts(await Promise.race([redis.info(), ended.promise]))
  } finally {
    for (const timer of timers) clearTimeout(timer)
    redis.disconnect()
  }
}
