import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { documentRecoveries } from '../../../src/compose.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import type { ProcessorDocument } from '../../../src/spec/document.ts'
import { type CanonicalRow, toRows } from '../canonical.ts'
import { glueProxy } from '../catalogs/glue.ts'
import { awsPlace, polarisPlace, unityPlace } from '../catalogs/places.ts'
import { polarisClient, polarisProxy, polarisRealm } from '../catalogs/polaris.ts'
import { s3tablesProxy } from '../catalogs/s3tables.ts'
import { startVendingWorld } from '../catalogs/servers.ts'
import { unityClient, unityProxy } from '../catalogs/unity.ts'
import { expectErased } from '../erased.ts'
import { goldenBucket, goldenRows, goldenTopics, tableOf } from '../golden.ts'
import { pasted } from '../pasted.ts'
import { addSegment, type DocumentParts, documentOf, loadMetadata, type Place, restOnS3, runOnce, sqliteOnFiles } from '../program.ts'
import { type Engine, readTable } from '../readers.ts'
import { type Spark, startSpark } from '../spark.ts'

const engines: Engine[] = ['pyiceberg', 'duckdb']
const database = `spark_${process.pid}`
let directory: string
let spark: Spark
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spark-'))
  spark = await startSpark(inject('s3'), inject('restCatalogUri'))
}, 30 * 60_000)
afterAll(async () => {
  await spark?.stop()
  await rm(directory, { recursive: true, force: true })
})

const topicRow = (topic: string, offset: number): CanonicalRow => ({
  kafka_topic: topic,
  kafka_partition: '0',
  kafka_offset: String(offset),
  kafka_timestamp: '1767225600000000',
  kafka_key: null,
  kafka_headers: [],
  value: Buffer.from(`v${offset}`).toString('base64'),
})

/** A topic in a directory with a table in the REST catalog. */
function world(
  topic: string,
  parts: Pick<DocumentParts, 'tables' | 'mappings'> = {},
): { document: ProcessorDocument; add(from: number, end: number): Promise<void> } {
  const bucket = join(directory, topic)
  const document = documentOf({ place: restOnS3(), source: { directory: bucket }, database, ...parts })
  return {
    document,
    async add(from, end) {
      const records = Array.from({ length: end - from }, (_, i) => ({ value: Buffer.from(`v${from + i}`) }))
      await addSegment(bucket, { topic, partition: 0 }, BigInt(from), records)
      expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
    },
  }
}

async function expectOffsets(topic: string, offsets: readonly number[], others: readonly Engine[] = engines): Promise<void> {
  const expected = toRows(offsets.map((offset) => topicRow(topic, offset)))
  expect(await spark.sql(`SELECT * FROM ice.${database}.${topic}`), 'spark').toEqual(expected)
  for (const engine of others) expect(await readTable(engine, restOnS3().reader, [database, topic]), engine).toEqual(expected)
}

const upTo = (end: number) => Array.from({ length: end }, (_, i) => i)

test('Spark reads every golden table as the consumer’s dump says', async () => {
  const document = documentOf({ place: restOnS3(), source: { topics: ['g-*'], directory: join(goldenBucket, 'prod') }, database })
  expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
  for (const topic of goldenTopics) {
    expect(await spark.sql(`SELECT * FROM ice.${database}.${tableOf(topic)}`), topic).toEqual(toRows(goldenRows(topic)))
  }
})

test('Java rewrites our data files between our commits, and the rows stay as they are', async () => {
  const { document, add } = world('rewritten')
  for (let i = 0; i < 5; i++) await add(i * 3, i * 3 + 3)
  await spark.sql(`CALL ice.system.rewrite_data_files(table => '${database}.rewritten', options => map('rewrite-all', 'true'))`)
  expect(currentSnapshot(await loadMetadata(document, 'rewritten'))?.summary).toMatchObject({
    operation: 'replace',
    'total-data-files': '1',
  })
  await add(15, 18)
  await expectOffsets('rewritten', upTo(18))
  await spark.sql(`CALL ice.system.rewrite_manifests('${database}.rewritten')`)
  await add(18, 19)
  await expectOffsets('rewritten', upTo(19))
  expect(currentSnapshot(await loadMetadata(document, 'rewritten'))?.summary).toMatchObject({
    'total-records': '19',
    'total-data-files': '3',
  })
})

