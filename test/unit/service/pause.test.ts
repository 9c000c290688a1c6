import { beforeEach, describe, expect, test } from 'vitest'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { type Requests, withPaused, withResumed } from '../../../src/model/requests.ts'
import { TableCommitter } from '../../../src/service/feed/committer.ts'
import type { Plain } from '../spec/documents.ts'
import { batch } from './segments.ts'
import { namespace, rowsOf, sourceId, type World, world } from './world.ts'

const orders = { topic: 'orders', partition: 0 } as const
const clicks = { topic: 'clicks', partition: 0 } as const
const intervalMs = 60_000
let w: World

beforeEach(() => (w = world()))

/** Both topics in one table. */
const together = (document: Plain) => {
  document.spec.mappings = [{ topic: '*', table: 'events', value: { format: 'binary' } }]
}

async function ask(table: string, change: (requests: Requests) => Requests): Promise<void> {
  const committer = new TableCommitter(sourceId, { namespace, name: table }, 'someone', await w.table(table), w.seams)
  await committer.changeRequests(change)
}
const pause = (table: string, topic: string) => ask(table, (requests) => withPaused(requests, [topic]))
const resume = (table: string, topic: string) => ask(table, (requests) => withResumed(requests, [topic]))

/** Runs a service until `during` has ended and what it holds is committed; counts how often it asks the catalog for the table. */
function serve(during: (loads: () => number) => Promise<void>): Promise<boolean> {
  const stop = new AbortController()
  let loads = 0
  const catalog = {
    ...w.catalog,
    loadTable: (...asked: Parameters<typeof w.catalog.loadTable>) => (loads++, w.catalog.loadTable(...asked)),
  }
  return w.clock.run(async () => {
    const done = w.processor(together, { catalog }).run(false, stop.signal)
    await during(() => loads)
    stop.abort()
    return done
  })
}

describe('a paused topic', () => {
  test('is not planned by any run until it is resumed, and other topics of its table are', async () => {
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.write(clicks, 0n, [batch(0n, 2)])
    await w.runOnce(together)
    await pause('events', 'orders')
    await w.write(orders, 3n, [batch(3n, 3)])
    await w.write(clicks, 2n, [batch(2n, 2)])
    expect(await w.runOnce(together)).toBe(true)
    expect(await w.rows('events')).toEqual([...rowsOf(clicks, 0, 4), ...rowsOf(orders, 0, 3)])
    expect(w.linesOf('info', 'paused: not planned until resumed')).toMatchObject([{ fields: { table: 'events', topics: ['orders'] } }])
    await resume('events', 'orders')
    await w.runOnce(together)
    expect(await w.rows('events')).toEqual([...rowsOf(clicks, 0, 4), ...rowsOf(orders, 0, 6)])
  })

  test('stands still in a service that runs, from the next commit on, and goes on within an interval when it is resumed', async () => {
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.write(clicks, 0n, [batch(0n, 2)])
    const during = async () => {
      await w.clock.sleep(2 * intervalMs)
      await pause('events', 'orders')
      await w.clock.sleep(intervalMs)
      await w.write(orders, 3n, [batch(3n, 3)])
      await w.write(clicks, 2n, [batch(2n, 2)])
      await w.clock.sleep(4 * intervalMs)
      expect(await w.rows('events')).toEqual([...rowsOf(clicks, 0, 4), ...rowsOf(orders, 0, 3)])
      await resume('events', 'orders')
      await w.clock.sleep(2.5 * intervalMs)
      expect(await w.rows('events')).toEqual([...rowsOf(clicks, 0, 4), ...rowsOf(orders, 0, 6)])
    }
    expect(await serve(during)).toBe(true)
    expect(w.linesOf('info', 'resumed')).toHaveLength(1)
  })

  test('has what was under way finished and committed', async () => {
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.runOnce(together)
    await w.write(orders, 3n, [batch(3n, 3)])
    await w.clock.advanceBy(intervalMs)
    w.faults.store = (operation) => {
      if (operation === 'get') void pause('events', 'orders')
      return undefined
    }
    await w.runOnce(together)
    expect(await w.rows('events')).toEqual(rowsOf(orders, 0, 6))
    expect(currentSnapshot(await w.table('events'))?.summary['kafscale.processor.requests']).toBe('{"pause":["orders"]}')
  })

  test('costs a look at the table an interval; a service without anything paused or new does not ask the catalog', async () => {
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.runOnce(together)
    const idle = async (loads: () => number) => {
      await w.clock.sleep(intervalMs)
      const before = loads()
      await w.clock.sleep(20 * intervalMs)
      expect(loads() - before).toBe(0)
    }
    await serve(idle)
    await pause('events', 'orders')
    const waiting = async (loads: () => number) => {
      await w.clock.sleep(intervalMs)
      const before = loads()
      await w.clock.sleep(20 * intervalMs)
      expect(loads() - before).toBeGreaterThanOrEqual(19)
      expect(loads() - before).toBeLessThanOrEqual(21)
    }
    await serve(waiting)
  })
})
