import { expect, test } from 'vitest'
import { makeFleet } from '../fleet/fleet.ts'
import { startRedis } from '../fleet/redis.ts'
import { killLeftovers } from '../kill/processes.ts'

// Upkeep looks once a minute at most, which is too long for every change.
test('a fleet that shares a Redis joins the files of a table while it feeds it, in its workers, and every row is there once', async () => {
  const redis = await startRedis()
  const maintenance = { compaction: { quietMinutes: 0 } }
  const fleet = await makeFleet({ queue: { redis: redis.url }, topics: ['orders'], maintenance })
  try {
    const load = fleet.load(300)
    const planner = fleet.start('planner')
    const others = [fleet.start('committer'), fleet.start('worker'), fleet.start('worker')]
    await planner.logged(/"msg":"files rewritten"[^]*"msg":"committed"/)
    await load.end()
    await fleet.complete()
    await fleet.stop()
    expect(others.map((one) => one.log()).join()).not.toContain('a task failed unexpectedly')
  } finally {
    killLeftovers()
    await fleet.remove()
    await redis.stop()
  }
})
