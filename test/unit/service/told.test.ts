import { expect, test } from 'vitest'
import type { ObjectStore } from '../../../src/seams/object-store.ts'
import { at, batch } from './segments.ts'
import { toldWatermarks } from './told-watermarks.ts'
import { rowsOf, world } from './world.ts'

/** A world whose watermarks a test tells, and a service in it. */
function toldWorld() {
  const w = world()
  const told = toldWatermarks()
  /** Listings of topic-partitions, and of folders. */
  const lists = { partitions: 0, folders: 0 }
  const source: ObjectStore = {
    ...w.source,
    list(query) {
      if (query.delimiter === undefined) lists.partitions++
      else lists.folders++
      return w.source.list(query)
    },
  }
  const serve = (during: () => Promise<void>) => {
    const stop = new AbortController()
    return w.clock.run(async () => {
      const done = w.processor(undefined, { source, watermarks: told }).run(false, stop.signal)
      await during()
      stop.abort()
      return done
    })
  }
  return { w, told, lists, serve }
}

const other = { topic: 'orders', partition: 1 }
const hour = 3_600_000

test('a topic-partition of which nothing new is told is listed only now and then', async () => {
  const { w, told, lists, serve } = toldWorld()
  await w.write(at, 0n, [batch(0n, 3)])
  told.tell(at, 3n)
  await serve(async () => {
    await w.clock.sleep(5 * 60_000)
    expect(await w.rows('orders')).toEqual(rowsOf(at, 0, 3))
    const before = { ...lists }
    await w.clock.sleep(hour)
    // The audit: topic-partitions, and topics with their partitions, every ten minutes.
    expect(lists.partitions - before.partitions).toBeLessThanOrEqual(7)
    expect(lists.folders - before.folders).toBeLessThanOrEqual(14)
  })
  expect(told.listeners()).toBe(0)
})

test('without a watermark it is listed every interval, by one request, though nothing is new', async () => {
  const { w, lists, serve } = toldWorld()
  await w.write(at, 0n, [batch(0n, 3)])
  await serve(async () => {
    await w.clock.sleep(hour)
    expect(lists.partitions).toBeGreaterThanOrEqual(59)
    // Two more at the start: before there were rows, and after they were committed.
    expect(lists.partitions).toBeLessThanOrEqual(63)
  })
})

test('a new segment is seen within a second, and becomes rows at once where the last commit is an interval ago', async () => {
  const { w, told, serve } = toldWorld()
  await w.write(at, 0n, [batch(0n, 3)])
  told.tell(at, 3n)
  await serve(async () => {
    await w.clock.sleep(5 * 60_000 + 7_000)
    await w.write(at, 3n, [batch(3n, 2)])
    told.tell(at, 5n)
    // It is younger than its grace age: the watermark tells that it was written for good.
    await w.clock.sleep(1_000)
    expect(await w.rows('orders')).toEqual(rowsOf(at, 0, 5))
  })
})

test('so is one of a topic-partition that was not there, and of a topic that was not there', async () => {
  const { w, told, serve } = toldWorld()
  await w.write(at, 0n, [batch(0n, 3)])
  told.tell(at, 3n)
  const payments = { topic: 'payments', partition: 0 }
  await serve(async () => {
    await w.clock.sleep(5 * 60_000 + 7_000)
    await w.write(other, 0n, [batch(0n, 2)])
    told.tell(other, 2n)
    await w.write(payments, 0n, [batch(0n, 1)])
    told.tell(payments, 1n)
    await w.clock.sleep(2_000)
    expect(await w.rows('orders')).toEqual([...rowsOf(at, 0, 3), ...rowsOf(other, 0, 2)])
    expect(await w.rows('payments')).toEqual(rowsOf(payments, 0, 1))
  })
})

test('what is written without a word is found when it is listed again', async () => {
  const { w, told, serve } = toldWorld()
  await w.write(at, 0n, [batch(0n, 3)])
  told.tell(at, 3n)
  await serve(async () => {
    await w.clock.sleep(5 * 60_000)
    await w.write(at, 3n, [batch(3n, 2)])
    await w.clock.sleep(5 * 60_000)
    expect(await w.rows('orders')).toEqual(rowsOf(at, 0, 3))
    await w.clock.sleep(7 * 60_000)
    expect(await w.rows('orders')).toEqual(rowsOf(at, 0, 5))
  })
})

test('when nobody tells any more, everything is listed every interval', async () => {
  const { w, told, serve } = toldWorld()
  await w.write(at, 0n, [batch(0n, 3)])
  told.tell(at, 3n)
  await serve(async () => {
    await w.clock.sleep(5 * 60_000)
    told.lose()
    await w.write(at, 3n, [batch(3n, 2)])
    await w.write(other, 0n, [batch(0n, 2)])
    await w.clock.sleep(2 * 60_000 + 1000)
    expect(await w.rows('orders')).toEqual([...rowsOf(at, 0, 5), ...rowsOf(other, 0, 2)])
  })
})

test('a segment that reaches beyond the watermark waits for its grace age like any other', async () => {
  const { w, told, serve } = toldWorld()
  await w.write(at, 0n, [batch(0n, 3)])
  told.tell(at, 3n)
  await serve(async () => {
    await w.clock.sleep(5 * 60_000 + 7_000)
    await w.write(at, 3n, [batch(3n, 4)])
    told.tell(at, 5n)
    await w.clock.sleep(5_000)
    expect(await w.rows('orders')).toEqual(rowsOf(at, 0, 3))
    await w.clock.sleep(70_000)
    expect(await w.rows('orders')).toEqual(rowsOf(at, 0, 7))
  })
})

test('a watermark that went back holds nothing up and takes nothing twice', async () => {
  const { w, told, serve } = toldWorld()
  await w.write(at, 0n, [batch(0n, 3)])
  told.tell(at, 3n)
  await serve(async () => {
    await w.clock.sleep(5 * 60_000)
    told.tell(at, 1n)
    await w.write(at, 3n, [batch(3n, 2)])
    told.tell(at, 2n)
    await w.clock.sleep(2 * 60_000)
    expect(await w.rows('orders')).toEqual(rowsOf(at, 0, 5))
  })
})
