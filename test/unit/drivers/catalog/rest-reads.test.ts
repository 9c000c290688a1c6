import { describe, expect, it } from 'vitest'
import type { StandIn } from './rest-server.ts'
import { table, world } from './rest-world.ts'

describe('what the REST catalog makes of answers to reads', () => {
  it('lays the credentials of the longest prefix over the table’s configuration', async () => {
    const { catalog } = await world({
      standIn: ({ path, method }) => {
        if (method !== 'GET' || !path.includes('/tables/')) return undefined
        return { status: 200, body: tableAnswer }
      },
    })
    expect((await catalog.loadTable(table))?.config).toEqual({ region: 'x', key: 'long', endpoint: 'e' })
  })

  it('takes from the configuration of all what it says of the files’ server, where the table says nothing else, and where it is no default', async () => {
    const { catalog } = await world({
      config: { defaults: { 's3.endpoint': 'd' }, overrides: { 'client.region': 'eu-1', 's3.path-style-access': 'true', uri: undefined } },
      standIn: ({ path, method }) =>
        method === 'GET' && path.includes('/tables/')
          ? { status: 200, body: tableAnswer.replace('"key":"none"', '"client.region":"own"') }
          : undefined,
    })
    expect((await catalog.loadTable(table))?.config).toMatchObject({ 'client.region': 'own', 's3.path-style-access': 'true' })
    expect((await catalog.loadTable(table))?.config).not.toHaveProperty('s3.endpoint')
  })

  it.each(['reset', { status: 503 }, { status: 429, headers: { 'retry-after': '7' } }] as StandIn[])(
    'repeats a read after %j',
    async (first) => {
      const faults = [first, first]
      const { catalog, clock, requests } = await world({ standIn: ({ path }) => (path.includes('/tables/') ? faults.shift() : undefined) })
      expect(await catalog.loadTable(table)).toBeNull()
      expect(requests()).toHaveLength(3)
      const slept = clock.slept.reduce((sum, ms) => sum + ms, 0)
      expect(slept).toBeGreaterThanOrEqual(typeof first === 'object' && first.status === 429 ? 14_000 : 1_250)
    },
  )

  it('gives up a read after four tries, and says what it met', async () => {
    const { catalog, requests, server } = await world({
      standIn: ({ path }) => (path.includes('/tables/') ? { status: 502, body: '<html>Bad gateway</html>' } : undefined),
    })
    const place = server.endpoint.replace('http://', '')
    await expect(catalog.loadTable(table)).rejects.toMatchObject({
      retry: 'later',
      message: `loading db.eu.a table/ß: GET ${place}/v1/namespaces/db%1Feu/tables/a%20table%2F%C3%9F answered 502 (an HTML or XML page, not an Iceberg error)`,
    })
    expect(requests()).toHaveLength(4)
  })

  it('does not wait longer than a minute, whatever the catalog asks for', async () => {
    const faults: StandIn[] = [{ status: 503, headers: { 'retry-after': '86400' } }]
    const { catalog, clock } = await world({ standIn: ({ path }) => (path.includes('/tables/') ? faults.shift() : undefined) })
    await catalog.loadTable(table)
    expect(Math.max(...clock.slept)).toBeLessThanOrEqual(60_000)
  })

  it('says that a catalog is out of reach, and tries again at the next call', async () => {
    const { catalog, server } = await world()
    await server.close()
    await expect(catalog.loadTable(table)).rejects.toMatchObject({
      retry: 'later',
      message: expect.stringMatching(
        /^asking the catalog for its configuration: GET 127\.0\.0\.1:\d+\/v1\/config failed \(.*ECONNREFUSED.*\), 4 times$/,
      ),
    })
  })

  it('takes a 404 that is no Iceberg error for a wrong endpoint, not for a missing table', async () => {
    const { catalog } = await world({
      standIn: ({ path }) => (path.includes('/tables/') ? { status: 404, body: 'no such route' } : undefined),
    })
    await expect(catalog.loadTable(table)).rejects.toMatchObject({
      retry: 'never',
      message: expect.stringContaining('answered 404 (not an Iceberg error: no such route)'),
    })
  })

  it('does not follow a redirect, and says what it means', async () => {
    const { catalog, requests } = await world({
      standIn: ({ path }) =>
        path.includes('/tables/') ? { status: 302, headers: { location: 'https://login.example/?token=x' } } : undefined,
    })
    await expect(catalog.loadTable(table)).rejects.toThrow(
      /answered 302 .*Redirects \(to login\.example\) are not followed: the endpoint is probably the wrong host/,
    )
    expect(requests()).toHaveLength(1)
  })

  it.each([
    ['an HTML page', '<html>log in</html>', /the answer to GET .*config is not JSON: .*Is the endpoint that of an Iceberg REST catalog\?/],
    ['something else', '{"defaults":[]}', /config: defaults: expected an object, found a list/],
  ])('says that an endpoint is not a catalog’s where its configuration is %s', async (_what, body, message) => {
    const { catalog } = await world({ standIn: () => ({ status: 200, body }) })
    await expect(catalog.loadTable(table)).rejects.toThrow(message)
  })

  it('names the field of a table that it can not read', async () => {
    const { catalog } = await world({
      standIn: ({ path }) => (path.includes('/tables/') ? { status: 200, body: '{"metadata":{"format-version":2}}' } : undefined),
    })
    await expect(catalog.loadTable(table)).rejects.toThrow(/metadata: table-uuid: expected a string, found nothing/)
  })
})

const tableAnswer = `{
  "metadata-location": "s3://lake/t/metadata/00000-x.metadata.json",
  "metadata": {"format-version":2,"table-uuid":"u","location":"s3://lake/t","last-sequence-number":0,"last-updated-ms":1,"last-column-id":0,
    "current-schema-id":0,"schemas":[{"type":"struct","schema-id":0,"fields":[]}],"default-spec-id":0,"partition-specs":[{"spec-id":0,"fields":[]}],
    "last-partition-id":999,"default-sort-order-id":0,"sort-orders":[{"order-id":0,"fields":[]}]},
  "config": {"region":"x","key":"none"},
  "storage-credentials": [{"prefix":"s3","config":{"key":"short"}},{"prefix":"s3://lake/t","config":{"key":"long","endpoint":"e"}},{"prefix":"gs","config":{"key":"other"}}]
}`
