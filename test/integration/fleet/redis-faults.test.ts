import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { killLeftovers } from '../kill/processes.ts'
import { makeFleet, type TestFleet } from './fleet.ts'
import { startRedis, type TestRedis } from './redis.ts'

const timeout = 600_000
let redis: TestRedis
let removing: (() => Promise<void>)[]

beforeEach(async () => {
  redis = await startRedis()
  removing = [() => redis.stop()]
})
afterEach(async () => {
  killLeftovers()
  for (const remove of removing.toReversed()) await remove()
})

async function fleetOn(queue: object): Promise<TestFleet> {
  const fleet = await makeFleet({ queue })
  removing.push(() => fleet.remove())
  return fleet
}

/** Fills Redis up to `maxmemory`: from then on it refuses whatever takes memory. */
async function fill(): Promise<void> {
  await redis.cli('CONFIG', 'SET', 'maxmemory', '16mb')
  let [size, filled] = [1_000_000, 0]
  while (size > 10) {
    const answer = await redis.cli(
      'EVAL',
      "return redis.call('SET', KEYS[1], string.rep('x', ARGV[1]))",
      '1',
      `filler${filled}`,
      String(size),
    )
    if (answer === 'OK') filled++
    else if (answer.includes('OOM')) size = Math.floor(size / 10)
    else throw new Error(answer)
  }
}

async function empty(): Promise<void> {
  await redis.cli('EVAL', "for _, key in ipairs(redis.call('KEYS', 'filler*')) do redis.call('DEL', key) end", '0')
}

test(
  'a full Redis holds a fleet up, which says so without flooding its log, and goes on when there is memory again',
  { timeout },
  async () => {
    const fleet = await fleetOn({ redis: redis.url })
    await redis.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    const load = fleet.load()
    const [planner, standby] = [fleet.start('planner'), fleet.start('planner')]
    for (const role of ['worker', 'worker', 'committer'] as const) fleet.start(role)
    await Promise.race([planner, standby].map((one) => one.logged(/"msg":"committed"/)))
    for (let times = 0; times < 2; times++) {
      await fill()
      await Promise.race([planner, standby].map((one) => one.logged(/Redis is full and takes no task; give it more memory \(maxmemory\)/)))
      // Longer than leases and locks.
      await sleep(times === 0 ? 17_000 : 3000)
      await empty()
      await sleep(5000)
    }
    await load.end()
    await fleet.complete()
    await fleet.stop()
    for (const one of [planner, standby]) expect((await one.ended).log.match(/Redis is full/g)?.length ?? 0).toBeLessThan(20)
  },
)

test(
  'the password of Redis is rotated in its file while a fleet works, whichever changes first, and no log has it',
  { timeout },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'password-'))
    removing.push(() => rm(directory, { recursive: true, force: true }))
    const file = join(directory, 'password')
    const passwords = [randomUUID(), randomUUID(), randomUUID()]
    const setPassword = async (password: string) => {
      await redis.cli(
        'ACL',
        'SETUSER',
        'processor',
        'on',
        'resetpass',
        `>${password}`,
        '~{iceberg-processor:*',
        '&*',
        '+@all',
        '-@admin',
        '-@dangerous',
        '+info',
      )
      // Who is in stays in, until its connection ends.
      await redis.cli('CLIENT', 'KILL', 'USER', 'processor')
    }
    await writeFile(file, passwords[0])
    await setPassword(passwords[0])
    await redis.cli('ACL', 'SETUSER', 'default', '+@all')
    const fleet = await fleetOn({ redis: redis.url, username: 'processor', password: { file } })
    const load = fleet.load()
    const planner = fleet.start('planner')
    const all = [planner, fleet.start('worker'), fleet.start('committer')]
    await planner.logged(/"msg":"committed"/)

    await setPassword(passwords[1])
    for (const one of all) await one.logged(/Redis can not be reached/)
    await sleep(2000)
    await writeFile(file, passwords[1])
    for (const one of all) await one.logged(/Redis is back/)
    await planner.logged(/Redis is back[^]*"msg":"committed"/)

    await writeFile(file, passwords[2])
    await sleep(1000)
    await setPassword(passwords[2])
    const commits = () => planner.log().match(/"msg":"committed"/g)!.length
    const before = commits()
    await expect.poll(commits, { timeout: 120_000, interval: 200 }).toBeGreaterThan(before + 2)
    await load.end()
    await fleet.complete()
    await fleet.stop()
    for (const one of all) for (const password of passwords) expect((await one.ended).log).not.toContain(password)
  },
)
