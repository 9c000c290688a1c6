import { describe, expect, it } from 'vitest'
import { stringifyJson } from '../../../../src/formats/json/exact.ts'
import { idempotencyKey, simpleTable } from '../../../conformance/catalog.ts'
import { errorBody } from './rest-server.ts'
import type { StandIn } from './rest-server.ts'
import { table, world } from './rest-world.ts'

const commitTo = { requirements: [], updates: [], idempotencyKey: idempotencyKey() }

describe('an endpoint that only reads', () => {
  it.each([404, 405, 501])('is told from a missing table by its answer %i, and the one that writes is named', async (status) => {
    const { catalog } = await world({ standIn: ({ method }) => (method === 'POST' ? { status, body: 'no handler' } : undefined) })
    const outcome = await catalog.commitTable(table, commitTo)
    expect(outcome).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('this endpoint of the Iceberg REST catalog only reads; name the endpoint that writes'),
    })
    await expect(catalog.createTable(table, simpleTable)).rejects.toMatchObject({
      retry: 'never',
      message: expect.stringContaining('only reads'),
    })
  })

  it('is told from a refusal in its own words, where it lists no endpoint for commits', async () => {
    const { catalog } = await world({
      config: { defaults: {}, overrides: {}, endpoints: ['GET /v1/{prefix}/namespaces'] },
      standIn: ({ method }) => (method === 'POST' ? { status: 400, body: errorBody(400, 'BaseException', 'writes are off') } : undefined),
    })
    await expect(catalog.ensureNamespace(['db'])).rejects.toMatchObject({
      retry: 'never',
      message: expect.stringMatching(/writes are off.*only reads/),
    })
  })

  it('of Unity names the endpoint beside it', async () => {
    const { catalog, server } = await world({ standIn: ({ path, method }) => unityAnswer(path, method) }, (endpoint) => ({
      product: 'unity',
      endpoint: `${endpoint}/api/2.1/unity-catalog/iceberg`,
    }))
    expect(await catalog.commitTable({ namespace: ['db'], name: 'orders' }, commitTo)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining(
        `Databricks takes writes at ${server.endpoint}/api/2.1/unity-catalog/iceberg-rest: set spec.sink.catalog.endpoint`,
      ),
    })
  })
})

function unityAnswer(path: string, method: string): StandIn {
  if (path.includes('/v1/config')) return { status: 200, body: '{"defaults":{},"overrides":{"prefix":"catalogs/main"}}' }
  return method === 'POST' ? { status: 403, body: errorBody(403, 'ForbiddenException', 'not allowed') } : undefined
}

describe('what a catalog remembers and pages', () => {
  it('sends the ETag of the last answer and takes 304 for it, save where it is to look afresh', async () => {
    const conditions: (string | undefined)[] = []
    let answers: StandIn[] = []
    const { catalog } = await world({
      standIn: ({ method, path, headers }) => {
        if (method !== 'GET' || !path.includes('/tables/')) return undefined
        conditions.push(headers['if-none-match'])
        return answers.shift()
      },
    })
    await catalog.ensureNamespace(table.namespace)
    const created = await catalog.createTable(table, simpleTable)
    if (created.kind !== 'created') throw new Error('the table exists')
    const body = stringifyJson({ metadata: created.table.metadata, 'metadata-location': 's3://lake/m.json' })
    answers = [{ status: 200, headers: { etag: '"1"' }, body }, { status: 304 }]
    const [first, second] = [await catalog.loadTable(table), await catalog.loadTable(table)]
    expect(second).toBe(first)
    expect(await catalog.loadTable(table, { fresh: true })).not.toBe(first)
    expect(await catalog.loadTable(table)).toEqual(await catalog.loadTable(table))
    // The fresh answer had no ETag, so nothing is remembered.
    expect(conditions).toEqual([undefined, '"1"', undefined, undefined, undefined])
  })

  it('follows the pages of a listing to their end', async () => {
    const pages: Record<string, object> = {
      '': { identifiers: [{ namespace: ['db'], name: 'a' }], 'next-page-token': 'p/2' },
      'p/2': { identifiers: [{ namespace: ['db'], name: 'b' }], 'next-page-token': 'p3' },
      p3: { identifiers: [], 'next-page-token': null },
    }
    const { catalog, requests } = await world({
      standIn: ({ path }) => {
        const token = /pageToken=([^&]*)/.exec(path)?.[1]
        return token === undefined ? undefined : { status: 200, body: JSON.stringify(pages[decodeURIComponent(token)]) }
      },
    })
    expect(await catalog.listTables(['db'])).toEqual(['a', 'b'])
    expect(requests().map(({ path }) => path)).toEqual([
      '/v1/namespaces/db/tables?pageToken=',
      '/v1/namespaces/db/tables?pageToken=p%2F2',
      '/v1/namespaces/db/tables?pageToken=p3',
    ])
  })
})

