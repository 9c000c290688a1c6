import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import type { CreateTableRequest } from '../../src/seams/catalog.ts'
import { appendRequirements, appendUpdates, idempotencyKey, simpleTable } from '../conformance/catalog.ts'
import { glueProxy } from './catalogs/glue.ts'
import { awsPlace, polarisPlace, unityPlace } from './catalogs/places.ts'
import { polarisProxy } from './catalogs/polaris.ts'
import type { PolicyProxy } from './catalogs/policy-proxy.ts'
import { s3tablesProxy } from './catalogs/s3tables.ts'
import { awsKeys } from './catalogs/servers.ts'
import { unityProxy } from './catalogs/unity.ts'
import { addSegment, documentOf, type Place, restOnS3, runOnce, s3Settings, withCatalog } from './program.ts'

// What catalogs refuse of what others write, or of what became of a table, and what our program says where it meets it.

let directory: string
const proxies: PolicyProxy[] = []
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'catalog-refusals-'))
  vi.stubEnv('AWS_ACCESS_KEY_ID', awsKeys.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', awsKeys.secretAccessKey)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  for (const proxy of proxies) await proxy.close()
  await rm(directory, { recursive: true, force: true })
})

const behind = () => ({ s3: inject('s3'), restCatalogUri: inject('restCatalogUri') })

/** A proxy that is closed in the end, and its place with keys of the document's. */
function placed(placeOf: (world: ReturnType<typeof behind>, endpoint: string) => Place, proxy: PolicyProxy): Place {
  proxies.push(proxy)
  const { sink, reader } = placeOf(behind(), proxy.endpoint)
  const storage = s3Settings(inject('s3'))
  return { sink: { catalog: { ...sink.catalog, accessDelegation: 'none' }, storage }, reader }
}

const newDatabase = () => `refusals_${randomUUID().slice(0, 8)}`

/** A run over a segment of topic `orders` into a table of that name. */
async function run(place: Place, database: string, tables?: object) {
  const source = join(directory, database)
  await addSegment(source, { topic: 'orders', partition: 0 }, 0n, [{ value: Buffer.from('v') }])
  return runOnce(documentOf({ place, source: { directory: source }, database, tables }))
}

/** The catalog of a place, or the one behind. */
function within<T>(place: Place, database: string, use: Parameters<typeof withCatalog<T>>[1]): Promise<T> {
  return withCatalog(documentOf({ place, source: { directory }, database }), use)
}

test('Polaris has no table where another table lies, and the program says what to do', async () => {
  const place = placed(polarisPlace, await polarisProxy(inject('restCatalogUri'), {}))
  const database = newDatabase()
  const [orders, renamed] = ['orders', 'renamed'].map((name) => ({ namespace: [database], name }))
  await within(restOnS3(), database, async (catalog) => {
    await catalog.ensureNamespace([database])
    const asked = await catalog.createTable({ namespace: [database], name: 'asked' }, simpleTable)
    if (asked.kind !== 'created') throw new Error('it exists')
    // As after a table was renamed: it stays where it was.
    const location = asked.table.metadata.location.replace(/asked$/, 'orders')
    await catalog.createTable(renamed, { ...simpleTable, location })
  })
  const stopped = await run(place, database)
  expect(stopped.ok).toBe(false)
  expect(stopped.errors).toMatch(
    /answered 403 \(ForbiddenException: Unable to create table at location '\S+\/orders' because it conflicts with existing table or namespace at location '\S+\/orders\/'\)\. The catalog's other table or namespace keeps that place, also where it was renamed since: drop it, or give the topic's mapping another name as table/,
  )
  expect(stopped.errors).not.toContain('grant')

  await within(place, database, async (catalog) => {
    // A namespace of the same name is no table, and what does not overlap is created, also where its name begins in the same way.
    await catalog.ensureNamespace([database, 'spaced'])
    for (const name of ['spaced', 'orders_2']) {
      expect(await catalog.createTable({ namespace: [database], name }, simpleTable)).toMatchObject({ kind: 'created' })
    }
    await catalog.dropTable(renamed)
  })
  expect(await run(place, database)).toMatchObject({ errors: '', ok: true })
  await within(place, database, async (catalog) => expect(await catalog.loadTable(orders)).not.toBeNull())
})

test('Polaris takes places below the namespace alone, and has names and properties for itself', async () => {
  const place = placed(polarisPlace, await polarisProxy(inject('restCatalogUri'), {}))
  const database = newDatabase()
  await within(place, database, async (catalog) => {
    await catalog.ensureNamespace([database])
    const create = (name: string, request: Partial<CreateTableRequest> = {}) =>
      catalog.createTable({ namespace: [database], name }, { ...simpleTable, ...request })
    const asked = await create('asked')
    if (asked.kind !== 'created') throw new Error('it exists')
    const location = asked.table.metadata.location.replace(/asked$/, 'elsewhere')
    expect(await create('within', { location })).toMatchObject({ kind: 'created', table: { metadata: { location } } })
    await expect(create('outside', { location: 's3://other/outside' })).rejects.toThrow(
      `Invalid locations '[s3://other/outside]' for identifier '${database}.outside': s3://other/outside is not in the list of allowed locations`,
    )
    await expect(create('apart', { properties: { 'write.data.path': 's3://other/apart' } })).rejects.toThrow(
      /answered 403 .*Invalid locations/,
    )
    await expect(create('own', { properties: { 'polaris.own': 'x' } })).rejects.toThrow(/answered 400 .*reserved prefix 'polaris\.'/)
    await expect(create('history')).rejects.toThrow('answered 500 (IllegalStateException')
  })
})

