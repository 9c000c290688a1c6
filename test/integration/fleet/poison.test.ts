import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { documentStatuses } from '../../../src/compose.ts'
import { audit } from '../kill/audit.ts'
import { killLeftovers } from '../kill/processes.ts'
import { makeFleet } from './fleet.ts'
import { startRedis, type TestRedis } from './redis.ts'

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})
afterEach(killLeftovers)
afterAll(() => redis.stop())

test('a task that takes three workers with it is set aside with the reason, and other tables go on', { timeout: 400_000 }, async () => {
  const fleet = await makeFleet({ queue: { redis: redis.url }, topics: ['poison', 'orders'], partitions: 1, parallelism: 2 })
  const { world, writer } = fleet
  await writer.append('poison', 0, 3)
  await writer.append('orders', 0, 3)
  const planner = fleet.start('planner')
  fleet.start('committer')
  const env = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'crash-on-poison.ts')}` }
  let isOver = false
  let deaths = 0
  const supervised = (async () => {
    while (!isOver) {
      const { signal } = await fleet.start('worker', env).ended
      if (signal === 'SIGKILL') deaths++
    }
  })()
  await planner.logged(/"topic":"poison"[^\n]*set aside after 3 tries[^\n]*"msg":"partition stopped"/)
  expect(deaths).toBe(3)
  const [{ tables, queue }] = await documentStatuses([world.document])
  expect(tables.flatMap(({ partitions }) => partitions.map(({ topic, stopped }) => [topic, stopped]))).toContainEqual([
    'poison',
    expect.stringMatching(/^its task was set aside after several tries: each worker that carried it out died/),
  ])
  expect(queue).toMatchObject({ away: null, setAside: [{ table: 'kill.poison', parts: [{ topic: 'poison', partition: 0, offset: 0n }] }] })
  await writer.append('orders', 0, 3)
  while ((await audit(world, writer.expected)).missing > 3) await new Promise((resolve) => setTimeout(resolve, 500))
  expect(await audit(world, writer.expected)).toMatchObject({ problems: [], missing: 3 })
  isOver = true
  killLeftovers()
  await supervised
  await fleet.remove()
})
