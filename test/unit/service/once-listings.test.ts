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
