import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/drivers/clock/system.ts'
import { memoryJournal } from '../../../src/drivers/journal/memory.ts'
import { openRedisFleet, type RedisFleet } from '../../../src/drivers/queue/redis.ts'
import { WorkError } from '../../../src/model/failure.ts'
import { NewerVersion, priorityBands, type TaskCodec, type TaskQueue } from '../../../src/seams/task-queue.ts'
import type { Clock } from '../../../src/seams/clock.ts'
import type { Leases } from '../../../src/seams/leases.ts'
import { freePort } from '../servers.ts'
import { startRedis, type TestRedis } from './redis.ts'

const timeout = 240_000

interface Note {
  readonly v: number
  readonly text: string
}

/** Texts, as a program of the given version writes and reads them. */
function codecOf(version: number): TaskCodec<string, string> {
  const read = (value: unknown): string => {
    const { v, text } = value as Note
    if (v > version) throw new NewerVersion('a text in the queue', v, version)
    if (typeof text !== 'string') throw new Error('text: expected a string')
    return text
  }
  return {
    encodePayload: (text) => ({ v: version, text }),
    decodePayload: read,
    // In the version that the oldest reads, as a newer program answers an older one.
    encodeResult: (text) => ({ v: 1, text }),
    decodeResult: read,
    encodeFailure: (error) => (error instanceof WorkError ? { text: error.message } : null),
    decodeFailure: (value) => new WorkError((value as Note).text, { retry: 'later' }),
  }
}

let redis: TestRedis
let opened: { readonly fleet: RedisFleet; readonly stop: AbortController }[] = []
let journal: ReturnType<typeof memoryJournal>

interface Member {
  readonly queue: TaskQueue<string, string>
  /** Takes tasks, so many at once. */
  work(carryOut: (text: string) => Promise<string>, lanes?: number): void
}

function member(version = 1, parallelism = 4, url = redis.url, atOnceHere = parallelism, clock = systemClock): Member {
  const fleet = openRedisFleet({ settings: { url: () => url }, document: 'default/test', place: 'here', clock, journal })
  const stop = new AbortController()
  opened.push({ fleet, stop })
  const queue = fleet.queue('tasks', codecOf(version), parallelism, atOnceHere)
  return {
    queue,
    work(carryOut, lanes = atOnceHere) {
      const lane = async () => {
        for (;;) {
          const claim = await queue.claim(stop.signal)
          if (claim === null) return
          await carryOut(claim.payload).then(claim.complete, claim.fail)
        }
      }
      for (let i = 0; i < lanes; i++) void lane()
    },
  }
}

beforeAll(async () => {
  redis = await startRedis()
})
beforeEach(async () => {
  await redis.cli('FLUSHALL')
  journal = memoryJournal()
})
afterEach(async () => {
  for (const { stop } of opened) stop.abort()
  await Promise.all(opened.map(({ fleet }) => fleet.close()))
  opened = []
})
afterAll(() => redis.stop())

const done = async (text: string) => `${text} done`
const names = (count: number) => Array.from({ length: count }, (_, i) => `task ${i}`)
const told = (pattern: RegExp) =>
  journal.lines.filter(({ message, fields }) => pattern.test(`${message} ${String(fields['error'] ?? fields['reason'] ?? '')}`))

async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(50)
}

