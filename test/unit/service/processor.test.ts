import { describe, expect, test } from 'vitest'
import { oldMessage, oldWrapper } from '../../old-messages.ts'
import { batch, record } from './segments.ts'
import { rowsOf, world } from './world.ts'

const orders = { topic: 'orders', partition: 0 } as const
const other = { topic: 'orders', partition: 1 } as const
const clicks = { topic: 'clicks', partition: 0 } as const

/** A segment's batches with one that has the wrong CRC behind a sound one. */
function withBadCrc(base: bigint): Uint8Array[] {
  const bad = batch(base + 2n, 3)
  bad[bad.length - 1] ^= 1
  return [batch(base, 2), bad]
}

describe('once', () => {
  test('ends with everything that is visible in the tables, the newest segments too', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 4)])
    await w.write(other, 0n, [batch(0n, 2)])
    await w.write(clicks, 7n, [batch(7n, 3)])
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 4), ...rowsOf(other, 0, 2)])
    expect(await w.rows('clicks')).toEqual(rowsOf(clicks, 7, 10))
  })

  test('run again adds nothing, not even a snapshot', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 4)])
    await w.runOnce()
    const before = await w.table('orders')
    expect(await w.runOnce()).toBe(true)
    expect(await w.table('orders')).toBe(before)
  })

  test('goes on where the table stands, and reads no segment twice', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 4)])
    await w.runOnce()
    await w.write(orders, 4n, [batch(4n, 2)])
    const read: string[] = []
    w.faults.store = (operation, key) => {
      if (operation === 'get') read.push(key)
      return undefined
    }
    await w.runOnce()
    expect(read).toEqual(['p/orders/0/segment-00000000000000000004.kfs'])
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 6))
  })

  test('without any topic-partition ends well and says so', async () => {
    const w = world()
    expect(await w.runOnce()).toBe(true)
    expect(w.linesOf('warn')).toMatchObject([{ message: 'no topic-partition was found', fields: { topics: ['*'] } }])
  })

  test('says which names and globs mean no topic, beside others that do', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 4)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce((document) => (document.spec.source.topics = ['orders', 'ordres', 'click-*']))).toBe(true)
    expect(w.linesOf('warn')).toMatchObject([{ message: 'no topic-partition was found', fields: { topics: ['ordres', 'click-*'] } }])
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 4))
  })

  test('waits out the grace age of what may still come, without reading anything again and again', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 4)])
    await w.runOnce()
    await w.write(orders, 6n, [batch(6n, 2)])
    await w.write(orders, 8n, [batch(8n, 2)])
    let gets = 0
    w.faults.store = (operation) => {
      if (operation === 'get') gets++
      return undefined
    }
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 10).filter((row) => !row.endsWith('@4') && !row.endsWith('@5')))
    expect(gets).toBeLessThan(20)
  })
})

