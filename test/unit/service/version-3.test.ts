import { expect, test } from 'vitest'
import { readManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { liveEntries } from './foreign-commit.ts'
import { at, batch } from './segments.ts'
import { verify } from './verifying.ts'
import { rowsOf, world, type World } from './world.ts'

const name = { namespace: ['analytics'], name: 'orders' }

const run = (own: World, formatVersion: 2 | 3 = 3) =>
  own.runOnce((document) => {
    document.spec.sink = { ...document.spec.sink, tables: { formatVersion } }
    document.spec.mappings = [{ topic: '*', value: { format: 'binary' } }]
  })

/** First row ids: of the snapshot, of its manifests, and of the files with how many rows each of them has. */
async function idsOf(own: World) {
  const snapshot = currentSnapshot(await own.table('orders'))!
  const { manifests } = readManifestList(await own.io.read(snapshot['manifest-list']))
  const files = await liveEntries(own, 'orders')
  return {
    snapshot: [snapshot['first-row-id'], snapshot['added-rows']],
    manifests: manifests.map(({ firstRowId }) => firstRowId),
    files: files.map(({ dataFile }) => [dataFile.firstRowId, dataFile.recordCount]),
  }
}

test('a table of format version 3 is created and appended to, and its rows get ids one after another', async () => {
  const own = world()
  await own.write(at, 0n, [batch(0n, 3)])
  expect(await run(own)).toBe(true)
  expect(await own.table('orders')).toMatchObject({ 'format-version': 3, 'next-row-id': 3n })
  expect(await idsOf(own)).toEqual({ snapshot: [0n, 3n], manifests: [0n], files: [[0n, 3n]] })
  await own.write(at, 3n, [batch(3n, 2)])
  expect(await run(own)).toBe(true)
  expect(await own.table('orders')).toMatchObject({ 'next-row-id': 5n })
  expect(await idsOf(own)).toEqual({
    snapshot: [3n, 2n],
    manifests: [3n, 0n],
    files: [
      [3n, 2n],
      [0n, 3n],
    ],
  })
  expect(await own.rows('orders')).toEqual(rowsOf(at, 0, 5))
  for (const exact of [false, true]) expect((await verify(own, { exact })).findings).toEqual([])
})

test('a commit that met another one takes the ids behind those of the other', async () => {
  const own = world()
  await own.write(at, 0n, [batch(0n, 3)])
  expect(await run(own)).toBe(true)
  await own.write(at, 3n, [batch(3n, 2)])
  let raced = false
  own.faults.catalog = async ({ kind }) => {
    if (kind !== 'commit' || raced) return 'none'
    raced = true
    const parent = currentSnapshot(await own.table('orders'))!
    const id = 77n
    const snapshot = {
      ...parent,
      'snapshot-id': id,
      'parent-snapshot-id': parent['snapshot-id'],
      'sequence-number': parent['sequence-number']! + 1n,
      'first-row-id': 3n,
      'added-rows': 100n,
    }
    await own.catalog.commitTable(name, {
      requirements: [],
      updates: [
        { action: 'add-snapshot', snapshot },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
      ],
      idempotencyKey: '',
    })
    return 'conflict'
  }
  expect(await run(own)).toBe(true)
  expect(raced).toBe(true)
  expect((await idsOf(own)).snapshot).toEqual([103n, 2n])
  expect(await own.table('orders')).toMatchObject({ 'next-row-id': 105n })
  expect(await own.rows('orders')).toEqual(rowsOf(at, 0, 5))
})

test('rows from before an upgrade to version 3 get ids with the next commit', async () => {
  const own = world()
  await own.write(at, 0n, [batch(0n, 3)])
  expect(await run(own, 2)).toBe(true)
  await own.catalog.commitTable(name, {
    requirements: [],
    updates: [{ action: 'upgrade-format-version', 'format-version': 3 }],
    idempotencyKey: '',
  })
  await own.write(at, 3n, [batch(3n, 2)])
  expect(await run(own, 2)).toBe(true)
  const { snapshot, files } = await idsOf(own)
  expect(snapshot).toEqual([0n, 5n])
  expect(files).toEqual([
    [0n, 2n],
    [2n, 3n],
  ])
  expect(await own.table('orders')).toMatchObject({ 'format-version': 3, 'next-row-id': 5n })
})
