import { describe, expect, test } from 'vitest'
import { sealBatch } from '../../../../src/formats/kafka/write.ts'
import { currentSnapshot } from '../../../../src/formats/iceberg/table-metadata.ts'
import type { ProcessorSeams } from '../../../../src/service/feed/processor-seams.ts'
import { batch, record } from '../segments.ts'
import { rowsOf, sourceId, type World, world } from '../world.ts'

const orders = { topic: 'orders', partition: 0 } as const
const minuteMs = 60_000

function badCrc(base: bigint, count: number, timestampMs?: bigint): Uint8Array {
  const bytes = batch(base, timestampMs === undefined ? count : Array.from({ length: count }, () => record('x', { timestampMs })))
  bytes[bytes.length - 1] ^= 1
  return bytes
}

/** Twenty sound records and then `bad`, a segment that overlaps the sound ones, and one far behind. */
async function withOverlap(w: World, bad: Uint8Array): Promise<void> {
  await w.write(orders, 0n, [batch(0n, 20), bad])
  await w.write(orders, 15n, [batch(15n, 3)])
  await w.write(orders, 40n, [batch(40n, 5)])
  await w.clock.advanceBy(minuteMs)
}

async function decided(w: World): Promise<unknown> {
  const summary = currentSnapshot(await w.table('orders'))?.summary?.['kafscale.processor.progress']
  return JSON.parse(summary!)[sourceId]?.orders['0']
}

async function snapshots(w: World): Promise<number> {
  return (await w.table('orders')).snapshots?.length ?? 0
}

const skip = (document: Record<string, any>): void => {
  document.spec.mappings = [{ topic: '*', onError: 'skip' }]
}

describe('a fault in a segment that the next one overlaps', () => {
  test('is skipped up to the first segment that begins behind it, and a second run finds nothing more', async () => {
    const w = world()
    await withOverlap(w, badCrc(20n, 10))
    for (let run = 0; run < 2; run++) {
      expect(await w.runOnce(skip)).toBe(true)
      expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 20), ...rowsOf(orders, 40, 45)].sort())
      expect(await decided(w)).toEqual([[0, 45]])
    }
    expect(w.linesOf('warn', 'skipped, as onError says')).toMatchObject([{ fields: { offsets: '[20, 40)' } }])
  })

  test('is skipped to the end of its batch where the batch is sound and its records are not', async () => {
    const w = world()
    const bad = sealBatch({
      baseOffset: 20n,
      codec: 'none',
      lastOffsetDelta: 9,
      baseTimestampMs: 1n,
      maxTimestampMs: 1n,
      recordCount: 10,
      recordBytes: new Uint8Array(100),
    })
    await withOverlap(w, bad)
    expect(await w.runOnce(skip)).toBe(true)
    expect(w.linesOf('warn', 'skipped, as onError says')).toMatchObject([{ fields: { offsets: '[20, 30)' } }])
    expect(await decided(w)).toEqual([
      [0, 30],
      [40, 45],
    ])
  })

  test('stops the partition in every run, and nothing behind it is taken', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 20), badCrc(20n, 10)])
    await w.write(orders, 15n, [batch(15n, 3)])
    await w.write(orders, 18n, [batch(18n, 2)])
    await w.write(orders, 40n, [batch(40n, 5)])
    await w.clock.advanceBy(minuteMs)
    for (let run = 0; run < 2; run++) {
      expect(await w.runOnce()).toBe(false)
      expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 20))
      expect(await decided(w)).toEqual([[0, 20]])
    }
    expect(w.linesOf('error', 'partition stopped')).toHaveLength(2)
  })
})

describe('a partition that is stopped writes no snapshot that changes nothing', () => {
  test('at its first segment', async () => {
    const w = world()
    await w.write(orders, 0n, [badCrc(0n, 10)])
    await w.clock.advanceBy(minuteMs)
    for (let run = 0; run < 3; run++) expect(await w.runOnce()).toBe(false)
    expect(await snapshots(w)).toBe(0)
  })

  test('behind sound records', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 20), badCrc(20n, 10)])
    await w.write(orders, 30n, [batch(30n, 5)])
    await w.clock.advanceBy(minuteMs)
    for (let run = 0; run < 3; run++) expect(await w.runOnce()).toBe(false)
    expect(await snapshots(w)).toBe(1)
  })
})

describe('startAt as a time', () => {
  const since = (time: number) => (document: Record<string, any>) => {
    document.spec.source.startAt = new Date(time).toISOString()
  }

  test('never passes over a segment that can not be read: it might hold the first record', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(24 * 60 * minuteMs)
    const now = w.clock.now()
    await w.write(orders, 3n, [badCrc(3n, 3, BigInt(now))])
    await w.write(orders, 6n, [batch(6n, [record('x', { timestampMs: BigInt(now) })])])
    await w.clock.advanceBy(minuteMs)
    expect(await w.runOnce(since(now - 1000))).toBe(false)
    expect(await w.rows('orders')).toEqual([])
    expect(await decided(w)).toEqual([[3, 3]])
    expect(w.linesOf('error', 'partition stopped')).toMatchObject([{ fields: { offset: 3n } }])
  })

  test('waits out the grace age of the only segment', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(2000)
    expect(await w.runOnce(since(Date.UTC(2020, 0, 1)))).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 3))
  })
})

describe('bytes that are damaged on the way', () => {
  /** The source, with a bit of each segment flipped in its first `times` answers, another one each time. */
  function flipping(w: World, times: number): Partial<ProcessorSeams> {
    const answers = new Map<string, number>()
    const get: World['source']['get'] = async (key, options) => {
      const bytes = Uint8Array.from(await w.source.get(key, options))
      const nth = (answers.get(key) ?? 0) + 1
      answers.set(key, nth)
      if (nth <= times) bytes[bytes.length - 30 - nth] ^= 1
      return bytes
    }
    return { source: { ...w.source, get } }
  }

  test.each([
    ['once', 'skip', 1],
    ['once, where faults stop', 'stop', 1],
    ['twice, in different ways', 'skip', 2],
  ])('%s are neither skipped nor a stop: they are read again', async (_, onError, times) => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 20)])
    await w.write(orders, 20n, [batch(20n, 5)])
    await w.clock.advanceBy(minuteMs)
    const change = (document: Record<string, any>) => void (document.spec.mappings[0].onError = onError)
    const processor = w.processor(change, flipping(w, times))
    expect(await w.clock.run(() => processor.run(true, new AbortController().signal))).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 25))
    expect(w.linesOf('warn', 'skipped, as onError says')).toEqual([])
  })
})
