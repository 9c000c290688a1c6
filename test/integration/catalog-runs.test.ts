import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { currentSnapshot } from '../../src/formats/iceberg/table-metadata.ts'
import { toRows } from './canonical.ts'
import { glueProxy } from './catalogs/glue.ts'
import { awsPlace, polarisPlace, unityPlace } from './catalogs/places.ts'
import { polarisProxy } from './catalogs/polaris.ts'
import type { PolicyProxy } from './catalogs/policy-proxy.ts'
import { s3tablesProxy } from './catalogs/s3tables.ts'
import { awsKeys, startVendingWorld, type VendingWorld } from './catalogs/servers.ts'
import { unityProxy } from './catalogs/unity.ts'
import { goldenBucket, goldenRows, goldenTopics, tableOf } from './golden.ts'
import { addSegment, documentOf, loadMetadata, type Place, runOnce, runUntil } from './program.ts'
import { readTables, type TableName } from './readers.ts'
import type { ProxyAnswer, Treatment } from './proxy.ts'

const hourMs = 3_600_000
const progressKey = 'kafscale.processor.progress'
let world: VendingWorld
let directory: string
const proxies: PolicyProxy[] = []
beforeAll(async () => {
  world = await startVendingWorld()
  directory = await mkdtemp(join(tmpdir(), 'catalog-runs-'))
  vi.stubEnv('AWS_ACCESS_KEY_ID', awsKeys.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', awsKeys.secretAccessKey)
}, 30 * 60_000)
afterAll(async () => {
  vi.unstubAllEnvs()
  for (const proxy of proxies) await proxy.close()
  await world?.stop()
  await rm(directory, { recursive: true, force: true })
})

/** A proxy that is closed in the end. */
function kept<T extends PolicyProxy>(proxy: T): T {
  proxies.push(proxy)
  return proxy
}

async function expectGolden(place: Place, database: string, topics: readonly string[] = goldenTopics): Promise<void> {
  const tables = topics.map((topic): TableName => [database, tableOf(topic)])
  const read = await readTables('pyiceberg', place.reader, tables)
  for (const [i, topic] of topics.entries()) expect(read[i], topic).toEqual(toRows(goldenRows(topic)))
}

const golden = (topics: readonly string[] = ['g-*']) => ({ topics, directory: join(goldenBucket, 'prod') })

/** A topic of one partition in a directory of its own. */
function topicIn(place: Place, topic: string, more: { database?: string; tables?: object } = {}) {
  const source = join(directory, `${topic}-segments`)
  const database = more.database ?? `runs_${topic}`
  return {
    document: documentOf({ place, source: { directory: source, topics: [topic] }, database, name: topic.replaceAll('_', '-'), ...more }),
    add: (from: number, count: number) =>
      addSegment(
        source,
        { topic, partition: 0 },
        BigInt(from),
        Array.from({ length: count }, (_, i) => ({ value: Buffer.from(`v${from + i}`) })),
      ),
    offsets: async () => {
      const [rows] = await readTables('pyiceberg', place.reader, [[database, topic]])
      return rows.map((row) => Number((JSON.parse(row) as { kafka_offset: string }).kafka_offset)).toSorted((a, b) => a - b)
    },
  }
}

const upTo = (end: number) => Array.from({ length: end }, (_, i) => i)

describe('golden segments become tables that PyIceberg reads, every record once', () => {
  test('through Polaris, with keys that live shorter than the job', async () => {
    // Each table takes three objects or more, one after the other, and its first keys are over after the second.
    const vendor = await world.vendor({ lifeMs: 6000, delayMs: 4000 })
    const { endpoint } = kept(await polarisProxy(world.restCatalogUri, { vend: vendor.vend }))
    const place = polarisPlace(world, endpoint)
    expect(await runOnce(documentOf({ place, source: golden(), database: 'golden_polaris' }))).toMatchObject({ errors: '', ok: true })
    await expectGolden(place, 'golden_polaris')
    expect(vendor.times()).toBeGreaterThan(3 * goldenTopics.length)
  })

  test('through Unity, whose tables have their progress in snapshots alone', async () => {
    const { vend } = await world.vendor({ lifeMs: hourMs })
    const { endpoint } = kept(await unityProxy(world.restCatalogUri, { vend }))
    const place = unityPlace(world, endpoint)
    const document = documentOf({ place, source: golden(), database: 'golden_unity' })
    expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
    await expectGolden(place, 'golden_unity')
    const metadata = await loadMetadata(document, tableOf(goldenTopics[0]))
    expect(metadata.properties).not.toHaveProperty(progressKey)
    expect(metadata.properties).not.toHaveProperty('write.metadata.previous-versions-max')
    expect(currentSnapshot(metadata)?.summary).toHaveProperty(progressKey)
    expect((await runOnce(document)).totals.get('rows.committed') ?? 0).toBe(0)
  })

  test('through Glue, at the location that it wants to be told', async () => {
    const { endpoint } = kept(await glueProxy(world.restCatalogUri, { keys: awsKeys }))
    const place = awsPlace(world, 'glue', endpoint)
    const tables = { location: `s3://${world.bucket}/told` }
    expect(await runOnce(documentOf({ place, source: golden(), database: 'golden_glue', tables }))).toMatchObject({ errors: '', ok: true })
    await expectGolden(place, 'golden_glue')
  })

  test('through S3 Tables, which chooses locations itself', async () => {
    const { endpoint } = kept(await s3tablesProxy(world.restCatalogUri, { keys: awsKeys }))
    const place = awsPlace(world, 's3tables', endpoint)
    expect(await runOnce(documentOf({ place, source: golden(), database: 'golden_s3tables' }))).toMatchObject({ errors: '', ok: true })
    await expectGolden(place, 'golden_s3tables')
  })
})

test('answers to commits that are lost, late, false or doubtful add no row twice and lose none', async () => {
  const { vend } = await world.vendor({ lifeMs: hourMs })
  const failure = (status: number, type: string): ProxyAnswer => ({
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error: { message: 'as it happens', type, code: status } }),
  })
  const strange: Treatment[] = [
    async (_, forward) => (await forward(), null),
    async (_, forward) => (await forward(), { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>bad gateway</html>' }),
    async () => failure(504, 'GatewayTimeout'),
    async () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: '{}' }),
    async (_, forward) => (await forward(), failure(400, 'CommitStateUnknownException')),
    async (_, forward) => (await forward(), failure(409, 'CommitFailedException')),
    async (_, forward) => ({ ...(await forward()), cutAfter: 20 }),
  ]
  let commits = 0
  const meddle: Treatment = (request, forward) => (strange[commits++] ?? ((_, on) => on()))(request, forward)
  const proxy = kept(await polarisProxy(world.restCatalogUri, { vend, meddle }))
  const { document, add, offsets } = topicIn(polarisPlace(world, proxy.endpoint), 'strange')
  for (let i = 0; i < strange.length + 1; i++) {
    await add(i * 3, 3)
    expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
  }
  expect(commits).toBeGreaterThan(strange.length)
  expect(await offsets()).toEqual(upTo((strange.length + 1) * 3))
})

