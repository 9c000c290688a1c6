import { describe, expect, test } from 'vitest'
import { readManifest } from '../../../../src/formats/iceberg/manifest.ts'
import { readManifestList } from '../../../../src/formats/iceberg/manifest-list.ts'
import { currentSnapshot, type TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import type { TableUpdate } from '../../../../src/formats/iceberg/table-update.ts'
import { WorkError } from '../../../../src/model/failure.ts'
import { summaryKeys } from '../../../../src/pipeline/commit/summary-keys.ts'
import type { Catalog } from '../../../../src/seams/catalog.ts'
import type { Leases } from '../../../../src/seams/leases.ts'
import { batch, record } from '../segments.ts'
import { namespace, rowsOf, type World, world } from '../world.ts'

const orders = { topic: 'orders', partition: 0 } as const
const clicks = { topic: 'clicks', partition: 0 } as const
const table = { namespace, name: 'orders' } as const
const minuteMs = 60_000

/** A service for as long as `during` takes. */
async function serve(w: World, during: () => Promise<void>, ...how: Parameters<World['processor']>): Promise<boolean> {
  const stop = new AbortController()
  return w.clock.run(async () => {
    const running = w.processor(...how).run(false, stop.signal)
    await during()
    stop.abort()
    return running
  })
}

describe('a table that somebody broke stops alone', () => {
  async function twoTables(): Promise<World> {
    const w = world()
    for (const at of [orders, clicks]) await w.write(at, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(minuteMs)
    await w.runOnce()
    return w
  }

  async function otherGoesOn(w: World): Promise<void> {
    for (const at of [orders, clicks]) await w.write(at, 3n, [batch(3n, 3)])
    await serve(w, () => w.clock.sleep(10 * minuteMs))
    expect(await w.rows('clicks')).toEqual(rowsOf(clicks, 0, 6))
    const stops = w.linesOf('error', 'table stopped')
    expect(stops.length).toBeGreaterThan(0)
    for (const { fields } of stops) expect(fields).toMatchObject({ table: 'orders' })
  }

  test('its manifest list is gone', async () => {
    const w = await twoTables()
    const snapshot = currentSnapshot(await w.table('orders'))!
    await w.warehouse.remove(snapshot['manifest-list'].replace('s3://warehouse/', ''))
    await otherGoesOn(w)
  })

  test('a property of it is no number, and it goes on when that was mended', async () => {
    const w = await twoTables()
    const set = (value: string, idempotencyKey: string) =>
      w.catalog.commitTable(table, {
        requirements: [],
        updates: [{ action: 'set-properties', updates: { 'commit.manifest.min-count-to-merge': value } }],
        idempotencyKey,
      })
    await set('a hundred', 'a')
    await otherGoesOn(w)
    await set('100', 'b')
    await serve(w, () => w.clock.sleep(10 * minuteMs))
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 6))
  })
})

test.each(['5 days', '0', '-1', '1'])('an idle service writes no run of empty snapshots where snapshots may be %s old', async (age) => {
  const w = world()
  await w.write(orders, 0n, [batch(0n, 3)])
  await w.clock.advanceBy(minuteMs)
  await serve(
    w,
    () => w.clock.sleep(60 * minuteMs),
    (document) => {
      document.spec.sink.tables = { properties: { 'history.expire.max-snapshot-age-ms': age } }
    },
  )
  expect((await w.table('orders')).snapshots!.length).toBeLessThan(6)
})

test('a task that was planned for an older schema is never taken for the same task of the new one', async () => {
  const w = world()
  for (const partition of [0, 1]) await w.write({ topic: 'orders', partition }, 0n, [batch(0n, [record(new Uint8Array(1_300_000))])])
  await w.clock.advanceBy(minuteMs)
  const get: World['source']['get'] = async (key, options) => {
    await w.clock.sleep(key.includes('/1/') ? 400_000 : 50_000)
    return w.source.get(key, options)
  }
  await serve(
    w,
    async () => {
      await w.clock.sleep(30_000)
      // Somebody drops the column and adds one of the same name while the tasks are under way.
      const schema = (await w.table('orders')).schemas[0]
      const fields = schema.fields.map((field) => (field.name === 'value' ? { ...field, id: 50 } : field))
      await w.catalog.commitTable(table, {
        requirements: [],
        updates: [
          { action: 'add-schema', schema: { ...schema, 'schema-id': 1, fields }, 'last-column-id': 50 },
          { action: 'set-current-schema', 'schema-id': -1 },
        ],
        idempotencyKey: 'x',
      })
      await w.clock.sleep(2_000_000)
    },
    (document) => {
      document.spec.processing = { targetFileSizeBytes: 1_048_576 }
    },
    { source: { ...w.source, get } },
  )
  const snapshot = currentSnapshot(await w.table('orders'))!
  const files = []
  for (const manifest of readManifestList(await w.io.read(snapshot['manifest-list'])).manifests) {
    for (const { dataFile } of readManifest(await w.io.read(manifest.manifestPath), manifest).entries) files.push(dataFile)
  }
  expect(files).toHaveLength(2)
  for (const { valueCounts } of files) expect([...valueCounts!.keys()]).toEqual([1, 2, 3, 4, 5, 50])
})