describe('a partition that is stopped', () => {
  test('makes once end with false and one line that says which, where and why, and stops no other partition', async () => {
    const w = world()
    const key = await w.write(orders, 0n, withBadCrc(0n))
    await w.write(orders, 5n, [batch(5n, 2)])
    await w.write(other, 0n, [batch(0n, 3)])
    await w.write(clicks, 0n, [batch(0n, 3)])
    expect(await w.runOnce()).toBe(false)
    expect(w.linesOf('error')).toEqual([
      {
        level: 'error',
        message: 'partition stopped',
        fields: {
          table: 'orders',
          topic: 'orders',
          partition: 0,
          key,
          offset: 2n,
          fault: 'crc',
          position: 32 + batch(0n, 2).length,
          reason: expect.stringMatching(/^the record batch at byte \d+ has CRC-32C [0-9a-f]{8}, and its header says [0-9a-f]{8}$/),
        },
      },
    ])
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 2), ...rowsOf(other, 0, 3)])
    expect(await w.rows('clicks')).toEqual(rowsOf(clicks, 0, 3))
  })

  test('goes on when the segment was written again, in the same run', async () => {
    const w = world()
    await w.write(orders, 0n, withBadCrc(0n))
    await w.write(orders, 5n, [batch(5n, 2)])
    const stop = new AbortController()
    const running = w.clock.run(async () => {
      const done = w.processor().run(false, stop.signal)
      await w.clock.sleep(200_000)
      expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 2))
      await w.write(orders, 0n, [batch(0n, 5)])
      await w.clock.sleep(200_000)
      stop.abort()
      return done
    })
    expect(await running).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 7))
    expect(w.linesOf('error')).toHaveLength(1)
  })

  test('is said once, however often it is looked at', async () => {
    const w = world()
    await w.write(orders, 0n, withBadCrc(0n))
    await w.write(other, 0n, [batch(0n, 1)])
    const stop = new AbortController()
    const ended = await w.clock.run(async () => {
      const done = w.processor().run(false, stop.signal)
      await w.clock.sleep(3_600_000)
      stop.abort()
      return done
    })
    expect(ended).toBe(false)
    expect(w.linesOf('error')).toHaveLength(1)
  })

  test('is skipped over where onError says so, and each skip is named', async () => {
    const w = world()
    const key = await w.write(orders, 0n, withBadCrc(0n))
    await w.write(orders, 5n, [batch(5n, 2)])
    expect(await w.runOnce((document) => (document.spec.mappings = [{ topic: 'orders', onError: 'skip' }]))).toBe(true)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 2), ...rowsOf(orders, 5, 7)])
    expect(w.linesOf('warn')).toMatchObject([
      { message: 'skipped, as onError says', fields: { topic: 'orders', partition: 0, key, offsets: '[2, 5)', fault: 'crc' } },
    ])
  })

  test('of an old format is stopped, and goes on as rows where the document says convert', async () => {
    const w = world()
    const old = [0, 1, 2].map((i) => oldMessage(1, { offset: 2 + i, value: `{"n": ${i}}`, timestampMs: Date.UTC(2015, 0, 1) + i }))
    await w.write(orders, 0n, [batch(0n, 2), oldWrapper(1, { offset: 4 }, old)])
    await w.write(orders, 5n, [oldMessage(0, { offset: 5, value: '{"n": 5}' }), batch(6n, 1)])
    expect(await w.runOnce()).toBe(false)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 2))
    expect(await w.runOnce((document) => (document.spec.source.oldMessageFormats = 'convert'))).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 7))
    const times = new Map((await w.plainRows('orders')).map(({ kafka_offset: offset, kafka_timestamp: time }) => [offset, time]))
    expect([times.get(4n), times.get(5n)]).toEqual([new Date(Date.UTC(2015, 0, 1) + 2), null])
  })

  test('by a store that refuses its segment is stopped alike', async () => {
    const { WorkError } = await import('../../../src/model/failure.ts')
    const w = world()
    const key = await w.write(orders, 0n, [batch(0n, 2)])
    await w.write(other, 0n, [batch(0n, 3)])
    w.faults.store = (operation, at) =>
      operation === 'get' && at === key ? new WorkError('it is archived', { retry: 'never' }) : undefined
    expect(await w.runOnce()).toBe(false)
    expect(w.linesOf('error')).toMatchObject([
      { message: 'partition stopped', fields: { topic: 'orders', partition: 0, key, reason: 'it is archived' } },
    ])
    expect(await w.rows('orders')).toEqual(rowsOf(other, 0, 3))
  })
})

describe('what nobody can undo is said and stops nothing', () => {
  test('a gap inside one round', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 2)])
    await w.write(orders, 5n, [batch(5n, 2)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce()).toBe(true)
    expect(w.linesOf('warn')).toMatchObject([
      { message: 'gap: offsets that the source does not have', fields: { topic: 'orders', partition: 0, offsets: '[2, 5)' } },
    ])
  })

  test('an overlap', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 4)])
    await w.write(orders, 2n, [batch(2n, 4)])
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 6))
    expect(w.linesOf('warn')).toMatchObject([
      { message: 'overlap: records whose offsets were decided before are left out', fields: { records: 2 } },
    ])
  })

  test('a segment without index before a later one', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 2)])
    const key = await w.write(orders, 2n, [batch(2n, 2)], ['kfs'])
    await w.write(orders, 4n, [batch(4n, 2)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 2), ...rowsOf(orders, 4, 6)])
    expect(w.linesOf('warn', 'segment without .index does not count, and later ones do: its offsets are missing')).toMatchObject([
      { fields: { key } },
    ])
  })

  test('a segment that was written again after it had been materialized', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.runOnce()
    await w.write(orders, 0n, [batch(0n, [record('x'), record('y'), record('z'), record('new')])])
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 4))
    expect(w.linesOf('warn').map(({ message }) => message)).toContain(
      'segment was written again after it had been materialized; offsets decided before stay as they are',
    )
  })
})

