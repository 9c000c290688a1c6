import { afterEach, describe, expect, it } from 'vitest'
import { restCatalog } from '../../../../src/drivers/catalog/rest.ts'
import type { RestCatalogOptions } from '../../../../src/drivers/catalog/rest.ts'
import { systemClock } from '../../../../src/drivers/clock/system.ts'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import type { TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import type { Catalog, CommitOutcome } from '../../../../src/seams/catalog.ts'
import type { Clock } from '../../../../src/seams/clock.ts'
import { appendRequirements, appendUpdates, catalogConformance, idempotencyKey, simpleTable } from '../../../conformance/catalog.ts'
import { errorBody, restServer } from './rest-server.ts'
import type { RestServer, SeenRequest, StandIn } from './rest-server.ts'

const table = { namespace: ['db', 'eu'], name: 'a table/ß' }
const secret = 'secret-bearer-token'
const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

catalogConformance('the REST catalog', async () => {
  const server = await restServer()
  const open = (): Catalog => restCatalog({ endpoint: server.endpoint, clock: systemClock })
  const [catalog, other] = [open(), open()]
  return {
    catalog,
    other,
    async close() {
      await catalog.close()
      await other.close()
      await server.close()
    },
  }
})

/** Sleeps by moving its own time on: what would take minutes takes none. */
function instantClock(): Clock & { readonly slept: number[] } {
  const clock = virtualClock(Date.now())
  const slept: number[] = []
  let passed = 0
  return {
    slept,
    now: () => clock.now() + passed,
    async sleep(ms) {
      if (ms > 0) slept.push(ms)
      passed += ms
    },
  }
}

interface World {
  readonly server: RestServer
  readonly catalog: Catalog
  readonly clock: ReturnType<typeof instantClock>
  /** Requests that are not for the configuration. */
  requests(): SeenRequest[]
}

async function world(server: Parameters<typeof restServer>[0] = {}, options: Partial<RestCatalogOptions> = {}): Promise<World> {
  const running = await restServer(server)
  const clock = instantClock()
  const catalog = restCatalog({ endpoint: running.endpoint, clock, ...options })
  closers.push(
    () => catalog.close(),
    () => running.close(),
  )
  return { server: running, catalog, clock, requests: () => running.seen.filter((request) => !request.path.startsWith('/v1/config')) }
}

/** A world with a table, in which commits are answered by `standIn`. */
async function oneTable(standIn: (request: SeenRequest) => StandIn, options: Partial<RestCatalogOptions> = {}) {
  const isCommit = (request: SeenRequest): boolean => request.method === 'POST' && /\/tables\/./.test(request.path)
  const made = await world({ standIn: (request) => (isCommit(request) ? standIn(request) : undefined) }, options)
  await made.catalog.ensureNamespace(table.namespace)
  const created = await made.catalog.createTable(table, simpleTable)
  if (created.kind !== 'created') throw new Error('the table exists')
  const { metadata } = created.table
  return { ...made, metadata, append: () => append(made.catalog, metadata), commits: () => made.requests().filter(isCommit) }
}

function append(catalog: Catalog, parent: TableMetadata): Promise<CommitOutcome> {
  return catalog.commitTable(table, {
    requirements: appendRequirements(parent),
    updates: appendUpdates(parent),
    idempotencyKey: idempotencyKey(),
  })
}

describe('what the REST catalog sends', () => {
  it('asks once for the configuration of its warehouse', async () => {
    const { catalog, server } = await world({}, { warehouse: 's3://a b/c' })
    await catalog.loadTable(table)
    await catalog.loadTable(table)
    expect(server.seen.filter((request) => request.path.includes('config')).map((request) => request.path)).toEqual([
      '/v1/config?warehouse=s3%3A%2F%2Fa%20b%2Fc',
    ])
  })

  it('takes the prefix as it stands, an override before a default, and joins levels with the unit separator', async () => {
    const { catalog, requests } = await world({ config: { defaults: { prefix: 'no' }, overrides: { prefix: '/catalogs/my%3Acat/' } } })
    await catalog.loadTable(table)
    expect(requests()[0]?.path).toBe('/v1/catalogs/my%3Acat/namespaces/db%1Feu/tables/a%20table%2F%C3%9F?snapshots=all')
  })

  it('joins levels with the separator that the catalog names', async () => {
    const { catalog, requests } = await world({ config: { defaults: {}, overrides: { 'namespace-separator': '%2E' } } })
    await catalog.loadTable(table)
    expect(requests()[0]?.path).toContain('/namespaces/db%2Eeu/tables/')
  })

  it('sends the token that is current, the headers it was given and the access it wants', async () => {
    const tokens = ['one', 'two', 'three\n']
    const { catalog, server } = await world(
      {},
      { token: () => tokens.shift(), headers: { 'Polaris-Realm': 'POLARIS' }, accessDelegation: 'vended-credentials' },
    )
    await catalog.loadTable(table)
    await catalog.loadTable(table)
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer one', 'Bearer two', 'Bearer three'])
    expect(server.seen.map(({ headers }) => headers['polaris-realm'])).toEqual(['POLARIS', 'POLARIS', 'POLARIS'])
    expect(server.seen.map(({ headers }) => headers['x-iceberg-access-delegation'])).toEqual([
      undefined,
      'vended-credentials',
      'vended-credentials',
    ])
  })

  it('sends a commit with its table, requirements and updates, every digit of them', async () => {
    const { commits, catalog } = await oneTable(() => undefined)
    await catalog.commitTable(table, {
      requirements: [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null }],
      updates: [{ action: 'remove-snapshots', 'snapshot-ids': [9_223_372_036_854_775_807n] }],
      idempotencyKey: idempotencyKey(),
    })
    expect(commits().map((request) => request.body)).toEqual([
      '{"identifier":{"namespace":["db","eu"],"name":"a table/ß"},' +
        '"requirements":[{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":null}],' +
        '"updates":[{"action":"remove-snapshots","snapshot-ids":[9223372036854775807]}]}',
    ])
    expect(commits()[0]?.headers).not.toHaveProperty('idempotency-key')
  })

  it('sends an idempotency key only where the catalog gives it a lifetime', async () => {
    const { catalog, requests } = await world({ config: { defaults: {}, overrides: {}, 'idempotency-key-lifetime': 'PT30M' } })
    const key = idempotencyKey()
    await catalog.commitTable(table, { requirements: [], updates: [], idempotencyKey: key })
    expect(requests()[0]?.headers['idempotency-key']).toBe(key)
  })

  it('creates what is missing of a nested namespace, and takes a 409 for done', async () => {
    const { catalog, requests } = await world({
      standIn: (request) =>
        request.body.includes('"db","eu"') ? { status: 409, body: errorBody(409, 'AlreadyExistsException', 'x') } : undefined,
    })
    await catalog.ensureNamespace(table.namespace)
    expect(requests().map(({ method, path, body }) => [method, path, body])).toEqual([
      ['GET', '/v1/namespaces/db%1Feu', ''],
      ['GET', '/v1/namespaces/db', ''],
      ['POST', '/v1/namespaces', '{"namespace":["db"],"properties":{}}'],
      ['POST', '/v1/namespaces', '{"namespace":["db","eu"],"properties":{}}'],
    ])
  })

  it('uses a bounded number of connections', async () => {
    const { catalog, server } = await world()
    await Promise.all(Array.from({ length: 100 }, () => catalog.loadTable(table)))
    expect(server.connections()).toBeLessThanOrEqual(8)
  })
})

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

