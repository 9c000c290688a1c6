import { expect, test } from 'vitest'
import { readManifest } from '../../../src/formats/iceberg/manifest.ts'
import { readManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { summaryKeys } from '../../../src/pipeline/commit/summary-keys.ts'
import { type ManifestsReport, TableRewriter } from '../../../src/service/maintain/table-rewriter.ts'
import { rewriteManifestsOf } from '../../../src/service/maintain/rewrite-manifests.ts'
import type { Catalog } from '../../../src/seams/catalog.ts'
import { commitForeign, liveEntries, positionDeletes } from './foreign-commit.ts'
import { countedTable } from './counted.ts'
import { batch } from './segments.ts'
import { verify } from './verifying.ts'
import { namespace, sourceId, world, type World } from './world.ts'

const orders = { namespace, name: 'orders' }
const partitions = [0, 1, 2].map((partition) => ({ topic: 'orders', partition }))

/** A table by Kafka partition, to which each of nine commits brings a file of one partition. */
async function fed(properties: Record<string, string> = {}): Promise<World> {
  const made = world()
  for (let i = 0; i < 9; i++) {
    const offset = BigInt(Math.floor(i / 3))
    await made.write(partitions[i % 3], offset, [batch(offset, 1)])
    const done = await made.runOnce((document) => {
      document.spec.mappings = [{ topic: '*', value: { format: 'binary' }, partitionBy: ['kafka_partition'] }]
      document.spec.sink.tables = { properties }
    })
    expect(done).toBe(true)
  }
  return made
}

function rewrite(
  made: World,
  { dryRun = false, onlyWorth = false, catalog = made.catalog }: { dryRun?: boolean; onlyWorth?: boolean; catalog?: Catalog } = {},
): Promise<ManifestsReport> {
  return made.clock.run(async () => {
    const rewriter = new TableRewriter(sourceId, orders, 'test', await made.table('orders'), { ...made.seams, catalog })
    return rewriter.rewriteManifests({ dryRun, onlyWorth })
  })
}

async function setTarget(made: World, bytes: number): Promise<void> {
  const updates = [{ action: 'set-properties', updates: { 'commit.manifest.target-size-bytes': String(bytes) } }] as const
  await made.catalog.commitTable(orders, { requirements: [], updates, idempotencyKey: '' })
}

/** Of each manifest the partitions of its live files, and of each file its numbers. */
async function manifests(made: World) {
  const list = readManifestList(await made.io.read(currentSnapshot(await made.table('orders'))!['manifest-list']))
  return Promise.all(
    list.manifests.map(async (manifest) => {
      const { entries } = readManifest(await made.io.read(manifest.manifestPath), manifest)
      const live = entries.filter(({ status }) => status !== 2)
      return {
        content: manifest.content,
        partitions: live.map(({ dataFile }) => dataFile.partition[0]),
        files: live.map(
          ({ dataFile, ...numbers }) =>
            [dataFile.filePath, numbers.snapshotId, numbers.sequenceNumber, numbers.fileSequenceNumber] as const,
        ),
      }
    }),
  )
}
const filesIn = async (made: World) => (await manifests(made)).flatMap(({ files }) => files).toSorted((a, b) => (a[0] < b[0] ? -1 : 1))

test('manifests become few, with the files of a partition side by side, and nothing else changes', async () => {
  const made = await fed()
  const before = await filesIn(made)
  const bytes = (await rewrite(made, { dryRun: true })).bytes
  const table = await made.table('orders')
  await setTarget(made, Math.ceil(bytes / 3))
  expect(await rewrite(made)).toMatchObject({ manifests: 9, rewritten: 9, bytes, written: 3 })
  expect((await manifests(made)).map((one) => one.partitions)).toEqual([
    [0, 0, 0],
    [1, 1, 1],
    [2, 2, 2],
  ])
  expect(await filesIn(made)).toEqual(before)
  const snapshot = currentSnapshot(await made.table('orders'))!
  const parent = currentSnapshot(table)!
  expect(snapshot.summary).toMatchObject({
    operation: 'replace',
    'total-data-files': '9',
    'total-records': '9',
    [summaryKeys.progress]: parent.summary[summaryKeys.progress],
  })
  expect(await made.rows('orders')).toHaveLength(9)
  expect(await verify(made)).toMatchObject({ findings: [], problem: null })
  await made.write(partitions[0], 3n, [batch(3n, 1)])
  await made.runOnce()
  expect(await made.rows('orders')).toHaveLength(10)
})

test('where they are few already nothing is written, nor by a dry run', async () => {
  const made = await fed()
  const before = await made.table('orders')
  expect(await rewrite(made, { dryRun: true })).toMatchObject({ manifests: 9, rewritten: 9, written: 1 })
  expect(await made.table('orders')).toBe(before)
  await rewrite(made)
  const after = await made.table('orders')
  expect(await rewrite(made)).toEqual({ manifests: 1, rewritten: 0, bytes: 0, written: 0, requests: { gets: 0, puts: 0 } })
  expect(await made.table('orders')).toBe(after)
})

test.each(['a server', 'a file'] as const)('a dry run says how many requests it takes, with a catalog that is %s', async (kind) => {
  const { made, document, source, seams, taken } = await countedTable(kind)
  const run = async (dryRun: boolean) =>
    (await made.clock.run(() => rewriteManifestsOf(document, undefined, source, seams, { dryRun })))[0].done!
  const { rewritten, requests } = await run(true)
  expect(rewritten).toBe(6)
  taken()
  expect(await run(false)).toMatchObject({ rewritten: 6, written: 1 })
  expect(taken()).toMatchObject(requests)
})

test('unasked it is done where many manifests that are merged for good came one after another, and not again', async () => {
  const made = await fed()
  expect(await rewrite(made, { onlyWorth: true })).toMatchObject({ manifests: 9, rewritten: 0 })
  const { bytes } = await rewrite(made, { dryRun: true })
  await setTarget(made, Math.ceil(bytes / 6))
  expect(await rewrite(made, { onlyWorth: true, dryRun: true })).toMatchObject({ manifests: 9, rewritten: 9, written: 6 })
  // The service does it for a table that has many files.
  const loadTable: Catalog['loadTable'] = async (...asked) => {
    const loaded = await made.catalog.loadTable(...asked)
    const snapshots = loaded?.metadata.snapshots?.map((one) => ({ ...one, summary: { ...one.summary, 'total-data-files': '10000' } }))
    return loaded === null ? null : { ...loaded, metadata: { ...loaded.metadata, snapshots } }
  }
  await made.write(partitions[0], 3n, [batch(3n, 1)])
  const large = made.processor(undefined, { catalog: { ...made.catalog, loadTable } })
  expect(await made.clock.run(() => large.run(true, new AbortController().signal))).toBe(true)
  expect(made.linesOf('info', 'manifests clustered by partition').map(({ fields }) => fields)).toMatchObject([
    { manifests: 10, rewritten: 10 },
  ])
  expect(made.seams.meter.totals().get('upkeep.manifests.done')).toBe(1)
  expect(await rewrite(made, { onlyWorth: true })).toMatchObject({ rewritten: 0 })
  expect(await rewrite(made, { dryRun: true })).not.toMatchObject({ rewritten: 0 })
  expect(await made.rows('orders')).toHaveLength(10)
})

test('manifests of deletes are clustered for themselves', async () => {
  const made = await fed()
  const [[path]] = await filesIn(made)
  for (let i = 0; i < 2; i++) {
    const deletes = { ...(await positionDeletes(made, path, [0])), partition: [0] }
    await commitForeign(made, 'orders', { deletes: [deletes] })
  }
  expect(await rewrite(made)).toMatchObject({ manifests: 11, rewritten: 11, written: 2 })
  expect((await manifests(made)).map(({ content, partitions: own }) => `${content}: ${own.length}`).toSorted()).toEqual(['0: 9', '1: 2'])
})

test('an append that comes first is clustered too', async () => {
  const made = await fed()
  let first = true
  const catalog: Catalog = {
    ...made.catalog,
    commitTable: async (...asked) => {
      if (first) {
        first = false
        const [dataFile] = (await liveEntries(made, 'orders')).map((one) => one.dataFile)
        await commitForeign(made, 'orders', { add: [{ ...dataFile, filePath: 's3://warehouse/another.parquet' }] })
      }
      return made.catalog.commitTable(...asked)
    },
  }
  expect(await rewrite(made, { catalog })).toMatchObject({ manifests: 10, rewritten: 10, written: 1 })
  expect(await filesIn(made)).toHaveLength(10)
})