describe('a table that somebody dropped or renamed while it is fed', () => {
  async function fed(w: World, during: () => Promise<void>, ...how: Parameters<World['processor']>): Promise<void> {
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(minuteMs)
    await serve(
      w,
      async () => {
        await w.clock.sleep(5 * minuteMs)
        await w.catalog.dropTable(table)
        await w.write(orders, 3n, [batch(3n, 3)])
        await during()
      },
      ...how,
    )
  }

  test('is not made anew before somebody restarts', async () => {
    const w = world()
    await fed(w, () => w.clock.sleep(30 * minuteMs))
    expect(await w.catalog.loadTable(table)).toBeNull()
    for (const { fields } of w.linesOf('error', 'table stopped'))
      expect(String(fields.error)).toContain('restore it, or restart to create it')
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 6))
  })

  test('and another in its place is not filled before somebody restarts', async () => {
    const w = world()
    await fed(w, async () => {
      await w.clock.sleep(minuteMs)
      // It is filled from elsewhere, and says nothing of this source.
      const other = w.processor(undefined, {}, { id: 's3://elsewhere/p/' })
      expect(await other.run(true, new AbortController().signal)).toBe(true)
      await w.write(orders, 6n, [batch(6n, 3)])
      await w.clock.sleep(30 * minuteMs)
    })
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 6))
    expect(String(w.linesOf('error', 'table stopped').at(-1)!.fields.error)).toContain('it was created anew; restart if it shall be filled')
  })

  /** One process at a time, as in Redis. */
  function leasesOf(w: World): Leases {
    const held = new Set<string>()
    return {
      async acquire(name, signal, onStandBy) {
        if (held.has(name)) onStandBy?.()
        while (held.has(name) && !signal.aborted) await w.clock.sleep(1000)
        if (signal.aborted) return null
        held.add(name)
        return { lost: new AbortController().signal, release: async () => void held.delete(name) }
      },
    }
  }

  test('nor by a process that stood by and takes over from the one that saw it go', async () => {
    const w = world()
    const leases = leasesOf(w)
    const stop = new AbortController()
    let standingBy = Promise.resolve(true)
    await fed(
      w,
      async () => {
        await w.clock.sleep(30 * minuteMs)
        stop.abort()
        await standingBy
      },
      undefined,
      {
        leases,
        // The second process begins once the first has the table.
        journal: {
          ...w.seams.journal,
          info(message, fields) {
            w.seams.journal.info(message, fields)
            if (message === 'committed') standingBy = w.processor(undefined, { leases }).run(false, stop.signal)
          },
        },
      },
    )
    expect(new Set(w.linesOf('error', 'table stopped').map(({ fields }) => String(fields.error))).size).toBe(1)
    expect(await w.catalog.loadTable(table)).toBeNull()
  })

  test('and one that another process was restarted to fill goes on with who saw the one before go', async () => {
    const w = world()
    const leases = leasesOf(w)
    await fed(
      w,
      async () => {
        await w.clock.sleep(minuteMs)
        const stop = new AbortController()
        const restarted = w.processor(undefined, { leases }).run(false, stop.signal)
        await w.clock.sleep(30 * minuteMs)
        expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 6))
        stop.abort()
        await restarted
        await w.write(orders, 6n, [batch(6n, 3)])
        await w.clock.sleep(30 * minuteMs)
      },
      undefined,
      { leases },
    )
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 9))
  })

  /** A process that was restarted, and is gone when it has created the table. */
  async function createdAnew(w: World, change?: (created: TableMetadata) => TableUpdate[]): Promise<void> {
    const stop = new AbortController()
    const createTable: Catalog['createTable'] = async (...wanted) => {
      const answer = await w.catalog.createTable(...wanted)
      if (answer.kind === 'created' && change !== undefined) {
        const updates = change(answer.table.metadata)
        await w.catalog.commitTable(table, { requirements: [], updates, idempotencyKey: 'change' })
      }
      stop.abort()
      throw new WorkError('killed', { retry: 'never' })
    }
    await w.processor(undefined, { catalog: { ...w.catalog, createTable } }).run(true, stop.signal)
  }

  test('and one that another process was restarted to fill, and that died before it had, is filled by who saw the one before go', async () => {
    const w = world()
    await fed(w, async () => {
      await w.clock.sleep(minuteMs)
      await createdAnew(w)
      expect((await w.table('orders')).snapshots ?? []).toEqual([])
      await w.clock.sleep(30 * minuteMs)
    })
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 6))
  })

  test.each<[string, (created: TableMetadata) => TableUpdate[]]>([
    ['that says nothing of this program', () => [{ action: 'remove-properties', removals: [summaryKeys.layout] }]],
    ['that has a copy of progress', () => [{ action: 'set-properties', updates: { [summaryKeys.progress]: '{}' } }]],
  ])('but an empty one is not %s', async (_, change) => {
    const w = world()
    await fed(w, async () => {
      await w.clock.sleep(minuteMs)
      await createdAnew(w, change)
      await w.clock.sleep(30 * minuteMs)
    })
    expect((await w.table('orders')).snapshots ?? []).toEqual([])
    expect(String(w.linesOf('error', 'table stopped').at(-1)!.fields.error)).toContain('it was created anew; restart if it shall be filled')
  })
})
