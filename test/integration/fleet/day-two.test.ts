import { readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { documentStatuses, openDocument, pauseInDocuments } from '../../../src/compose.ts'
import { killLeftovers, type Running } from '../kill/processes.ts'
import { intoDirectory, SegmentWriter } from '../kill/segments.ts'
import { makeFleet, type TestFleet } from './fleet.ts'
import { startRedis, type TestRedis } from './redis.ts'

const timeout = 600_000
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const roles = ['worker', 'committer', 'planner'] as const
let redis: TestRedis
let fleet: TestFleet
let removing: (() => Promise<void>)[] = []

beforeAll(async () => {
  redis = await startRedis()
})
beforeEach(async () => {
  await redis.cli('FLUSHALL')
  fleet = await makeFleet({ queue: { redis: redis.url } })
  removing = [() => fleet.remove()]
})
afterEach(async () => {
  killLeftovers()
  for (const remove of removing) await remove()
})
afterAll(() => redis.stop())

type Processes = Readonly<Record<(typeof roles)[number], Running>>

/** One process of each role, for the fleet's document or another file. */
function startRoles(file = fleet.world.file): Processes {
  return Object.fromEntries(roles.map((role) => [role, fleet.start(role, {}, [], file)])) as Processes
}

/** Ends a fleet in good order, the planner first: its commits under way need the others. */
async function end({ planner, worker, committer }: Processes): Promise<void> {
  for (const one of [planner, worker, committer]) {
    one.kill('SIGTERM')
    const { code, log } = await one.ended
    expect(code, log).toBe(0)
  }
}

async function rowsOf(topic: string): Promise<bigint> {
  const [{ tables }] = await documentStatuses([fleet.world.document])
  return tables.find(({ table }) => table.endsWith(topic))?.rows ?? 0n
}

test('a topic is paused for a whole fleet, through FLUSHALL and restarts of every role, and resumed', { timeout }, async () => {
  const load = fleet.load()
  const first = startRoles()
  await first.planner.logged(/"msg":"committed"[^]*"msg":"committed"/)
  await pauseInDocuments([fleet.world.document], 'pause', 'orders')
  await first.planner.logged(/paused: not planned until resumed/)
  await redis.cli('FLUSHALL')
  await end(first)
  const second = startRoles()
  await second.planner.logged(/"msg":"committed"/)
  const [orders, payments] = [await rowsOf('orders'), await rowsOf('payments')]
  await sleep(4000)
  await expect.poll(() => rowsOf('payments'), { timeout: 240_000, interval: 500 }).toBeGreaterThan(payments)
  expect(await rowsOf('orders')).toBe(orders)
  await load.end()
  await pauseInDocuments([fleet.world.document], 'resume', undefined)
  await fleet.complete()
  await end(second)
})

test('a source that moved, and a log that was restarted, stop a fleet until its planner is told', { timeout }, async () => {
  const root = dirname(fleet.world.file)
  const [old, now] = [join(root, 'source'), join(root, 'moved')]
  const write = async (writer: SegmentWriter, segments: number) => {
    for (const topic of ['orders', 'payments']) for (let i = 0; i < segments; i++) await writer.append(topic, 0, 3)
  }
  await write(fleet.writer, 3)
  const before = startRoles()
  await fleet.complete()
  await end(before)

  // A directory is known by its real path, so this one has moved; what is written goes to the new place.
  await rename(old, now)
  await symlink(now, old)
  await write(fleet.writer, 2)
  const others = { worker: fleet.start('worker'), committer: fleet.start('committer') }
  const untold = fleet.start('planner')
  for (const topic of ['orders', 'payments']) await untold.logged(new RegExp(`${topic} is stopped: [^\n]*--source-moved`))
  untold.kill('SIGTERM')
  expect((await untold.ended).code).toBe(1)
  const moved = fleet.start('planner', {}, ['--source-moved', `${pathToFileURL(old).href}/`])
  await fleet.complete()
  moved.kill('SIGTERM')
  expect((await moved.ended).code).toBe(0)

  await rm(join(now, 'orders', '0'), { recursive: true })
  await new SegmentWriter(intoDirectory(now)).append('orders', 0, 2)
  const stopped = fleet.start('planner')
  await stopped.logged(/"topic":"orders","partition":0[^\n]*the log was restarted[^\n]*--source-restarted/)
  stopped.kill('SIGTERM')
  expect((await stopped.ended).code).toBe(1)
  expect(await rowsOf('orders')).toBe(15n)
  const planner = fleet.start('planner', {}, ['--source-restarted'])
  await expect.poll(() => rowsOf('orders'), { timeout: 240_000, interval: 500 }).toBe(17n)
  await end({ ...others, planner })
  expect(await rowsOf('payments')).toBe(15n)
})

test('a changed document counts in every role of a running fleet, and what needs a restart waits for it', { timeout }, async () => {
  const load = fleet.load()
  const processes = startRoles()
  await processes.planner.logged(/"msg":"committed"/)
  const text = await readFile(fleet.world.file, 'utf8')
  await writeFile(fleet.world.file, text.replace('"parallelism":4', '"parallelism":2'))
  const counts = /"live":\["spec.processing.parallelism"\],"msg":"the changed document counts from now on"/
  for (const role of roles) await processes[role].logged(counts)
  await processes.planner.logged(/counts from now on[^]*"msg":"committed"/)
  const keys = (await redis.cli('KEYS', '*:tasks:meta')).split('\n')
  expect(await redis.cli('HGET', keys[0], 'concurrency')).toBe('2')
  await writeFile(fleet.world.file, text.replace(redis.url, 'redis://127.0.0.1:1'))
  for (const role of roles) await processes[role].logged(/"restart":\["spec.queue.redis"\].*"msg":"the changed document needs a restart/)
  // One that is refused leaves nothing open: the processes end when they are told to.
  await writeFile(fleet.world.file, text.replace('"source":', '"mappings":[{"topic":"orders","mode":"upsert"}],"source":'))
  for (const role of roles) await processes[role].logged(/upsert is not available yet[^\n]*the changed document is refused/)
  await load.end()
  await fleet.complete()
  await end(processes)
})

test(
  'a changed document is no restart: a rollback is not accepted again for it, and a table that was dropped is not made anew',
  { timeout },
  async () => {
    const process = fleet.start('run', {}, ['--accept-rollback'])
    for (let round = 0; round < 2; round++) {
      for (const topic of ['orders', 'payments']) await fleet.writer.append(topic, 0, 3)
      await fleet.complete()
    }
    const { seams, close } = await openDocument(fleet.world.document, quiet)
    const [orders, payments] = ['orders', 'payments'].map((name) => ({ namespace: ['kill'], name }))
    const { 'table-uuid': uuid, snapshots } = (await seams.catalog.loadTable(orders))!.metadata
    const rolledBack = await seams.catalog.commitTable(orders, {
      requirements: [{ type: 'assert-table-uuid', uuid }],
      updates: [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshots![0]['snapshot-id'] }],
      idempotencyKey: 'x',
    })
    expect(rolledBack.kind).toBe('committed')
    await seams.catalog.dropTable(payments)
    for (const topic of ['orders', 'payments']) await fleet.writer.append(topic, 0, 3)
    const stops = [
      /"table":"orders"[^\n]*rolled back[^\n]*"msg":"table stopped"/,
      /"table":"payments"[^\n]*does not exist any more[^\n]*"msg":"table stopped"/,
    ]
    for (const stop of stops) await process.logged(stop)
    const text = await readFile(fleet.world.file, 'utf8')
    await writeFile(fleet.world.file, text.replace('"parallelism":4', '"parallelism":2'))
    for (const stop of stops) await process.logged(new RegExp(`counts from now on[^]*${stop.source}`))
    expect(await seams.catalog.loadTable(payments)).toBeNull()
    await close()
  },
)

test('several documents are served by one process of each role, and a worker that dies holds up neither', { timeout }, async () => {
  const second = await makeFleet({ queue: { redis: redis.url } })
  removing.push(() => second.remove())
  const other = (await readFile(second.world.file, 'utf8')).replace('"name":"kill"', '"name":"second"')
  const file = join(dirname(fleet.world.file), 'both.yaml')
  await writeFile(file, `${await readFile(fleet.world.file, 'utf8')}\n---\n${other}\n`)
  const loads = [fleet.load(), second.load()]
  const processes = startRoles(file)
  const committed = (name: string) => new RegExp(`"table":"${name}"[^\\n]*"msg":"committed"`)
  await processes.planner.logged(committed('orders'))
  processes.worker.kill('SIGKILL')
  const worker = fleet.start('worker', {}, [], file)
  await sleep(3000)
  for (const load of loads) await load.end()
  await Promise.all([fleet.complete(), second.complete()])
  const prefixes = new Set((await redis.cli('KEYS', '*')).split('\n').map((key) => key.slice(0, key.indexOf('}') + 1)))
  expect([...prefixes].sort()).toEqual(['{iceberg-processor:default/kill}', '{iceberg-processor:default/second}'])
  await end({ ...processes, worker })
})

test('documents of one name that read elsewhere share a Redis, and each is served by its own processes', { timeout }, async () => {
  const other = await makeFleet({ queue: { redis: redis.url } })
  removing.push(() => other.remove())
  expect(other.world.file).not.toBe(fleet.world.file)
  for (const one of [fleet, other]) one.start('run')
  const loads = [fleet.load(), other.load()]
  await sleep(3000)
  for (const load of loads) await load.end()
  await Promise.all([fleet.complete(), other.complete()])
  await Promise.all([fleet.stop(), other.stop()])
})
