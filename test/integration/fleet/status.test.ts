import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { documentStatuses } from '../../../src/compose.ts'
import { systemClock } from '../../../src/drivers/clock/system.ts'
import { askQueues } from '../../../src/drivers/queue/redis-ask.ts'
import { killLeftovers } from '../kill/processes.ts'
import { freePort } from '../servers.ts'
import { makeFleet, type TestFleet } from './fleet.ts'
import { startRedis, type TestRedis } from './redis.ts'

let redis: TestRedis
let fleet: TestFleet

beforeAll(async () => {
  redis = await startRedis()
})
afterEach(async () => {
  killLeftovers()
  await fleet.remove()
})
afterAll(() => redis.stop())

test(
  'status tells how many tasks wait in Redis, changes nothing there, and does not wait for a Redis that is away',
  { timeout: 200_000 },
  async () => {
    fleet = await makeFleet({ queue: { redis: redis.url }, topics: ['orders', 'payments'], partitions: 1 })
    const queue = async () => (await documentStatuses([fleet.world.document]))[0].queue
    for (const topic of ['orders', 'payments']) await fleet.writer.append(topic, 0, 3)
    expect(await queue()).toEqual({ away: null, depth: 0, active: 0, commits: 0, setAside: [] })
    expect(await redis.cli('KEYS', '*')).toBe('')

    const planner = fleet.start('planner')
    // Nobody takes them; each table has one.
    await expect.poll(queue, { timeout: 120_000, interval: 500 }).toMatchObject({ depth: 2, active: 0 })
    fleet.start('worker')
    await expect.poll(queue, { timeout: 120_000, interval: 500 }).toMatchObject({ depth: 0, commits: 2 })
    fleet.start('committer')
    await fleet.complete()
    expect(planner.log()).toMatch(/"msg":"committed"/)
    await fleet.stop()

    await redis.kill()
    const startedMs = performance.now()
    expect(await queue()).toEqual({ away: expect.stringMatching(/ECONNREFUSED/) as string })
    // The tables are told all the same.
    expect((await documentStatuses([fleet.world.document]))[0].tables.map(({ rows }) => rows)).toEqual([3n, 3n])
    expect(performance.now() - startedMs).toBeLessThan(25_000)
    await redis.start()

    const { document } = fleet.world
    const silent = await freePort()
    const server = createServer(() => undefined).listen(silent, '127.0.0.1')
    const unanswered = { ...document, spec: { ...document.spec, metrics: { address: `127.0.0.1:${silent}` } } }
    const askedMs = performance.now()
    expect((await documentStatuses([unanswered]))[0].service).toEqual({ address: `127.0.0.1:${silent}`, away: 'nobody answers there' })
    expect(performance.now() - askedMs).toBeLessThan(15_000)
    const settings = { url: () => `redis://127.0.0.1:${silent}` }
    await expect(askQueues(settings, { document: 'a/b', place: 'c' }, ['tasks'], systemClock)).rejects.toThrow('no answer within 8 s')
    server.close()
  },
)
