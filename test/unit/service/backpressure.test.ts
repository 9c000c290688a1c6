import { expect, test } from 'vitest'
import { WorkError } from '../../../src/model/failure.ts'
import type { ProcessorSeams } from '../../../src/service/feed/processor-seams.ts'
import { batch } from './segments.ts'
import { rowsOf, world, type World } from './world.ts'

const minutes = 30
const minuteMs = 60_000
const parallelism = 2

interface Watched {
  /** Listings of segments, and reads of segments that were begun, until now. */
  lists: number
  reads: number
}

/** A minute brings a segment in a partition of its own, so that each round of planning has a task. Returns what was asked of the source by the minute. */
async function serveWhile(w: World, trouble: { isOver: boolean }, beforeRead: () => Promise<void>): Promise<Watched[]> {
  const watched: Watched = { lists: 0, reads: 0 }
  const byMinute: Watched[] = []
  const source: ProcessorSeams['source'] = {
    ...w.source,
    list: (options) => {
      if (options.delimiter === undefined) watched.lists++
      return w.source.list(options)
    },
    get: async (key, options) => {
      if (key.endsWith('.kfs')) watched.reads++
      await beforeRead()
      return w.source.get(key, options)
    },
  }
  const stop = new AbortController()
  await w.clock.run(async () => {
    const change = (document: { spec: { processing?: object } }) => {
      document.spec.processing = { ...document.spec.processing, parallelism, commitIntervalSeconds: 60 }
    }
    const done = w.processor(change as never, { source }).run(false, stop.signal)
    for (let minute = 0; minute < minutes; minute++) {
      await w.write({ topic: 'orders', partition: minute }, 0n, [batch(0n, 2)])
      await w.clock.sleep(minuteMs)
      byMinute.push({ ...watched })
    }
    trouble.isOver = true
    await w.clock.sleep(minutes * minuteMs)
    stop.abort()
    await done
  })
  const written = Array.from({ length: minutes }, (_, partition) => rowsOf({ topic: 'orders', partition }, 0, 2)).flat()
  expect(await w.rows('orders')).toEqual(written.toSorted((a, b) => (a < b ? -1 : 1)))
  return byMinute
}

test('where the store slows, no more is planned than workers will take, and all arrives when it is well again', async () => {
  const w = world()
  const trouble = { isOver: false }
  const byMinute = await serveWhile(w, trouble, async () => {
    while (!trouble.isOver) await w.clock.sleep(1000)
  })
  const [middle, last] = [byMinute[minutes / 2], byMinute[minutes - 1]]
  expect(last.lists, 'nothing is listed for a table that has enough under way').toBe(middle.lists)
  expect(last.reads).toBeLessThanOrEqual(2 * parallelism)
})

test.each([
  { how: 'refuses', minutesEach: 0 },
  { how: 'slows', minutesEach: 10 },
])('where the catalog $how, planning slows with it, and all arrives when it is well again', async ({ minutesEach }) => {
  const w = world()
  const trouble = { isOver: false }
  w.faults.catalog = async ({ kind }) => {
    if (kind !== 'commit' || trouble.isOver) return 'none'
    await w.clock.sleep(minutesEach * minuteMs)
    return minutesEach === 0 ? new WorkError('not now', { retry: 'later' }) : 'none'
  }
  const byMinute = await serveWhile(w, trouble, async () => undefined)
  const read = byMinute[minutes - 1].reads
  // Without a bound there were one a minute; what a commit brought makes room for as many again.
  expect(read).toBeLessThanOrEqual(minutesEach === 0 ? 2 * parallelism + 1 : minutes)
  const looks = byMinute.filter(({ lists }, i) => i > 0 && lists > byMinute[i - 1].lists).length
  expect(looks).toBeLessThanOrEqual(minutesEach === 0 ? 2 * parallelism + 1 : minutes / minutesEach + 3)
})
