import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { toRows } from '../canonical.ts'
import { glueProxy } from '../catalogs/glue.ts'
import { awsPlace, polarisPlace, unityPlace } from '../catalogs/places.ts'
import { polarisClient, polarisProxy } from '../catalogs/polaris.ts'
import { s3tablesProxy } from '../catalogs/s3tables.ts'
import { startVendingWorld } from '../catalogs/servers.ts'
import { unityClient, unityProxy } from '../catalogs/unity.ts'
import { expectErased } from '../erased.ts'
import { goldenBucket, goldenRows, goldenTopics, tableOf } from '../golden.ts'
import { pasted } from '../pasted.ts'
import { documentOf, type Place, restOnS3, runOnce } from '../program.ts'
import { startTrino, type Trino } from '../trino.ts'

const database = `trino_${process.pid}`
let trino: Trino
beforeAll(async () => {
  trino = await startTrino(inject('s3'), inject('restCatalogUri'))
}, 30 * 60_000)
afterAll(() => trino?.stop())

test('Trino reads every golden table as the consumer’s dump says', async () => {
  const document = documentOf({ place: restOnS3(), source: { topics: ['g-*'], directory: join(goldenBucket, 'prod') }, database })
  expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
  for (const topic of goldenTopics) {
    expect(await trino.sql(`SELECT * FROM ice.${database}.${tableOf(topic)}`), topic).toEqual(toRows(goldenRows(topic)))
  }
})

test('Trino erases a person as the page says', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'trino-'))
  try {
    await expectErased({ database: `${database}_erased`, directory, sql: (text) => trino.sql(text), rewrite: 'ours' })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

/** What Trino answers to what `connect` prints of a table, with `filled` in the place of what a user fills in. */
async function pastedAnswer(place: Place, name: string, filled: Readonly<Record<string, string>>, more: readonly string[] = []) {
  const texts = await pasted('trino', place, `${database}_connect_${name}`)
  const [properties, sql] = texts.map((text) => Object.entries(filled).reduce((so, [from, to]) => so.replaceAll(from, to), text))
  const own = properties.split('\n').filter((line) => !/^(?:#|connector\.name=)/.test(line))
  expect(own.join('\n')).not.toMatch(/<|\$\{/)
  const quoted = [...own, ...more].map((line) => line.replace(/^([^=]+)=(.*)$/, `"$1" = '$2'`))
  await trino.sql(`CREATE CATALOG kafscale_${name} USING iceberg WITH (${quoted.join(', ')})`)
  let answer: readonly string[] = []
  for (const statement of sql.replaceAll('FROM kafscale.', `FROM kafscale_${name}.`).split(';\n'))
    answer = await trino.sql(statement.replace(/;$/, ''))
  return answer.map((row) => JSON.parse(row) as object)
}

const greeting = [{ kafka_key_text: 'grüezi', value_text: 'wohl' }]

/** What the text leaves to the reader where the catalog gives no keys. */
const ownKeys = () => [`s3.aws-access-key=${inject('s3').accessKeyId}`, `s3.aws-secret-key=${inject('s3').secretAccessKey}`]

test('Trino answers what connect prints, with bytes as text', async () => {
  expect(await pastedAnswer(restOnS3(), 'rest', {}, ownKeys())).toMatchObject(greeting)
})

test.each(['polaris', 'unity'] as const)(
  'Trino answers what connect prints of %s, which wants client credentials and gives keys',
  async (name) => {
    const given = await startVendingWorld()
    const { vend } = await given.vendor({ lifeMs: 3_600_000 })
    const isPolaris = name === 'polaris'
    // Trino 476 sends no headers.
    const proxy = isPolaris
      ? await polarisProxy(given.restCatalogUri, { vend, defaultRealm: true })
      : await unityProxy(given.restCatalogUri, { vend })
    const { clientSecret } = isPolaris ? polarisClient : unityClient
    const { sink, reader } = (isPolaris ? polarisPlace : unityPlace)(given, proxy.endpoint)
    const { region, endpoint } = given.s3
    try {
      const place = { reader, sink: { catalog: { ...sink.catalog, headers: undefined }, storage: { region, endpoint, pathStyle: true } } }
      expect(await pastedAnswer(place, name, { '${ENV:CATALOG_CLIENT_SECRET}': clientSecret })).toMatchObject(greeting)
    } finally {
      await proxy.close()
      await given.stop()
    }
  },
)

test.each(['glue', 's3tables'] as const)('Trino answers what connect prints of %s, whose requests are signed', async (type) => {
  const [s3, restCatalogUri] = [inject('s3'), inject('restCatalogUri')]
  const proxy = await (type === 'glue' ? glueProxy : s3tablesProxy)(restCatalogUri, { keys: s3 })
  vi.stubEnv('AWS_ACCESS_KEY_ID', s3.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.secretAccessKey)
  try {
    const place = awsPlace({ s3, restCatalogUri }, type, proxy.endpoint)
    const of476 = { 'iceberg.rest-catalog.security=SIGV4': 'iceberg.rest-catalog.sigv4-enabled=true' }
    expect(await pastedAnswer(place, type, of476, ownKeys())).toMatchObject(greeting)
  } finally {
    vi.unstubAllEnvs()
    await proxy.close()
  }
})