describe('a queue in Redis', { timeout }, () => {
  test('hands each task to one worker and its result to who submitted it', async () => {
    const seen: string[] = []
    for (const one of [member(), member()]) {
      one.work(async (text) => {
        seen.push(text)
        return done(text)
      })
    }
    const planner = member()
    const results = await Promise.all(names(50).map((name) => planner.queue.submit(name, name)))
    expect(results).toEqual(names(50).map((name) => `${name} done`))
    expect(seen.toSorted()).toEqual(names(50).toSorted())
  })

  test('carries out no more at once than parallelism allows, over all workers, and after everything in Redis was lost too', async () => {
    let [now, most] = [0, 0]
    const count = async (text: string) => {
      most = Math.max(most, ++now)
      await sleep(30)
      now--
      return done(text)
    }
    for (const one of [member(1, 3), member(1, 3), member(1, 3)]) one.work(count)
    const planner = member(1, 3)
    await Promise.all(names(30).map((name) => planner.queue.submit(name, name)))
    expect(most).toBe(3)
    await redis.cli('FLUSHALL')
    most = 0
    await Promise.all(names(30).map((name) => planner.queue.submit(`again ${name}`, name)))
    expect(most).toBe(3)
  })

  test('leaves to others what a worker has no hands for, however early it came', async () => {
    const seen = [0, 0]
    const work = (one: number) => {
      let now = 0
      member(1, 8, redis.url, 2).work(async (text) => {
        seen[one]++
        if (++now > 2) throw new TypeError('more than it has hands for')
        await sleep(100)
        now--
        return done(text)
      })
    }
    const planner = member(1, 8)
    const waiting = Promise.all(names(40).map((name) => planner.queue.submit(name, name)))
    await until(() => planner.queue.depth === 40)
    work(0)
    work(1)
    await waiting
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(15)
  })

  test('leaves to others what a worker does not accept now, and it takes that itself once it does', async () => {
    const fleet = [member(1, 8), member(1, 8)]
    const stop = new AbortController()
    const taken: string[][] = [[], []]
    let acceptsLarge = false
    const lane = async (one: number, accepts: (text: string) => boolean) => {
      for (;;) {
        const claim = await fleet[one].queue.claim(stop.signal, accepts)
        if (claim === null) return
        taken[one].push(claim.payload)
        claim.complete(await done(claim.payload))
      }
    }
    const lanes = [0, 1].map(() => lane(0, (text) => acceptsLarge || !text.startsWith('large')))
    const planner = member(1, 8)
    const offer = (name: string, priority: number) => planner.queue.submit(name, name, priority)
    const large = offer('large', 1)
    await Promise.all(['a', 'b', 'c'].map((name) => offer(name, 2)))
    expect(taken[0].toSorted()).toEqual(['a', 'b', 'c'])
    lanes.push(lane(1, (text) => text === 'large'))
    expect(await large).toBe('large done')
    expect(taken[1]).toEqual(['large'])
    const larger = offer('larger', 1)
    await sleep(1000)
    acceptsLarge = true
    expect(await larger).toBe('larger done')
    expect(taken[0]).toContain('larger')
    stop.abort()
    await Promise.all(lanes)
  })

  test("carries out each table's first task before any table's second", async () => {
    const planner = member()
    const order: string[] = []
    const waiting = ['a', 'b', 'c'].flatMap((table) =>
      [0, 1, 2].map((place) => planner.queue.submit(`${table}${place}`, `${table}${place}`, priorityBands.tail + place)),
    )
    await until(() => planner.queue.depth === waiting.length)
    member().work(async (text) => {
      order.push(text)
      return done(text)
    }, 1)
    await Promise.all(waiting)
    expect(order.map((task) => task[1])).toEqual(['0', '0', '0', '1', '1', '1', '2', '2', '2'])
  })

  test('gives an expected failure to who submitted the task, and tries an unexpected one three times', async () => {
    let tries = 0
    member().work(async (text) => {
      if (text === 'expected') throw new WorkError('the store is away', { retry: 'later' })
      tries++
      throw new TypeError('a bug')
    })
    const planner = member()
    await expect(planner.queue.submit('one', 'expected')).rejects.toThrow('the store is away')
    await expect(planner.queue.submit('two', 'unexpected')).rejects.toThrow('set aside after 3 tries: a bug')
    expect(tries).toBe(3)
    // Who asks for it again gets its tries anew.
    await expect(planner.queue.submit('two', 'unexpected')).rejects.toThrow('set aside')
    expect(tries).toBe(6)
  })

  test('offers again what is open when everything was flushed away, and when Redis comes back empty', async () => {
    const planner = member()
    const open = Promise.all(names(10).map((name) => planner.queue.submit(name, name)))
    await sleep(500)
    await redis.cli('FLUSHALL')
    await sleep(4000)
    await redis.kill()
    await until(() => planner.queue.trouble !== null)
    expect(planner.queue.trouble).toMatchObject({ reason: expect.stringMatching(/ECONNREFUSED|ECONNRESET|closed/) })
    await redis.start()
    member().work(done)
    expect(await open).toHaveLength(10)
    await until(() => planner.queue.trouble === null)
    expect(told(/Redis can not be reached/)).not.toEqual([])
  })

  test('offers a task again of which Redis has dropped all but the id, instead of setting it aside as one that fails', async () => {
    const planner = member()
    const lost = planner.queue.submit('a', 'a')
    const keyOf = async () => (await redis.cli('KEYS', '*:tasks:a')).trim()
    await expect.poll(keyOf, { timeout }).not.toBe('')
    await redis.cli('DEL', await keyOf())
    member().work(done)
    expect(await lost).toBe('a done')
  })

  test('keeps the result of a task whose planner went away for the one who submits it next, and what was forgotten is done anew', async () => {
    let times = 0
    const first = member()
    void first.queue.submit('same', 'same')
    member().work(async (text) => {
      times++
      await sleep(1000)
      return done(text)
    })
    await until(() => times === 1)
    expect(await first.queue.withdraw('same')).toBe(true)
    await sleep(2000)
    const second = member()
    expect(await second.queue.submit('same', 'same')).toBe('same done')
    expect(times).toBe(1)
    second.queue.forget('same')
    expect(await second.queue.submit('same', 'same')).toBe('same done')
    expect(times).toBe(2)
  })

  test('leaves a task of a newer version to others and says so once; an older one is read', async () => {
    const newer = member(2)
    const older = member(1)
    older.work(async () => 'by the older one')
    const open = Promise.all(names(3).map((name) => newer.queue.submit(name, name)))
    await until(() => told(/left to others/).length > 0)
    await sleep(1000)
    member(2).work(async () => 'by the newer one')
    const startedMs = performance.now()
    expect(await open).toEqual(['by the newer one', 'by the newer one', 'by the newer one'])
    // They come back after 5 s, and are not drawn lots for.
    expect(performance.now() - startedMs).toBeLessThan(12_000)
    expect(told(/has version 2, and this program reads versions up to 1; run the newer program here too/)).toHaveLength(1)
    expect(await older.queue.submit('old', 'old')).toMatch(/^by the/)
  })

  test('leaves a task of a newer version for no longer where its clock is set back', async () => {
    let aheadMs = 3_600_000
    const clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
    member(1, 4, redis.url, 4, clock).work(async () => 'by the older one')
    const newer = member(2)
    const first = newer.queue.submit('first', 'first')
    await until(() => told(/left to others/).length > 0)
    aheadMs = 0
    const second = newer.queue.submit('second', 'second')
    await sleep(1000)
    member(2).work(async () => 'by the newer one')
    const late = sleep(12_000).then(() => 'late')
    expect(await Promise.race([Promise.all([first, second]), late])).toEqual(['by the newer one', 'by the newer one'])
  })

  test('answers with an error that passes where a result can not be read', async () => {
    member().work(async () => 7 as never)
    const error = await member()
      .queue.submit('odd', 'odd')
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(WorkError)
    expect(error).toMatchObject({ retry: 'later', message: 'a result in the queue can not be read: text: expected a string' })
  })

  test('waits with a warning while Redis is full, and goes on by itself when there is memory again', async () => {
    const full = await startRedis({ args: () => ['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'] })
    try {
      const planner = member(1, 4, full.url)
      const text = 'x'.repeat(100_000)
      const open = Promise.all(names(60).map((name) => planner.queue.submit(name, name + text)))
      await until(() => told(/Redis is full/).length > 0)
      await full.cli('CONFIG', 'SET', 'maxmemory', '100mb')
      member(1, 4, full.url).work(async (task) => task.slice(0, 7))
      expect(await open).toHaveLength(60)
      expect(told(/Redis is full/)).toHaveLength(1)
    } finally {
      await Promise.all(opened.splice(0).map(({ fleet, stop }) => (stop.abort(), fleet.close())))
      await full.stop()
    }
  })

  test('says at the start that Redis may drop tasks where its policy lets it', async () => {
    await redis.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    member()
    await until(() => told(/set maxmemory-policy noeviction/).length > 0)
    await redis.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    expect(told(/set maxmemory-policy noeviction/)).toHaveLength(1)
  })
})

