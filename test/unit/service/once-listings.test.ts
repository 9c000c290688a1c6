import { expect, test } from 'vitest'
import type { ObjectStore } from '../../../src/seams/object-store.ts'
import { at, batch } from './segments.ts'
import { rowsOf, world } from './world.ts'

test('with once a bucket is not listed again and again while a task is under way, however long that takes', async () => {
  const w = world()
  await w.write(at, 0n, [batch(0n, 3)])
  await w.clock.advanceBy(60_000)
  let listings = 0
  w.faults.store = (operation) => {
    if (operation === 'list') listings++
    return undefined
  }
  const slow: ObjectStore = {
    ...w.seams.source,
    async get(key, options) {
      await w.clock.sleep(50_000)
      return w.seams.source.get(key, options)
    },
  }
  const { signal } = new AbortController()
  expect(await w.clock.run(() => w.processor(undefined, { source: slow }).run(true, signal))).toBe(true)
  expect(await w.rows('orders')).toEqual(rowsOf(at, 0, 3))
  // Topics, partitions, and the topic-partition once before the commit and once after it.
  expect(listings).toBeLessThanOrEqual(6)
})

test.each([
  ['whose newest segment is old enough', 60_000],
  ['whose newest segment must wait for its grace first', 0],
])('with once a topic that has more at every look comes to an end, with what was there at first: one %s', async (_, ageMs) => {
  const w = world()
  await w.write(at, 0n, [batch(0n, 3)])
  await w.clock.advanceBy(60_000)
  await w.write(at, 3n, [batch(3n, 3)])
  await w.clock.advanceBy(ageMs)
  let [next, looks] = [6n, 0]
  const growing: ObjectStore = {
    ...w.seams.source,
    async *list(query) {
      yield* w.seams.source.list(query)
      // After each look at the topic-partition there is more, which is settled when it is seen.
      if (!query.prefix.endsWith('/0/')) return
      if (++looks > 50) throw new Error('this run has no end')
      await w.write(at, next, [batch(next, 3)])
      next += 3n
      await w.clock.sleep(20_000)
    },
  }
  const { signal } = new AbortController()
  expect(await w.clock.run(() => w.processor(undefined, { source: growing }).run(true, signal))).toBe(true)
  expect(await w.rows('orders')).toEqual(rowsOf(at, 0, 6))
  // The next run has what was there when it began.
  const end = Number(next)
  expect(await w.clock.run(() => w.processor().run(true, signal))).toBe(true)
  expect(await w.rows('orders')).toEqual(rowsOf(at, 0, end))
})