test('Java deletes rows by position between our commits, and they stay deleted', async () => {
  const { add } = world('deleted')
  await add(0, 4)
  await spark.sql(`ALTER TABLE ice.${database}.deleted SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')`)
  await spark.sql(`DELETE FROM ice.${database}.deleted WHERE kafka_offset IN (1, 2)`)
  await add(4, 6)
  await expectOffsets('deleted', [0, 3, 4, 5])
})

test('a table of format version 3 is sorted, partitioned and appended to, and every row keeps the id that it got', async () => {
  const { document, add } = world('third', {
    tables: { formatVersion: 3 },
    mappings: [{ topic: '*', value: { format: 'binary' }, partitionBy: ['bucket(2, kafka_offset)'], sortBy: ['kafka_offset desc'] }],
  })
  const lineage = async () => {
    const rows = await spark.sql(`SELECT kafka_offset, _row_id AS id, _last_updated_sequence_number AS updated FROM ice.${database}.third`)
    return rows.map((row) => JSON.parse(row) as Record<string, string>).sort((a, b) => Number(a.kafka_offset) - Number(b.kafka_offset))
  }
  await add(0, 4)
  const first = await lineage()
  await add(4, 7)
  await expectOffsets('third', upTo(7), [])
  const both = await lineage()
  expect(both.slice(0, 4)).toEqual(first)
  expect(both.map((row) => row.id).sort()).toEqual(upTo(7).map(String))
  expect(both.map((row) => row.updated)).toEqual(['1', '1', '1', '1', '2', '2', '2'])
  expect(await spark.sql(`SELECT DISTINCT sort_order_id FROM ice.${database}.third.files`)).toEqual(['{"sort_order_id":"1"}'])
  await spark.sql(`ALTER TABLE ice.${database}.third SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')`)
  await spark.sql(`DELETE FROM ice.${database}.third WHERE kafka_offset IN (1, 5)`)
  await add(7, 9)
  await expectOffsets('third', [0, 2, 3, 4, 6, 7, 8], [])
  expect(await loadMetadata(document, 'third')).toMatchObject({ 'format-version': 3, 'next-row-id': 9n })
  const after = await lineage()
  expect(after.slice(0, 5)).toEqual(both.filter(({ kafka_offset: offset }) => offset !== '1' && offset !== '5'))
  expect(new Set(after.map((row) => row.id)).size).toBe(7)
})

test('Java expires our snapshots between our commits, and the progress is found in the properties', async () => {
  const { document, add } = world('expired')
  await add(0, 2)
  await add(2, 3)
  await spark.sql(`CALL ice.system.rewrite_data_files(table => '${database}.expired', options => map('rewrite-all', 'true'))`)
  const now = new Date(Date.now() + 60_000).toISOString().replace('T', ' ').replace('Z', '')
  await spark.sql(`CALL ice.system.expire_snapshots(table => '${database}.expired', older_than => TIMESTAMP '${now}', retain_last => 1)`)
  expect((await loadMetadata(document, 'expired')).snapshots).toHaveLength(1)
  await add(3, 5)
  await expectOffsets('expired', upTo(5))
})

test('Java replaces the table, and it is stopped until its rows have told what they are', async () => {
  const { document, add } = world('replaced')
  await add(0, 2)
  await spark.sql(
    `CREATE OR REPLACE TABLE ice.${database}.replaced USING iceberg AS SELECT * FROM ice.${database}.replaced WHERE kafka_offset < 1`,
  )
  for (const acceptRollback of [false, true]) {
    const run = await runOnce(document, {}, { acceptRollback })
    expect(run.ok).toBe(false)
    expect(run.errors).toContain('recover --from-rows')
  }
  await expectOffsets('replaced', [0])
  const asked = {
    from: 'rows',
    table: null,
    exact: false,
    passedPrefix: null,
    given: null,
    commit: true,
    progress: () => undefined,
  } as const
  expect(await documentRecoveries([document], asked)).toMatchObject([{ tables: [{ problem: null, done: true }] }])
  await add(2, 4)
  await expectOffsets('replaced', upTo(4))
})