describe('a token that is revoked in the middle', () => {
  test('is followed by a new one, and nothing is told', async () => {
    const { vend } = await world.vendor({ lifeMs: hourMs })
    let commits = 0
    const proxy = kept(await polarisProxy(world.restCatalogUri, { vend, meddle: async (_, forward) => (commits++, await forward()) }))
    const { document, add, offsets } = topicIn(polarisPlace(world, proxy.endpoint), 'revoked')
    await add(0, 3)
    const stop = new AbortController()
    const running = runUntil(stop.signal, {
      ...document,
      spec: { ...document.spec, processing: { ...document.spec.processing, commitIntervalSeconds: 1 } },
    })
    await vi.waitUntil(() => commits > 0, { timeout: 200_000 })
    proxy.tokens.revoke()
    await add(3, 3)
    await vi.waitUntil(() => commits > 1, { timeout: 200_000 })
    await new Promise((resolve) => setTimeout(resolve, 500))
    stop.abort()
    expect(await running).toMatchObject({ errors: '', ok: true })
    expect(proxy.tokens.issued).toHaveLength(2)
    expect(await offsets()).toEqual(upTo(6))
  })

  test('with its client is told with what to check, and all goes on once the client is known again', async () => {
    const { vend } = await world.vendor({ lifeMs: hourMs })
    let commits = 0
    const proxy = kept(await polarisProxy(world.restCatalogUri, { vend, meddle: async (_, forward) => (commits++, await forward()) }))
    const { document, add, offsets } = topicIn(polarisPlace(world, proxy.endpoint), 'disowned')
    await add(0, 3)
    const stop = new AbortController()
    const journal = memoryJournal()
    const often = { ...document.spec, processing: { ...document.spec.processing, commitIntervalSeconds: 1 } }
    const running = runUntil(stop.signal, { ...document, spec: often }, { journal })
    await vi.waitUntil(() => commits > 0, { timeout: 200_000 })
    const asked = () => proxy.seen.filter(({ path }) => path.endsWith('/v1/oauth/tokens')).length
    const before = asked()
    proxy.tokens.setKnown(false)
    proxy.tokens.revoke()
    await add(3, 3)
    await vi.waitUntil(() => asked() > before && journal.lines.some(({ level }) => level === 'warn'), { timeout: 200_000 })
    proxy.tokens.setKnown(true)
    await vi.waitUntil(() => commits > 1, { timeout: 200_000 })
    await new Promise((resolve) => setTimeout(resolve, 500))
    stop.abort()
    expect(await running).toMatchObject({ ok: true })
    const told = journal.lines.filter(({ level }) => level === 'warn').map(({ fields }) => String(fields['error']))
    expect(told[0]).toMatch(
      /getting a token for client polaris-client: .* answered 401 \(unauthorized_client: The client is not authorized\)\. Check oauth2\.clientId/,
    )
    expect(await offsets()).toEqual(upTo(6))
  })

  test('stops with what to check where nothing new is to be had', async () => {
    const { vend } = await world.vendor({ lifeMs: hourMs })
    const proxy = kept(await polarisProxy(world.restCatalogUri, { vend }))
    const place = polarisPlace(world, proxy.endpoint)
    const { catalog } = place.sink as { catalog: { oauth2: object } }
    const wrong = { ...place, sink: { catalog: { ...catalog, oauth2: { ...catalog.oauth2, clientSecret: 'withdrawn-secret' } } } }
    const { document, add } = topicIn(wrong, 'withdrawn')
    await add(0, 1)
    const stopped = await runOnce(document)
    expect(stopped.ok).toBe(false)
    expect(stopped.errors).toMatch(
      /getting a token for client polaris-client: .* answered 401 \(unauthorized_client: The client is not authorized\)\. Check oauth2\.clientId/,
    )
    expect(stopped.errors).not.toContain('withdrawn-secret')
  })
})

