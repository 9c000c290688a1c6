import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Plain } from '../spec/documents.ts'
import { liveEntries } from './foreign-commit.ts'
import { batch, record } from './segments.ts'
import { type World, world } from './world.ts'

const minuteMs = 60_000
const partitions = Array.from({ length: 30 }, (_, partition) => ({ topic: 'orders', partition }))

async function serve(own: World, during: () => Promise<void>, change?: (document: Plain) => void): Promise<void> {
  const stop = new AbortController()
  await own.clock.run(async () => {
    const running = own.processor(change).run(false, stop.signal)
    await during()
    stop.abort()
    expect(await running).toBe(true)
  })
}

const snapshotsOf = async (own: World) => (await own.table('orders')).snapshots!.length

describe('a table of many topic-partitions gets one file', () => {
  test('for each interval in which anything came, however often that was, and none for the others', async () => {
    const own = world()
    const some = partitions.slice(0, 12)
    let next = 0n
    await serve(own, async () => {
      for (let minute = 0; minute < 6; minute++) {
        for (let i = 0; i < 6; i++, next++) {
          for (const at of some) await own.write(at, next, [batch(next, 1)])
          await own.clock.sleep(minuteMs / 6)
        }
      }
      await own.clock.sleep(5 * minuteMs)
      const snapshots = await snapshotsOf(own)
      await own.clock.sleep(30 * minuteMs)
      expect(await snapshotsOf(own)).toBe(snapshots)
    })
    const files = await liveEntries(own, 'orders')
    expect(files.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0n)).toBe(12n * 36n)
    // The first and the last interval are not whole.
    expect(files.length).toBeLessThanOrEqual(8)
    expect(await snapshotsOf(own)).toBe(files.length)
  })

  test('and where there is little, waits no longer than the interval', async () => {
    const own = world()
    const late: number[] = []
    const at = partitions[0]
    await serve(
      own,
      async () => {
        for (let i = 0n; i < 8n; i++) {
          await own.write(at, i, [batch(i, 1)])
          const writtenMs = own.clock.now()
          await own.clock.sleep(7 * minuteMs)
          const { 'timestamp-ms': committedMs } = (await own.table('orders')).snapshots!.at(-1)!
          late.push(committedMs - writtenMs)
        }
      },
      (document) => (document.spec.processing = { commitIntervalSeconds: 300 }),
    )
    expect((await liveEntries(own, 'orders')).length).toBe(8)
    // The newest segment of a log is taken when it has come of age.
    for (const ms of late) expect(ms).toBeLessThanOrEqual(5 * minuteMs + 11_000)
  })
})

test.each(['the tail', 'a backfill'])(
  'a backlog of many topic-partitions becomes files of the target’s size, read by %s',
  async (reader) => {
    const own = world()
    const target = 8 * 1024 * 1024
    let bytes = 0
    for (const at of partitions) {
      for (let segment = 0n; segment < 4n; segment++) {
        const records = Array.from({ length: 20 }, (_, i) => record(noise(`${at.partition} ${segment} ${i}`, 10_000)))
        bytes += 20 * 10_000
        await own.write(at, segment * 20n, [batch(segment * 20n, records)])
      }
    }
    await own.clock.advanceBy(minuteMs)
    const change = (startAt: string, backfill: object[]) => (document: Plain) => {
      document.spec.processing = { targetFileSizeBytes: target }
      Object.assign(document.spec.source, { startAt })
      document.spec.backfill = backfill
    }
    if (reader === 'the tail') expect(await own.runOnce(change('earliest', []))).toBe(true)
    else for (const backfill of [[], [{ topic: 'orders' }]]) expect(await own.runOnce(change('latest', backfill))).toBe(true)
    const sizes = (await liveEntries(own, 'orders')).map(({ dataFile }) => Number(dataFile.fileSizeInBytes))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(bytes)
    expect(sizes.length).toBeLessThanOrEqual((1.5 * bytes) / target)
    expect(Math.max(...sizes)).toBeLessThan(1.5 * target)
  },
)

/** Bytes that no codec makes smaller. */
function noise(seed: string, length: number): Uint8Array {
  return new Uint8Array(createHash('shake256', { outputLength: length }).update(seed).digest())
}
