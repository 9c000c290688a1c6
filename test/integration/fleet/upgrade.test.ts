import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openDocument } from '../../../src/compose.ts'
import { currentSnapshot, type TableMetadata } from '../../../src/formats/iceberg/table-metadata.ts'
import { killLeftovers, type Role, type Running } from '../kill/processes.ts'
import { makeFleet, type TestFleet } from './fleet.ts'
import { nextProgram } from './next-program.ts'
import { startRedis, type TestRedis } from './redis.ts'

const timeout = 600_000
const roles = ['worker', 'committer', 'planner'] as const
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
let redis: TestRedis
let fleet: TestFleet

beforeAll(async () => {
  redis = await startRedis()
})
beforeEach(async () => {
  await redis.cli('FLUSHALL')
  fleet = await makeFleet({ queue: { redis: redis.url }, topics: ['orders'] })
})
afterEach(async () => {
  killLeftovers()
  await fleet.remove()
})
afterAll(() => redis.stop())

async function metadata(): Promise<TableMetadata> {
  const { seams, close } = await openDocument(fleet.world.document, silent)
  try {
    return (await seams.catalog.loadTable({ namespace: ['kill'], name: 'orders' }))!.metadata
  } finally {
    await close()
  }
}

async function end(one: Running): Promise<void> {
  one.kill('SIGTERM')
  const { code, log } = await one.ended
  expect(code, log).toBe(0)
}

/** The commands that write to a table, or judge it. */
const commands = [
  ['pause', 'orders'],
  ['backfill', '--topic', 'orders', '--all'],
  ['compact'],
  ['expire'],
  ['rewrite-manifests'],
  ['verify'],
  ['recover', '--from-rows', '--yes'],
] as const

/** What a command of the program comes to, as it is. */
function carriedOut(command: string, args: readonly string[]): Promise<{ code: number; said: string }> {
  const program = join(import.meta.dirname, '../../../src/bin.js')
  return new Promise((resolve) => {
    execFile(process.execPath, [program, command, '-f', fleet.world.file, ...args], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    )
  })
}

/** Replaces each process of a fleet by one that is started as `env` says, one role after another, while the others work. */
async function roll(old: Map<Role, Running>, order: readonly Role[], env?: Readonly<Record<string, string>>): Promise<Map<Role, Running>> {
  const rolled = new Map<Role, Running>()
  for (const role of order) {
    rolled.set(role, fleet.start(role, env))
    await sleep(1500)
    await end(old.get(role)!)
    await sleep(1500)
  }
  return rolled
}

test(
  'a fleet is upgraded under load to a program with newer payloads, and rolled back: nothing is lost, nothing is twice',
  { timeout },
  async () => {
    const load = fleet.load()
    const now = new Map<Role, Running>(roles.map((role) => [role, fleet.start(role)]))
    await now.get('planner')!.logged(/"msg":"committed"/)
    // Those that read first: what they answer is in the version that they were asked in.
    const next = await roll(now, ['worker', 'committer', 'planner'], nextProgram('payload'))
    await next.get('planner')!.logged(/"msg":"committed"/)
    const again = await roll(next, ['planner', 'committer', 'worker'])
    await again.get('planner')!.logged(/"msg":"committed"/)
    await load.end()
    await fleet.complete()
    await fleet.stop()
  },
)

test(
  'in a mixed fleet a task of the newer program is left to newer workers, by a line in the log, and both go on',
  { timeout },
  async () => {
    const load = fleet.load()
    const [oldWorker, oldCommitter] = [fleet.start('worker'), fleet.start('committer')]
    const planner = fleet.start('planner', nextProgram('payload'))
    await oldWorker.logged(/a task in the queue has version 99, and this program reads versions up to \d; run the newer program here too/)
    fleet.start('worker', nextProgram('payload'))
    await oldCommitter.logged(
      /a commit in the queue has version 99, and this program reads versions up to \d; run the newer program here too/,
    )
    expect(planner.log()).not.toMatch(/"msg":"committed"/)
    fleet.start('committer', nextProgram('payload'))
    await planner.logged(/"msg":"committed"/)
    // An older planner takes over from the newer one, whose tasks and results are still in Redis.
    const older = fleet.start('planner')
    await older.logged(/another process has this; standing by/)
    planner.kill('SIGKILL')
    await older.logged(/taken over from another process[^]*"msg":"committed"/)
    await load.end()
    await fleet.complete()
    await fleet.stop()
  },
)

test(
  'a program that does not know the format of the progress stops before it does anything, and the newer one goes on',
  { timeout },
  async () => {
    const before = fleet.load()
    const now = fleet.start('run')
    await now.logged(/"msg":"committed"/)
    await end(now)
    const next = fleet.start('run', nextProgram('progress'))
    await next.logged(/"msg":"committed"/)
    await before.end()
    await fleet.complete()
    await end(next)
    const upgraded = await metadata()
    expect(currentSnapshot(upgraded)?.summary['kafscale.processor.version']).toBe('4')

    await fleet.writer.append('orders', 0, 3)
    for (const role of ['worker', 'committer'] as const) fleet.start(role)
    const old = fleet.start('run')
    await old.logged(/has progress of format version 4, and this program reads 1, 2 and 3; run the newer version/)
    await sleep(3000)
    for (const [command, ...args] of commands) {
      const { code, said } = await carriedOut(command, args)
      expect(`${code}: ${said}`, command).toMatch(
        /^1: [^]*has progress of format version 4, and this program reads 1, 2 and 3; run the newer version/,
      )
    }
    expect(await metadata()).toEqual(upgraded)
    old.kill('SIGTERM')
    expect((await old.ended).code).toBe(1)

    const again = fleet.start('run', nextProgram('progress'))
    await again.logged(/"msg":"committed"/)
    await fleet.complete()
    await end(again)
  },
)
