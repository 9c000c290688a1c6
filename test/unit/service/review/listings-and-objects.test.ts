import { describe, expect, test } from 'vitest'
import { WorkError } from '../../../../src/model/failure.ts'
import { type ListPage, ObjectNotFound, type ObjectStore } from '../../../../src/seams/object-store.ts'
import { batch } from '../segments.ts'
import { rowsOf, type World, world } from '../world.ts'

const orders = { topic: 'orders', partition: 0 } as const
const minuteMs = 60_000
const hourMs = 60 * minuteMs

async function snapshots(w: World): Promise<number> {
  return (await w.table('orders')).snapshots?.length ?? 0
}

/** The source with what `change` makes of each page of a partition's listing. */
function listedAs(w: World, change: (page: ListPage) => ListPage): ObjectStore {
  return {
    ...w.source,
    async *list(query) {
      for await (const page of w.source.list(query)) yield query.delimiter === undefined ? change(page) : page
    },
  }
}

/** A service with `seams`, and what is done while it runs; then it is stopped, and its end awaited. */
async function serve(w: World, during: () => Promise<void>, source: ObjectStore = w.source): Promise<boolean> {
  const stop = new AbortController()
  return w.clock.run(async () => {
    const running = w.processor(undefined, { source }).run(false, stop.signal)
    await during()
    stop.abort()
    return running
  })
}

describe('what a listing shows', () => {
  test('without the first segment, which was written while it went by, does not make the log start later', async () => {
    const w = world()
    for (const base of [0n, 10n, 20n]) await w.write(orders, base, [batch(base, 10)])
    let listings = 0
    const source = listedAs(w, (page) => {
      const isFirst = listings++ === 0
      return isFirst ? { ...page, objects: page.objects.filter(({ key }) => !key.includes(`segment-${'0'.repeat(20)}`)) } : page
    })
    expect(await w.clock.run(() => w.processor(undefined, { source }).run(true, new AbortController().signal))).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 30))
    expect(w.linesOf('warn')).toEqual([])
  })

  test('as written years from now does not make once wait for years', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 10)])
    await w.clock.advanceBy(minuteMs)
    const source = listedAs(w, (page) => ({
      ...page,
      objects: page.objects.map((object) => ({ ...object, lastModifiedMs: Date.UTC(2036, 0, 1) })),
    }))
    const startedMs = w.clock.now()
    expect(await w.clock.run(() => w.processor(undefined, { source }).run(true, new AbortController().signal))).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 10))
    expect(w.clock.now() - startedMs).toBeLessThan(hourMs)
  })
})

describe('a segment that is listed and not there', () => {
  test('is asked for ever more slowly by a service, and makes no snapshot', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(minuteMs)
    let gets = 0
    let missing = true
    w.faults.store = (operation) => {
      if (operation !== 'get') return undefined
      gets++
      return missing ? new ObjectNotFound('404') : undefined
    }
    await serve(w, async () => {
      await w.clock.sleep(hourMs)
      expect(gets).toBeLessThan(70)
      expect(await snapshots(w)).toBe(0)
      missing = false
      await w.clock.sleep(5 * minuteMs)
    })
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 3))
  })

  test('ends once with false after a few attempts', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(minuteMs)
    let gets = 0
    w.faults.store = (operation) => {
      if (operation !== 'get') return undefined
      gets++
      return new ObjectNotFound('404')
    }
    expect(await w.runOnce()).toBe(false)
    expect(gets).toBeLessThan(10)
    expect(w.linesOf('error', 'table stopped')).toHaveLength(1)
  })

  test('and not listed any more once its read failed lets once end well', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(minuteMs)
    w.faults.store = (operation, key) => {
      if (operation !== 'get') return undefined
      void w.source.remove(key)
      return new WorkError('503', { retry: 'later' })
    }
    const startedMs = w.clock.now()
    expect(await w.runOnce()).toBe(true)
    expect(w.clock.now() - startedMs).toBeLessThan(minuteMs)
  })
})

describe('what the store refuses', () => {
  test('is read within minutes of when it may be read again, without a restart', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(minuteMs)
    let isDenied = true
    w.faults.store = (operation) =>
      operation === 'get' && isDenied ? new WorkError('403 permission is missing', { retry: 'never' }) : undefined
    await serve(w, async () => {
      await w.clock.sleep(2 * minuteMs)
      expect(await w.rows('orders')).toEqual([])
      isDenied = false
      await w.clock.sleep(10 * minuteMs)
      expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 3))
    })
  })

  test('of the topics’ listing ends no service: what was found before goes on', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(minuteMs)
    let isDenied = false
    const source: ObjectStore = {
      ...w.source,
      async *list(query) {
        if (query.delimiter !== undefined && isDenied) throw new WorkError('403 s3:ListBucket is missing', { retry: 'never' })
        yield* w.source.list(query)
      },
    }
    const ok = await serve(
      w,
      async () => {
        await w.clock.sleep(2 * minuteMs)
        isDenied = true
        await w.write(orders, 3n, [batch(3n, 3)])
        await w.clock.sleep(5 * minuteMs)
        expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 6))
        isDenied = false
        await w.write({ topic: 'clicks', partition: 0 }, 0n, [batch(0n, 2)])
        await w.clock.sleep(5 * minuteMs)
      },
      source,
    )
    expect(ok).toBe(true)
    expect(await w.rows('clicks')).toHaveLength(2)
    expect(w.linesOf('warn', 'topics can not be listed, tried again').length).toBeGreaterThan(0)
  })
})