test.each([
  ['written anew', 'copy-on-write', 'ours'],
  ['beside its deletes, and rewritten by Spark', 'merge-on-read', 'theirs'],
  ['beside its deletes, and rewritten by us', 'merge-on-read', 'ours'],
] as const)('Spark erases a person as the page says, %s', async (_, mode, rewrite) => {
  const own = `${database}_erased_${mode.replaceAll('-', '_')}_${rewrite}`
  const properties = { 'write.delete.mode': mode }
  await expectErased({ database: own, directory: join(directory, own), sql: (text) => spark.sql(text), properties, rewrite })
})

/** What Spark answers to what `connect` prints of a table, with `filled` in the place of what a user fills in. */
async function pastedAnswer(place: Place, name: string, filled: Readonly<Record<string, string>>, more: readonly string[] = []) {
  const texts = await pasted('spark', place, `${database}_connect_${name}`)
  // A catalog that a session has opened stays as it is.
  const replaced = { ...filled, 'spark.sql.catalog.kafscale': `spark.sql.catalog.kafscale_${name}`, '`kafscale`': `\`kafscale_${name}\`` }
  const [settings, sql] = texts.map((text) => Object.entries(replaced).reduce((so, [from, to]) => so.replaceAll(from, to), text))
  const own = settings.split('\n').filter((line) => line.startsWith('spark.sql.catalog.'))
  expect(settings).not.toContain('<')
  for (const line of [...own, ...more]) await spark.sql(line.replace(/^(\S+) (.*)$/, 'SET `$1`=`$2`'))
  let answer: readonly string[] = []
  for (const statement of sql.split(';\n')) answer = await spark.sql(statement.replace(/;$/, ''))
  return answer.map((row) => JSON.parse(row) as object)
}

const greeting = [{ kafka_key_text: 'grüezi', value_text: 'wohl' }]

test('Spark answers what connect prints, with bytes as text', async () => {
  const { accessKeyId, secretAccessKey } = inject('s3')
  const catalog = 'spark.sql.catalog.kafscale_rest'
  const keys = [`${catalog}.s3.access-key-id ${accessKeyId}`, `${catalog}.s3.secret-access-key ${secretAccessKey}`]
  expect(await pastedAnswer(restOnS3(), 'rest', {}, keys)).toMatchObject(greeting)
})

test.each(['glue', 's3tables'] as const)('Spark answers what connect prints of %s, whose requests are signed', async (type) => {
  const [s3, restCatalogUri] = [inject('s3'), inject('restCatalogUri')]
  const proxy = await (type === 'glue' ? glueProxy : s3tablesProxy)(restCatalogUri, { keys: s3 })
  vi.stubEnv('AWS_ACCESS_KEY_ID', s3.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.secretAccessKey)
  try {
    // What the AWS credential chain would find: Spark runs already.
    const keys = ['rest', 's3'].flatMap((what) => [
      `spark.sql.catalog.kafscale_${type}.${what}.access-key-id ${s3.accessKeyId}`,
      `spark.sql.catalog.kafscale_${type}.${what}.secret-access-key ${s3.secretAccessKey}`,
    ])
    expect(await pastedAnswer(awsPlace({ s3, restCatalogUri }, type, proxy.endpoint), type, {}, keys)).toMatchObject(greeting)
  } finally {
    vi.unstubAllEnvs()
    await proxy.close()
  }
})

test('Spark answers what connect prints of a SQLite catalog', async () => {
  await mkdir(join(directory, 'files'))
  expect(await pastedAnswer(sqliteOnFiles(join(directory, 'files')), 'sqlite', {})).toMatchObject(greeting)
})

test('Spark answers what connect prints of catalogs that want client credentials, and give keys', async () => {
  const given = await startVendingWorld()
  const { vend } = await given.vendor({ lifeMs: 3_600_000 })
  const proxies = [await polarisProxy(given.restCatalogUri, { vend }), await unityProxy(given.restCatalogUri, { vend })]
  try {
    const polaris = { '<client secret>': polarisClient.clientSecret, '<value of Polaris-Realm>': polarisRealm }
    expect(await pastedAnswer(polarisPlace(given, proxies[0].endpoint), 'polaris', polaris)).toMatchObject(greeting)
    const unity = { '<client secret>': unityClient.clientSecret }
    expect(await pastedAnswer(unityPlace(given, proxies[1].endpoint), 'unity', unity)).toMatchObject(greeting)
  } finally {
    for (const proxy of proxies) await proxy.close()
    await given.stop()
  }
})