/** What a process opens that is about to ask for a lease: it is not connected yet. */
function leasesAt(url: string): Leases {
  const fleet = openRedisFleet({ settings: { url: () => url }, document: 'default/test', place: 'here', clock: systemClock, journal })
  opened.push({ fleet, stop: new AbortController() })
  return fleet.leases
}

describe('leases in Redis', { timeout }, () => {
  test('a process that begins asks before it takes one, also while its connection is just being made', async () => {
    const lease = (await leasesAt(redis.url).acquire('feed/orders', new AbortController().signal))!
    const stop = new AbortController()
    const next = leasesAt(redis.url).acquire('feed/orders', stop.signal)
    await until(() => told(/another process has this; standing by/).length > 0)
    await lease.release()
    expect(await next).not.toBeNull()
  })

  test('where Redis is away a lease is given at once, since nobody feeding a table is worse than two', async () => {
    const [url, startedMs] = [`redis://127.0.0.1:${await freePort()}`, performance.now()]
    expect(await leasesAt(url).acquire('feed/orders', new AbortController().signal)).not.toBeNull()
    expect(performance.now() - startedMs).toBeLessThan(4000)
  })
})

test('what is closed leaves nobody asleep, who would keep a process from ending at once', { timeout }, async () => {
  let asleep = 0
  const clock: Clock = {
    ...systemClock,
    async sleep(ms, signal) {
      asleep++
      await systemClock.sleep(ms, signal)
      asleep--
    },
  }
  const fleet = openRedisFleet({ settings: { url: () => redis.url }, document: 'default/test', place: 'here', clock, journal })
  const [queue, stop] = [fleet.queue('tasks', codecOf(1), 4), new AbortController()]
  const claimed = queue.claim(stop.signal)
  const lease = (await fleet.leases.acquire('feed/orders', stop.signal))!
  const result = queue.submit('a', 'a')
  ;(await claimed)!.complete('done')
  expect(await result).toBe('done')
  await lease.release()
  stop.abort()
  await fleet.close()
  await sleep(50)
  expect(asleep).toBe(0)
})