describe('where a table lies', () => {
  it.each([
    ['s3://lake/db/', 's3://lake/db/orders'],
    ['s3a://lake/db', undefined],
  ])('is worked out from the namespace where the catalog wants to be told, as it takes it: %s', async (location, expected) => {
    const { catalog, requests } = await world(
      {
        standIn: ({ method, path }) =>
          method === 'GET' && path.endsWith('/namespaces/db')
            ? { status: 200, body: JSON.stringify({ namespace: ['db'], properties: { location } }) }
            : undefined,
      },
      { product: 'glue', auth: { kind: 'bearer', token: () => undefined } },
    )
    const created = catalog.createTable({ namespace: ['db'], name: 'orders' }, simpleTable)
    const reason = 'its namespace has s3a://lake/db, which is none of s3://; set spec.sink.tables.location'
    await expect(created).rejects.toThrow(expected === undefined ? reason : 'answered 404')
    const sent = requests().filter(({ method }) => method === 'POST')
    expect(sent.map(({ body }) => (JSON.parse(body) as { location: string }).location)).toEqual(expected === undefined ? [] : [expected])
  })

  it('is asked of the user where nothing tells it', async () => {
    const { catalog } = await world({}, { product: 'glue', auth: { kind: 'bearer', token: () => undefined } })
    await catalog.ensureNamespace(['db'])
    await expect(catalog.createTable({ namespace: ['db'], name: 'orders' }, simpleTable)).rejects.toThrow(
      'creating db.orders: AWS Glue wants to be told where a table lies, and its namespace has no location; set spec.sink.tables.location',
    )
  })

  it('that is taken by the same table, made by somebody else at once, says that the table exists', async () => {
    const body = errorBody(
      403,
      'ForbiddenException',
      "Unable to create table at location 's3://a' because it conflicts with existing table or namespace at location 's3://a/'",
    )
    const { catalog } = await world({
      standIn: ({ method, path, body: sent }) =>
        method === 'POST' && path.endsWith('/tables') && !sent.includes('"name":"first"') ? { status: 403, body } : undefined,
    })
    await catalog.ensureNamespace(['db'])
    await catalog.createTable({ namespace: ['db'], name: 'first' }, simpleTable)
    await expect(catalog.createTable({ namespace: ['db'], name: 'second' }, simpleTable)).rejects.toMatchObject({
      message: expect.stringMatching(/conflicts with existing table .* drop it, or give the topic's mapping another name as table/),
      retry: 'never',
      lacking: undefined,
    })
    const other = await world({
      standIn: ({ method, path }) => {
        if (method === 'POST' && path.endsWith('/tables')) return { status: 403, body }
        return method === 'GET' && path.includes('/tables/first') ? { status: 200, body: stringifyJson({ metadata }) } : undefined
      },
    })
    const metadata = (await catalog.loadTable({ namespace: ['db'], name: 'first' }))?.metadata
    expect(await other.catalog.createTable({ namespace: ['db'], name: 'first' }, simpleTable)).toEqual({ kind: 'exists' })
  })

  it('drops a table with its files, and without them where the catalog does not purge', async () => {
    for (const [product, statuses, purges] of [
      ['rest', [204], ['true']],
      ['rest', [400, 204], ['true', 'false']],
      ['polaris', [204], ['false']],
    ] as const) {
      const answers = [...statuses]
      const { catalog, requests } = await world(
        { standIn: ({ method }) => (method === 'DELETE' ? { status: answers.shift() ?? 500 } : undefined) },
        { product, auth: { kind: 'bearer', token: () => undefined } },
      )
      await catalog.dropTable(table)
      const drops = requests().filter(({ method }) => method === 'DELETE')
      expect(drops.map(({ path }) => path.replace(/.*purgeRequested=/, ''))).toEqual(purges)
    }
  })
})