describe('what the REST catalog makes of answers to a commit', () => {
  const error = (status: number, type: string, message: string): StandIn => ({ status, body: errorBody(status, type, message) })

  it.each<[string, StandIn, CommitOutcome['kind'], RegExp]>([
    [
      '409',
      error(409, 'CommitFailedException', 'main has changed'),
      'conflict',
      /answered 409 \(CommitFailedException: main has changed\)$/,
    ],
    [
      '400 for a stale sequence number',
      error(400, 'ValidationException', 'Cannot add snapshot with sequence number 5 older than last sequence number 5'),
      'conflict',
      /answered 400/,
    ],
    ['400 with an unknown state', error(400, 'CommitStateUnknownException', 'x'), 'unknown', /answered 400/],
    ['500', error(500, 'InternalServerError', 'x'), 'unknown', /answered 500/],
    ['502 with an HTML page', { status: 502, body: '<html>' }, 'unknown', /an HTML or XML page/],
    ['503', { status: 503 }, 'unknown', /an empty body/],
    ['504', { status: 504 }, 'unknown', /answered 504/],
    [
      '200 without a table',
      { status: 200, body: '{"ok":true}' },
      'unknown',
      /answered 200, and not with a table: .*metadata: expected an object, found nothing/,
    ],
    ['200 cut short', { status: 200, body: '{"metadata":{"forma' }, 'unknown', /not JSON: it ends too early/],
    ['204', { status: 204 }, 'unknown', /it is empty/],
    ['400', error(400, 'BadRequestException', 'no such column'), 'refused', /answered 400 \(BadRequestException: no such column\)$/],
    ['401 with an empty body', { status: 401 }, 'refused', /answered 401 \(an empty body\)\. Check the token/],
    [
      '403',
      error(403, 'ForbiddenException', 'lacks TABLE_WRITE_DATA'),
      'refused',
      /lacks TABLE_WRITE_DATA\)\. The token is known, but lacks the right/,
    ],
    ['404', error(404, 'NoSuchTableException', 'gone'), 'refused', /NoSuchTableException: gone/],
    ['419', { status: 419 }, 'refused', /The token has expired: renew it/],
    ['a redirect', { status: 307, headers: { location: '/login' } }, 'refused', /Redirects \(to another path\) are not followed/],
    ['a reset', 'reset', 'unknown', /failed \(.*\)$/],
  ])('takes %s as it must, and never sends a commit twice', async (_what, answer, kind, reason) => {
    const { append: commit, commits } = await oneTable(() => answer)
    expect(await commit()).toMatchObject({ kind, reason: expect.stringMatching(reason) })
    expect(commits()).toHaveLength(1)
  })

  it('does not know what became of a commit that is not answered in time', async () => {
    const { append: commit, commits } = await oneTable(() => 'hang', { timeoutMs: 200 })
    expect(await commit()).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('no answer within 200 ms') })
    expect(commits()).toHaveLength(1)
  })

  it('knows that a commit which found no catalog was not made', async () => {
    const { append: commit, server } = await oneTable(() => undefined)
    await server.close()
    await expect(commit()).rejects.toMatchObject({ retry: 'later', message: expect.stringContaining('ECONNREFUSED') })
  })

  it('throws what is to be tried later where the catalog is overloaded, and stays away as long as it was asked to', async () => {
    const answers: StandIn[] = [{ status: 429, headers: { 'retry-after': '13' } }]
    const { append: commit, commits, clock } = await oneTable(() => answers.shift())
    await expect(commit()).rejects.toMatchObject({ retry: 'later', message: expect.stringContaining('answered 429') })
    expect((await commit()).kind).toBe('committed')
    expect(commits()).toHaveLength(2)
    expect(clock.slept).toEqual([expect.closeTo(13_000, -2)])
  })

  it('refuses to commit where the catalog lists its endpoints and none is for commits', async () => {
    const { catalog, requests } = await world({ config: { defaults: {}, overrides: {}, endpoints: ['GET /v1/{prefix}/namespaces'] } })
    const outcome = await catalog.commitTable(table, { requirements: [], updates: [], idempotencyKey: idempotencyKey() })
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining('only reads') })
    expect(requests()).toHaveLength(0)
  })

  it('never tells a token or a header, whatever the catalog echoes', async () => {
    const echo = ({ headers }: SeenRequest): StandIn =>
      error(400, 'BadRequestException', `you sent ${headers.authorization} and ${String(headers['x-api-key'])}`)
    const { append: commit } = await oneTable(echo, { token: () => secret, headers: { 'X-Api-Key': 'another-secret' } })
    const outcome = await commit()
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining('you sent Bearer *** and ***') })
  })
})

describe('what the REST catalog makes of answers to a creation', () => {
  it('sends it once, and leaves it to be looked for where the answer was lost', async () => {
    const { catalog, requests } = await world({ standIn: ({ method }) => (method === 'POST' ? 'reset' : undefined) })
    await expect(catalog.createTable(table, simpleTable)).rejects.toMatchObject({ retry: 'later' })
    expect(requests()).toHaveLength(1)
  })

  it('proposes schema, spec, order, location and properties', async () => {
    const { catalog, requests } = await world()
    await catalog.ensureNamespace(table.namespace)
    const partitionSpec = { 'spec-id': 0, fields: [{ 'source-id': 1, 'field-id': 1000, name: 'o', transform: 'bucket[4]' }] }
    await catalog.createTable(table, { ...simpleTable, partitionSpec, location: 's3://lake/own', properties: { a: 'b' } })
    expect(JSON.parse(requests().at(-1)?.body ?? '')).toEqual({
      name: table.name,
      location: 's3://lake/own',
      schema: simpleTable.schema,
      'partition-spec': partitionSpec,
      'stage-create': false,
      properties: { a: 'b' },
    })
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