test('a log that was restarted stops its partition and says what to do', async () => {
  const w = world()
  await w.write(orders, 10n, [batch(10n, 3)])
  await w.runOnce()
  for (const key of w.source.keys()) await w.source.remove(key)
  await w.clock.advanceBy(60_000)
  await w.write(orders, 0n, [batch(0n, 30)])
  await w.write(other, 0n, [batch(0n, 1)])
  expect(await w.runOnce()).toBe(false)
  expect(w.linesOf('error')).toMatchObject([
    {
      message: 'partition stopped',
      fields: { topic: 'orders', partition: 0, reason: expect.stringMatching(/^the log was restarted: .* --source-restarted$/) },
    },
  ])
  expect(await w.rows('orders')).toEqual([...rowsOf(orders, 10, 13), ...rowsOf(other, 0, 1)])
})

describe('tables', () => {
  test('one that is stopped stops no other, and its message names what to change', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 2)])
    await w.write(clicks, 0n, [batch(0n, 3)])
    await w.runOnce()
    await w.write(orders, 2n, [batch(2n, 2)])
    await w.write(clicks, 3n, [batch(3n, 3)])
    expect(await w.runOnce((document) => (document.spec.mappings = [{ topic: 'orders', key: { format: 'string' } }]))).toBe(false)
    expect(w.linesOf('error')).toMatchObject([
      {
        message: 'table stopped',
        fields: {
          table: 'orders',
          error: {
            message:
              'table analytics.orders can not be continued: it keeps the key as binary, and the document says key.format: string; change the document back, or name another table',
          },
        },
      },
    ])
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 2))
    expect(await w.rows('clicks')).toEqual(rowsOf(clicks, 0, 6))
  })

  test('two documents may feed one table, and each keeps the other’s progress', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 2)])
    await w.write(clicks, 0n, [batch(0n, 3)])
    const into =
      (topic: string, name: string) =>
      (document: { metadata: { name: string }; spec: { source: { topics: string[] }; mappings?: unknown } }) => {
        document.metadata.name = name
        document.spec.source.topics = [topic]
        document.spec.mappings = [{ topic, table: 'all' }]
      }
    const one = w.processor(into('orders', 'one') as never)
    const two = w.processor(into('clicks', 'two') as never)
    const signal = new AbortController().signal
    expect(await w.clock.run(() => Promise.all([one.run(true, signal), two.run(true, signal)]))).toEqual([true, true])
    expect(await w.rows('all')).toEqual([...rowsOf(clicks, 0, 3), ...rowsOf(orders, 0, 2)])
    expect(await w.runOnce(into('orders', 'one') as never)).toBe(true)
    expect(await w.rows('all')).toHaveLength(5)
  })

  test('two processors on the same tables add each row once', async () => {
    const w = world()
    for (let base = 0n; base < 40n; base += 4n) await w.write(orders, base, [batch(base, 4)])
    const signal = new AbortController().signal
    expect(await w.clock.run(() => Promise.all([w.processor().run(true, signal), w.processor().run(true, signal)]))).toEqual([true, true])
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 40))
  })

  test('a topic that appears later gets its table in the same run', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 2)])
    const stop = new AbortController()
    await w.clock.run(async () => {
      const done = w.processor().run(false, stop.signal)
      await w.clock.sleep(100_000)
      await w.write(clicks, 0n, [batch(0n, 3)])
      await w.clock.sleep(200_000)
      stop.abort()
      return done
    })
    expect(await w.rows('clicks')).toEqual(rowsOf(clicks, 0, 3))
  })
})

test('an abort hands back what nobody began, finishes what is under way, and commits it', async () => {
  const w = world()
  await w.write(orders, 0n, [batch(0n, 2)])
  await w.clock.advanceBy(60_000)
  const stop = new AbortController()
  const source = {
    ...w.source,
    get: async (...asked: Parameters<typeof w.source.get>) => {
      await w.clock.sleep(5_000)
      return w.source.get(...asked)
    },
  }
  const ended = w.clock.run(async () => {
    const done = w.processor(undefined, { source }).run(false, stop.signal)
    await w.clock.sleep(2_000)
    stop.abort()
    return done
  })
  expect(await ended).toBe(true)
  expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 2))
})

test('a table that the catalog does not make yet is said not to be made, and why, whatever could be sampled', async () => {
  const w = world()
  await w.write(orders, 0n, [batch(0n, 3)])
  await w.clock.advanceBy(60_000)
  let creations = 0
  w.faults.catalog = ({ kind }) => (kind === 'create' && ++creations <= 2 ? 'lost-before' : 'none')
  expect(await w.runOnce()).toBe(true)
  expect(w.linesOf('warn').map(({ message, fields }) => `${message}: ${String(fields.error)}`)).toEqual(
    Array.from({ length: 2 }, () => 'the table can not be made yet, tried again: WorkError: memory catalog, create: the answer was lost'),
  )
  expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 3))
})
