import { expect, test } from 'vitest'
import { segmentKey } from '../../../src/formats/kfs/segment-key.ts'
import type { ProcessorSeams } from '../../../src/service/feed/processor-seams.ts'
import { batch } from './segments.ts'
import { rowsOf, world, type World } from './world.ts'

const fast = { topic: 'orders', partition: 0 } as const
const stuck = { topic: 'orders', partition: 1 } as const
const stuckKey = segmentKey('p/', stuck, 2n, 'kfs')
const laterKey = segmentKey('p/', fast, 3n, 'kfs')
const first = [...rowsOf(fast, 0, 3), ...rowsOf(stuck, 0, 2)]

/** A source that takes 5 s for each GET, and never answers that of the stuck partition's second segment. */
function slowSource(w: World, asked: (key: string) => void): Partial<ProcessorSeams> {
  return {
    source: {
      ...w.source,
      async get(key, options) {
        asked(key)
        await (key === stuckKey ? new Promise(() => undefined) : w.clock.sleep(5000))
        return w.source.get(key, options)
      },
    },
  }
}

/** A task is stuck, another one ends 5 s after the stop; what is left is hurried 10 s after it. */
async function stopInTime() {
  const w = world()
  const [stop, hurry] = [new AbortController(), new AbortController()]
  await w.write(fast, 0n, [batch(0n, 3)])
  await w.write(stuck, 0n, [batch(0n, 2)])
  await w.clock.advanceBy(60_000)
  return w.clock.run(async () => {
    const { promise: begun, resolve } = Promise.withResolvers<void>()
    const source = slowSource(w, (key) => key === laterKey && resolve())
    const done = w.processor(undefined, source).run(false, stop.signal, hurry.signal)
    await w.clock.sleep(30_000)
    await w.write(stuck, 2n, [batch(2n, 2)])
    await w.clock.sleep(60_000)
    await w.write(fast, 3n, [batch(3n, 3)])
    await begun
    expect(await w.rows('orders')).toEqual(first)
    stop.abort()
    const stoppedMs = w.clock.now()
    void w.clock.sleep(10_000).then(() => hurry.abort())
    const ok = await done
    return { w, ok, tookMs: w.clock.now() - stoppedMs }
  })
}

test('what is finished is committed when the grace comes to its end, and what is not is given up and said', async () => {
  const { w, ok, tookMs } = await stopInTime()
  expect({ ok, tookMs }).toEqual({ ok: false, tookMs: 10_000 })
  expect(await w.rows('orders')).toEqual([...rowsOf(fast, 0, 6), ...rowsOf(stuck, 0, 2)])
  expect(w.linesOf('warn', 'stopped before all that was under way was finished; the next start does it again')).toMatchObject([
    { fields: { table: 'orders', tasks: 1 } },
  ])
  expect(await w.runOnce()).toBe(true)
  expect(await w.rows('orders')).toEqual([...rowsOf(fast, 0, 6), ...rowsOf(stuck, 0, 4)])
})

test('a stop without anything stuck takes no grace', async () => {
  const w = world()
  await w.write(fast, 0n, [batch(0n, 3)])
  const [stop, hurry] = [new AbortController(), new AbortController()]
  const ok = await w.clock.run(async () => {
    await w.clock.sleep(60_000)
    const done = w.processor().run(false, stop.signal, hurry.signal)
    await w.clock.sleep(20_000)
    stop.abort()
    return done
  })
  expect(ok).toBe(true)
  expect(await w.rows('orders')).toEqual(rowsOf(fast, 0, 3))
})
