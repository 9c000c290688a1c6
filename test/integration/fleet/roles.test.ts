import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openDocument } from '../../../src/compose.ts'
import { killLeftovers, runChild } from '../kill/processes.ts'
import { makeFleet, type TestFleet } from './fleet.ts'
import { startRedis, type TestRedis } from './redis.ts'

const timeout = 600_000
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
let redis: TestRedis
let fleet: TestFleet

beforeAll(async () => {
  redis = await startRedis()
})
beforeEach(async () => {
  await redis.cli('FLUSHALL')
  fleet = await makeFleet({ queue: { redis: redis.url } })
})
afterEach(async () => {
  killLeftovers()
  await fleet.remove()
})
afterAll(() => redis.stop())

test(
  'two processes that do everything share a document: one feeds a table, the other stands by, and goes on when the first is killed',
  { timeout },
  async () => {
    const load = fleet.load()
    const first = fleet.start('run')
    await first.logged(/"msg":"committed"/)
    const second = fleet.start('run')
    await second.logged(/another process has this; standing by/)
    first.kill('SIGKILL')
    await second.logged(/taken over from another process[^]*"msg":"committed"/)
    await load.end()
    await fleet.complete()
    await fleet.stop()
  },
)

test(
  'a table that was dropped, and that a process made again and was killed before its first commit, is filled by who takes over',
  { timeout },
  async () => {
    await fleet.writer.append('orders', 0, 3)
    const first = fleet.start('run')
    await first.logged(/"msg":"committed"/)
    const second = fleet.start('run')
    // It looks which table it is; a moment later it knows.
    await second.logged(/another process has this; standing by/)
    await sleep(2000)
    const opened = await openDocument(fleet.world.document, quiet)
    const { catalog } = opened.seams
    const orders = { namespace: ['kill'], name: 'orders' }
    await catalog.dropTable(orders)
    const { signal } = await runChild({
      document: fleet.world.file,
      once: true,
      fate: { step: 'catalog.create after #1', signal: 'SIGKILL' },
    })
    expect(signal).toBe('SIGKILL')
    expect((await catalog.loadTable(orders))!.metadata.snapshots ?? []).toEqual([])
    await opened.close()
    first.kill('SIGKILL')
    await fleet.writer.append('orders', 0, 3)
    await fleet.complete()
    await fleet.stop()
  },
)

test.each(['worker', 'planner', 'committer'] as const)(
  'with every role doubled, a %s that is killed in the middle costs nothing but seconds',
  { timeout },
  async (victim) => {
    const roles = ['worker', 'planner', 'committer'] as const
    const load = fleet.load(300)
    const running = new Map(roles.map((role) => [role, fleet.start(role)]))
    await running.get('planner')!.logged(/"msg":"committed"/)
    const others = roles.map((role) => fleet.start(role))
    await sleep(1000)
    running.get(victim)!.kill('SIGKILL')
    await sleep(3000)
    await load.end()
    await fleet.complete()
    expect(others.length).toBe(3)
    await fleet.stop()
  },
)

test('a worker that stands still past its lock is taken over from, and what it says afterwards changes nothing', { timeout }, async () => {
  const load = fleet.load(300)
  const planner = fleet.start('planner')
  fleet.start('committer')
  const zombie = fleet.start('worker')
  await planner.logged(/"msg":"committed"/)
  zombie.kill('SIGSTOP')
  await load.end()
  fleet.start('worker')
  // Longer than its lock of 15 s; meanwhile the other does its work.
  await sleep(20_000)
  await fleet.complete()
  zombie.kill('SIGCONT')
  await sleep(3000)
  await fleet.complete()
  await fleet.stop()
})

test(
  'a task that takes a thread longer than the lock, without a pause, keeps its lock, and nobody else begins it',
  { timeout },
  async () => {
    const burnt = join(dirname(fleet.world.file), 'burnt')
    const env = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'burn-in-thread.ts')}`, BURNT: burnt }
    // Large enough for a thread.
    await fleet.writer.append('orders', 0, 6, 1_000_000)
    for (const role of ['worker', 'worker'] as const) fleet.start(role, env)
    fleet.start('committer')
    const startedMs = performance.now()
    fleet.start('planner')
    await fleet.complete()
    expect(performance.now() - startedMs).toBeGreaterThan(25_000)
    expect((await readFile(burnt, 'utf8')).match(/\n/g)).toHaveLength(1)
    await fleet.stop()
  },
)

test('Redis is emptied under load, and killed and started again empty: nothing is lost, nothing is twice', { timeout }, async () => {
  const load = fleet.load(300)
  const planner = fleet.start('planner')
  for (const role of ['committer', 'worker', 'worker'] as const) fleet.start(role)
  await planner.logged(/"msg":"committed"/)
  for (let times = 0; times < 3; times++) {
    await sleep(1500)
    await redis.cli('FLUSHALL')
  }
  await redis.kill()
  await planner.logged(/Redis can not be reached/)
  await redis.start()
  await planner.logged(/Redis is back/)
  await sleep(1000)
  await load.end()
  await fleet.complete()
  await fleet.stop()
})

/** When commits were made to one table, by the logs of those that fed it, ms. */
function commitTimes(...logs: readonly string[]): number[] {
  const lines = logs.flatMap((log) => log.split('\n')).filter((line) => /"table":"orders".*"msg":"committed"/.test(line))
  return lines.map((line) => Date.parse((JSON.parse(line) as { time: string }).time)).toSorted((one, other) => one - other)
}

test('each role is replaced under load, and commits pause for no longer than who stands by takes to look', { timeout }, async () => {
  const load = fleet.load()
  const [worker, committer, planner] = [fleet.start('worker'), fleet.start('committer'), fleet.start('planner')]
  await planner.logged(/"msg":"committed"/)
  const next = fleet.start('planner')
  await next.logged(/standing by/)
  planner.kill('SIGTERM')
  await planner.ended
  await next.logged(/"msg":"committed"/)
  for (const [role, old] of [
    ['worker', worker],
    ['committer', committer],
  ] as const) {
    fleet.start(role)
    await sleep(3000)
    old.kill('SIGTERM')
    await old.ended
    await sleep(2000)
  }
  const times = commitTimes(planner.log(), next.log())
  const pauses = times.slice(1).map((at, i) => at - times[i])
  console.log(`commits every second; ms between them: ${pauses.join(' ')}`)
  expect(pauses.length).toBeGreaterThan(8)
  // An interval of 1 s and a look every 3 s, on a machine that may be busy; a lease that had to run out would take 15 s.
  expect(Math.max(...pauses)).toBeLessThan(10_000)
  await load.end()
  await fleet.complete()
  await fleet.stop()
})
