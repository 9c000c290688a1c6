import { randomUUID } from 'node:crypto'
import type { Clock } from '../../seams/clock.ts'
import type { Journal } from '../../seams/journal.ts'
import type { Lease, Leases } from '../../seams/leases.ts'
import { atMost } from './at-most.ts'
import type { RedisClient } from './redis-connection.ts'

/** How long a lease outlives a process that died: what others wait until they take its work over. */
const leaseMs = 15_000
const renewMs = 5_000
const lookMs = 3_000
/** Who does not hear of Redis for so long goes on without it. */
const answerMs = 5_000

/** Takes a free lease (also one that was flushed away) or renews one's own; answers 1, or 0 where another has it. */
const takeScript = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

/**
 * Leases as keys that run out. Where Redis can not be asked, the lease is given and kept: two processes that do the same are no harm, and
 * nobody doing it is one.
 */
export function redisLeases(redis: RedisClient, prefix: string, clock: Clock, journal: Journal): Leases {
  /** Resolves once the first connection stands or has failed: without asking, who begins would take a lease that another has. */
  const begun = new Promise<void>((resolve) => {
    if (redis.status === 'ready') resolve()
    for (const event of ['ready', 'close', 'end']) redis.once(event, () => resolve())
  })

  /** True: it is ours. Null: Redis did not answer. */
  async function take(key: string, token: string): Promise<boolean | null> {
    // What waits for Redis to come back would pile up, and take leases that were released meanwhile.
    if (redis.status !== 'ready') return null
    const asked = redis.eval(takeScript, 1, key, token, leaseMs).then(
      (answer) => answer === 1,
      () => null,
    )
    return atMost(clock, answerMs, asked)
  }

  return {
    async acquire(name, signal, onStandBy) {
      const key = `${prefix}:lease:${name}`
      const token = randomUUID()
      await atMost(clock, answerMs, begun, signal)
      for (let waited = false; !signal.aborted; waited = true) {
        if ((await take(key, token)) !== false) {
          if (waited) journal.info('taken over from another process', { lease: name })
          return hold(name, key, token)
        }
        if (!waited) {
          journal.info('another process has this; standing by', { lease: name })
          onStandBy?.()
        }
        await clock.sleep(lookMs, signal)
      }
      return null
    },
  }

  function hold(name: string, key: string, token: string): Lease {
    const lost = new AbortController()
    const released = new AbortController()
    void (async () => {
      while (!released.signal.aborted) {
        await clock.sleep(renewMs, released.signal)
        if (released.signal.aborted || (await take(key, token)) !== false) continue
        journal.warn('another process has taken over', { lease: name })
        lost.abort()
        return
      }
    })()
    return {
      lost: lost.signal,
      async release() {
        released.abort()
        const gone = redis.eval(releaseScript, 1, key, token).catch(() => undefined)
        await atMost(clock, 1000, gone)
      },
    }
  }
}
