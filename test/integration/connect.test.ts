import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { glueProxy } from './catalogs/glue.ts'
import { awsPlace, polarisPlace } from './catalogs/places.ts'
import { polarisClient, polarisProxy, polarisRealm } from './catalogs/polaris.ts'
import { s3tablesProxy } from './catalogs/s3tables.ts'
import { startVendingWorld } from './catalogs/servers.ts'
import { pasted } from './pasted.ts'
import { type Place, restOnS3, s3Settings, sqliteOnFiles, sqliteOnS3 } from './program.ts'
import { python } from './servers.ts'

const database = `connect_${process.pid}`

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'connect-'))
  await mkdir(join(directory, 'files'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** Runs Python, with the keys where the text says that they come from. */
async function runPython(code: string, more: Record<string, string> = {}): Promise<string> {
  const { accessKeyId, secretAccessKey } = inject('s3')
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
  const env = { ...process.env, ...keys, PYTHONWARNINGS: 'ignore', ...more }
  return (await promisify(execFile)(python, ['-c', code], { env })).stdout
}

const catalogs = [
  ["Iceberg's REST catalog", 'rest', () => restOnS3()],
  ['a SQLite catalog over S3', 'sqlite_s3', () => sqliteOnS3(directory, 'connect')],
  ['a SQLite catalog over files', 'sqlite_files', () => sqliteOnFiles(join(directory, 'files'))],
] as const

test.each(catalogs)('what is pasted into PyIceberg answers over %s, with bytes as text', async (_what, name, place) => {
  const out = await runPython((await pasted('pyiceberg', place(), `${database}_${name}`))[0])
  expect(out).toContain('["grüezi"]')
  expect(out).toContain('["wohl"]')
})

/** What DuckDB answers to what is pasted, and its time zone then. Extensions are loaded from packages here; nothing is downloaded. */
async function pastedIntoDuckDb(place: Place, name: string, secrets: Record<string, string> = {}): Promise<string> {
  const { accessKeyId, secretAccessKey } = inject('s3')
  let [sql] = await pasted('duckdb', place, `${database}_${name}`)
  const filled = { '<access key id>': accessKeyId, '<secret access key>': secretAccessKey, ...secrets }
  for (const [placeholder, value] of Object.entries(filled)) sql = sql.replaceAll(placeholder, value)
  const out = await runPython(`
import sys
sys.path.insert(0, ${JSON.stringify(join(import.meta.dirname, 'readers'))})
import read_duckdb
connection = read_duckdb.connect()
connection.execute("SET TimeZone = 'America/New_York'")
answer = connection.execute(${JSON.stringify(sql.replaceAll(/(?:INSTALL|LOAD) \w+;/g, ''))}).fetch_arrow_table().to_pylist()
print(answer[0]["kafka_key_text"], answer[0]["value_text"], connection.execute("SELECT current_setting('TimeZone')").fetchone()[0])
`)
  return out.trim()
}

test.each(catalogs)('what is pasted into DuckDB answers over %s, with bytes as text and times in UTC', async (_what, name, place) => {
  expect(await pastedIntoDuckDb(place(), `${name}_duckdb`)).toBe('grüezi wohl UTC')
})

test.each(['glue', 's3tables'] as const)('what is pasted into PyIceberg answers over %s, whose requests are signed', async (type) => {
  const [s3, restCatalogUri] = [inject('s3'), inject('restCatalogUri')]
  const proxy = await (type === 'glue' ? glueProxy : s3tablesProxy)(restCatalogUri, { keys: s3 })
  vi.stubEnv('AWS_ACCESS_KEY_ID', s3.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.secretAccessKey)
  try {
    const out = await runPython(
      (await pasted('pyiceberg', awsPlace({ s3, restCatalogUri }, type, proxy.endpoint), `${database}_${type}`))[0],
    )
    expect(out).toContain('["grüezi"]')
    expect(proxy.seen.at(-1)?.headers['user-agent']).not.toBe('iceberg-processor')
  } finally {
    vi.unstubAllEnvs()
    await proxy.close()
  }
})

test('what is pasted answers over a catalog that wants client credentials, and gives keys or has none', async () => {
  const world = await startVendingWorld()
  const { vend } = await world.vendor({ lifeMs: 3_600_000 })
  const proxy = await polarisProxy(world.restCatalogUri, { vend, defaultRealm: true })
  try {
    const place = polarisPlace(world, proxy.endpoint)
    const [code] = await pasted('pyiceberg', place, `${database}_polaris_pyiceberg`)
    const out = await runPython(code.replace('<value of Polaris-Realm>', polarisRealm), {
      CATALOG_CLIENT_SECRET: polarisClient.clientSecret,
      AWS_ACCESS_KEY_ID: 'nobody',
    })
    expect(out).toContain('["grüezi"]')
    // DuckDB 1.4.4 sends no headers.
    const catalog = { ...place.sink.catalog, headers: undefined }
    const withoutRealm = { ...place, sink: { ...place.sink, catalog } }
    const secrets = { '<client secret>': polarisClient.clientSecret }
    expect(await pastedIntoDuckDb(withoutRealm, 'polaris_duckdb', secrets)).toBe('grüezi wohl UTC')

    const without = await polarisProxy(world.restCatalogUri, { defaultRealm: true })
    const own = {
      reader: place.reader,
      sink: { catalog: { ...catalog, endpoint: without.endpoint, accessDelegation: 'none' }, storage: s3Settings(world.s3) },
    }
    const [asOwner] = await pasted('pyiceberg', own, `${database}_polaris_own`)
    expect(await runPython(asOwner, { CATALOG_CLIENT_SECRET: polarisClient.clientSecret })).toContain('["grüezi"]')
    await without.close()
  } finally {
    await proxy.close()
    await world.stop()
  }
})
