import { describe, expect, test } from 'vitest'
import { WorkError } from '../../../src/model/failure.ts'
import { carryOut, type CarryOut } from '../../../src/service/tasks/worker.ts'
import { batch } from './segments.ts'
import { rowsOf, world } from './world.ts'

const orders = (partition: number) => ({ topic: 'orders', partition })

/** Carries tasks out, but ends as a bug would where a task has this topic-partition. */
function poisoned(partition: number, tries: number[]): CarryOut {
  return async (task, target, limits, seams) => {
    if (!task.parts.some(({ at }) => at.partition === partition)) return carryOut(task, target, limits, seams)
    tries.push(task.parts.length)
    throw new TypeError('undefined is not a function')
  }
}

describe('a task that fails unexpectedly', () => {
  test('is tried three times, then each of its partitions alone, and the one that fails alone stops', async () => {
    const w = world()
    for (const partition of [0, 1, 2]) await w.write(orders(partition), 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    const tries: number[] = []
    const processor = w.processor(undefined, { carryOut: poisoned(1, tries) })
    const ok = await w.clock.run(() => processor.run(true, new AbortController().signal))
    expect(ok).toBe(false)
    expect(tries).toEqual([3, 3, 3, 1, 1, 1])
    expect(await w.rows('orders')).toEqual([...rowsOf(orders(0), 0, 3), ...rowsOf(orders(2), 0, 3)])
    const [stopped] = w.linesOf('error', 'partition stopped')
    expect(stopped.fields).toMatchObject({ topic: 'orders', partition: 1, key: expect.stringMatching(/orders\/1\/.*\.kfs$/) })
    expect(stopped.fields.reason).toContain('set aside after 3 tries: TypeError: undefined is not a function')
    expect(w.linesOf('error', 'a task failed unexpectedly')).toHaveLength(6)
    expect(w.linesOf('error', 'partition stopped')).toHaveLength(1)
  })

  test('goes on by itself once it can be carried out', async () => {
    const w = world()
    await w.write(orders(0), 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    const tries: number[] = []
    let mended = false
    const poison = poisoned(0, tries)
    const stop = new AbortController()
    const ok = await w.clock.run(async () => {
      const mending: CarryOut = (...work) => (mended ? carryOut(...work) : poison(...work))
      const done = w.processor(undefined, { carryOut: mending }).run(false, stop.signal)
      await w.clock.sleep(100_000)
      expect(tries).toEqual([1, 1, 1])
      mended = true
      await w.clock.sleep(500_000)
      stop.abort()
      return done
    })
    expect(ok).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders(0), 0, 3))
  })
})

test('while commits fail, planning stops when the results that wait have come to their bound, and goes on afterwards', async () => {
  const w = world()
  await w.write(orders(0), 0n, [batch(0n, 2)])
  await w.clock.advanceBy(60_000)
  let carried = 0
  const counting: CarryOut = (...work) => {
    carried++
    return carryOut(...work)
  }
  const stop = new AbortController()
  await w.clock.run(async () => {
    const done = w.processor((document) => (document.spec.processing = { parallelism: 2 }), { carryOut: counting }).run(false, stop.signal)
    await w.clock.sleep(30_000)
    w.faults.catalog = ({ kind }) => (kind === 'commit' ? new WorkError('the catalog is away', { retry: 'later' }) : 'none')
    for (let base = 2; base < 40; base += 2) {
      await w.write(orders(0), BigInt(base), [batch(BigInt(base), 2)])
      await w.clock.sleep(120_000)
    }
    // The first one, and the four that two workers may have under way.
    expect(carried).toBe(5)
    w.faults.catalog = () => 'none'
    await w.clock.sleep(900_000)
    stop.abort()
    return done
  })
  expect(await w.rows('orders')).toEqual(rowsOf(orders(0), 0, 40))
})
