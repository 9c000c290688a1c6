import { expect, test } from 'vitest'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import { memoryStore } from '../../../../src/drivers/store/memory.ts'
import { segmentKey } from '../../../../src/formats/kfs/segment-key.ts'
import { listSegments } from '../../../../src/pipeline/plan/list-segments.ts'
import { at } from '../../service/segments.ts'

async function bucket(pageSize = 1000) {
  const clock = virtualClock()
  const pages = { count: 0 }
  const store = memoryStore({
    clock,
    pageSize,
    fault: (operation) => {
      if (operation === 'list') pages.count++
      return undefined
    },
  })
  for (const base of [0n, 5n, 9n, 12n]) {
    for (const extension of ['kfs', 'index'] as const) await store.put(segmentKey('p/', at, base, extension), [Buffer.alloc(10)])
  }
  await store.put('p/orders/00/segment-00000000000000000001.kfs', [Buffer.alloc(1)])
  await store.put('p/orders/1/segment-00000000000000000001.kfs', [Buffer.alloc(1)])
  // A copy that somebody keeps below the partition.
  for (const extension of ['kfs', 'index'] as const) {
    await store.put(`p/orders/0/until/monday/segment-00000000000000000007.${extension}`, [Buffer.alloc(1)])
  }
  return { clock, store, pages }
}

const unbounded = { maxBytes: Infinity, maxObjects: Infinity }

function namesOf(objects: readonly { key: string }[]): string[] {
  return objects.map(({ key }) => key.replace(/.*segment-0*(?=\d)/, ''))
}

test('a listing has the objects of one topic-partition, and the store’s clock', async () => {
  const { store, clock } = await bucket()
  const listing = await listSegments(store, 'p/', at, null, unbounded)
  expect(namesOf(listing.objects)).toEqual(['0.index', '0.kfs', '5.index', '5.kfs', '9.index', '9.kfs', '12.index', '12.kfs'])
  expect(listing).toMatchObject({ complete: true, listedAtMs: clock.now() })
})

test('a listing from a base offset begins at that segment itself, index and all', async () => {
  const { store } = await bucket()
  expect(namesOf((await listSegments(store, 'p/', at, 9n, unbounded)).objects)).toEqual(['9.index', '9.kfs', '12.index', '12.kfs'])
  expect(namesOf((await listSegments(store, 'p/', at, 10n, unbounded)).objects)).toEqual(['12.index', '12.kfs'])
})

test('a listing stops at the page that meets a bound, and says that there is more', async () => {
  const { store, pages } = await bucket(2)
  expect(await listSegments(store, 'p/', at, null, { maxBytes: 25, maxObjects: 100 })).toMatchObject({
    complete: false,
    objects: { length: 4 },
  })
  expect(pages.count).toBe(2)
  expect(await listSegments(store, 'p/', at, null, { maxBytes: Infinity, maxObjects: 5 })).toMatchObject({
    complete: false,
    objects: { length: 6 },
  })
})

test('a listing never ends at the segment it begins with, nor at objects that are no complete segment', async () => {
  const { store } = await bucket(2)
  const bounds = { maxBytes: 1, maxObjects: 1 }
  expect(namesOf((await listSegments(store, 'p/', at, 5n, bounds)).objects)).toEqual(['5.index', '5.kfs', '9.index', '9.kfs'])
  await store.remove(segmentKey('p/', at, 9n, 'index'))
  expect(await listSegments(store, 'p/', at, 5n, bounds)).toMatchObject({ objects: { length: 5 }, complete: false })
  expect(await listSegments(store, 'p/', at, 12n, bounds)).toMatchObject({ objects: { length: 2 }, complete: true })
})

test('the clock is the one of the first page: what came later is younger than it says', async () => {
  const { store, clock } = await bucket(2)
  const beganMs = clock.now()
  const objects = { list: (query: Parameters<typeof store.list>[0]) => slowly(store.list(query)) }
  async function* slowly<T>(pages: AsyncIterable<T>) {
    for await (const page of pages) {
      yield page
      await clock.advanceBy(30_000)
    }
  }
  expect(await listSegments({ ...store, ...objects }, 'p/', at, null, unbounded)).toMatchObject({
    listedAtMs: beganMs,
    objects: { length: 8 },
  })
})

test('of an empty topic-partition comes an empty listing', async () => {
  const { store } = await bucket()
  expect(await listSegments(store, 'p/', { topic: 'orders', partition: 5 }, null, unbounded)).toMatchObject({ objects: [], complete: true })
})