describe('endpoints that can not be written to', () => {
  test('Unity’s older endpoint is accepted, and the error names the one that writes', async () => {
    const proxy = kept(await unityProxy(world.restCatalogUri, { readOnly: true }))
    const { document, add } = topicIn(unityPlace(world, proxy.endpoint), 'read_only')
    await add(0, 1)
    const stopped = await runOnce(document)
    expect(stopped.ok).toBe(false)
    expect(stopped.errors).toContain(
      `this endpoint of Unity Catalog only reads; Databricks takes writes at ${proxy.url}/api/2.1/unity-catalog/iceberg-rest: set spec.sink.catalog.endpoint`,
    )
  })

  test('a wrong host of Databricks’ redirects to a login page, which is said', async () => {
    const proxy = kept(await unityProxy(world.restCatalogUri, {}))
    const { document, add } = topicIn(unityPlace(world, `${proxy.url}/wrong`), 'redirected')
    await add(0, 1)
    expect((await runOnce(document)).errors).toMatch(/answered 302 .*Redirects \(to accounts\.databricks\.example\) are not followed/)
  })
})

test('keys that a catalog gives open their own table alone', async () => {
  const { vend } = await world.vendor({ lifeMs: hourMs })
  const elsewhere = await vend(`s3://${world.bucket}/warehouse/somebody-else/table`)
  const proxy = kept(await polarisProxy(world.restCatalogUri, { vend: async () => elsewhere }))
  const { document, add } = topicIn(polarisPlace(world, proxy.endpoint), 'confined')
  await add(0, 1)
  const stopped = await runOnce(document)
  expect(stopped.ok).toBe(false)
  expect(stopped.errors).toMatch(/AccessDenied|403/)
})
