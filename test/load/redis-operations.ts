import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/drivers/clock/system.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { openRedisFleet } from '../../src/drivers/queue/redis.ts'
import type { TaskCodec } from '../../src/seams/task-queue.ts'
import { startRedis } from '../integration/fleet/redis.ts'

/** How often Redis is asked for a task, from its submission until it is forgotten. Prints one line. */

const tasks = 1000
const codec: TaskCodec<number, number> = {
  encodePayload: (n) => ({ n }),
  decodePayload: (value) => (value as { n: number }).n,
  encodeResult: (n) => ({ n }),
  decodeResult: (value) => (value as { n: number }).n,
  encodeFailure: () => null,
  decodeFailure: () => {
    throw new Error('nothing fails here')
  },
}

const redis = await startRedis()
const open = () =>
  openRedisFleet({
    settings: { url: () => redis.url },
    document: 'default/load',
    place: 'here',
    clock: systemClock,
    journal: memoryJournal(),
  })
const fleets = [open(), open(), open()]
const [planner, ...workers] = fleets.map((fleet) => fleet.queue('tasks', codec, 4))
const stop = new AbortController()
const lane = async (queue: (typeof workers)[number]) => {
  for (;;) {
    const claim = await queue.claim(stop.signal)
    if (claim === null) return
    await sleep(5)
    claim.complete(claim.payload)
  }
}
for (const worker of workers) for (let i = 0; i < 4; i++) void lane(worker)
await planner.submit('warm', 0)
await redis.cli('CONFIG', 'RESETSTAT')
await Promise.all(
  Array.from({ length: tasks }, async (_, n) => {
    await planner.submit(`task ${n}`, n)
    planner.forget(`task ${n}`)
  }),
)
await sleep(500)
const calls = new Map(
  [...(await redis.cli('INFO', 'commandstats')).matchAll(/cmdstat_(\S+?):calls=(\d+)/g)].map(([, name, count]) => [name, Number(count)]),
)
const all = [...calls.values()].reduce((total, count) => total + count, 0)
const each = (count: number) => (count / tasks).toFixed(1)
console.log(`${tasks} tasks: ${each(calls.get('evalsha') ?? 0)} scripts each, ${each(all)} commands each with those inside scripts`)
stop.abort()
await Promise.all(fleets.map((fleet) => fleet.close()))
await redis.stop()