describe('Unity', () => {
  test('takes deletion vectors in tables of version 3, and no other delete files', async () => {
    const place = placed(unityPlace, await unityProxy(inject('restCatalogUri'), {}))
    const database = newDatabase()
    const positions = { 'added-delete-files': '1', 'added-position-delete-files': '1', 'added-position-deletes': '3' }
    const vectors = { 'added-delete-files': '1', 'added-dvs': '1', 'added-position-deletes': '3' }
    await within(place, database, async (catalog) => {
      await catalog.ensureNamespace([database])
      for (const [version, summary, kind] of [
        ['2', positions, 'refused'],
        ['2', vectors, 'refused'],
        ['3', positions, 'refused'],
        ['3', vectors, 'committed'],
      ] as const) {
        const table = { namespace: [database], name: `v${version}` }
        await catalog.createTable(table, { ...simpleTable, properties: { 'format-version': version } })
        const { metadata } = (await catalog.loadTable(table))!
        const rows = metadata['format-version'] === 3 ? { 'first-row-id': 0n, 'added-rows': 0n } : {}
        const updates = appendUpdates(metadata, { summary: { operation: 'delete', ...summary }, ...rows })
        const outcome = await catalog.commitTable(table, {
          requirements: appendRequirements(metadata),
          updates,
          idempotencyKey: idempotencyKey(),
        })
        expect(outcome, `${version} ${JSON.stringify(summary)}`).toMatchObject({ kind })
        if (kind === 'refused') expect(outcome).toMatchObject({ reason: expect.stringContaining('Row-level deletes') })
      }
    })
  })

  test('keeps information_schema for itself, where our program sends nothing', async () => {
    const proxy = await unityProxy(inject('restCatalogUri'), {})
    const place = placed(unityPlace, proxy)
    const stopped = await run(place, 'information_schema')
    expect(stopped.ok).toBe(false)
    expect(stopped.errors).toContain('Unity Catalog keeps names like information_schema for itself; choose another name')
    expect(proxy.seen).toEqual([])

    await within(place, 'elsewhere', async (catalog) => {
      // It is there, so making it is no error, to the program either.
      await catalog.ensureNamespace(['information_schema'])
      await expect(catalog.createTable({ namespace: ['information_schema'], name: 'orders' }, simpleTable)).rejects.toThrow(
        'answered 403 (PermissionDeniedException: PERMISSION_DENIED: information_schema is owned by the system',
      )
    })
  })
})

test('Glue has no table at s3a://, where our program asks for none', async () => {
  const proxy = await glueProxy(inject('restCatalogUri'), { keys: awsKeys })
  const place = placed((world, endpoint) => awsPlace(world, 'glue', endpoint), proxy)
  const database = newDatabase()
  const location = `s3a://${inject('bucket')}/${database}`
  const stopped = await run(place, database, { location })
  expect(stopped.ok).toBe(false)
  expect(stopped.errors).toContain(
    `table ${database}.orders: AWS Glue takes no location that begins with s3a://; write s3:// in spec.sink.tables.location`,
  )
  expect(proxy.seen.filter(({ method, path }) => method === 'POST' && path.endsWith('/tables'))).toEqual([])

  await within(place, database, async (catalog) => {
    await catalog.ensureNamespace([database])
    const made = catalog.createTable({ namespace: [database], name: 'orders' }, { ...simpleTable, location })
    await expect(made).rejects.toThrow('answered 400 (InvalidInputException: Unsupported location scheme: s3a)')
  })
})

test.each([
  { product: 'glue', opened: glueProxy, words: 'InvalidInputException: The size of the Iceberg table metadata exceeds' },
  { product: 's3tables', opened: s3tablesProxy, words: 'BadRequestException: Table metadata file ' },
] as const)('$product takes metadata up to a size, and the program says what makes it smaller', async ({ product, opened, words }) => {
  const placeOf = (world: ReturnType<typeof behind>, endpoint: string) => awsPlace(world, product, endpoint)
  const proxy = await opened(inject('restCatalogUri'), { keys: awsKeys, metadataLimit: 4000 })
  const database = newDatabase()
  await within(placed(placeOf, proxy), database, async (catalog) => {
    const table = { namespace: [database], name: 'orders' }
    const location = product === 'glue' ? `s3://${inject('bucket')}/${database}` : undefined
    await catalog.ensureNamespace([database])
    await catalog.createTable(table, { ...simpleTable, location })
    async function append() {
      const { metadata } = (await catalog.loadTable(table))!
      const updates = appendUpdates(metadata)
      return catalog.commitTable(table, { requirements: appendRequirements(metadata), updates, idempotencyKey: idempotencyKey() })
    }
    let last = await append()
    expect(last).toMatchObject({ kind: 'committed' })
    for (let i = 0; i < 20 && last.kind === 'committed'; i++) last = await append()
    const advice =
      "The table's metadata is too large for the catalog: expire snapshots, by the catalog's own settings where it does that itself"
    expect(last).toMatchObject({ kind: 'refused', reason: expect.stringContaining(`answered 400 (${words}`) })
    expect(last).toMatchObject({ reason: expect.stringContaining(advice) })

    // What makes it smaller is taken.
    const { metadata } = (await catalog.loadTable(table))!
    const old = metadata.snapshots!.slice(0, -1).map((snapshot) => snapshot['snapshot-id'])
    const updates = [{ action: 'remove-snapshots', 'snapshot-ids': old } as const]
    expect(await catalog.commitTable(table, { requirements: [], updates, idempotencyKey: idempotencyKey() })).toMatchObject({
      kind: 'committed',
    })
    expect(await append()).toMatchObject({ kind: 'committed' })
  })
})
