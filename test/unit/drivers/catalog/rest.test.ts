import { describe, expect, it } from 'vitest'
import { restCatalog } from '../../../../src/drivers/catalog/rest.ts'
import { systemClock } from '../../../../src/drivers/clock/system.ts'
import type { Catalog } from '../../../../src/seams/catalog.ts'
import { restProfiles } from '../../../../src/drivers/catalog/profiles.ts'
import { catalogConformance, idempotencyKey, simpleTable } from '../../../conformance/catalog.ts'
import { errorBody, restServer } from './rest-server.ts'
import { oneTable, table, world } from './rest-world.ts'

catalogConformance('the REST catalog', restProfiles.rest, async () => {
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
      {
        auth: { kind: 'bearer', token: () => tokens.shift() },
        headers: () => ({ 'Polaris-Realm': 'POLARIS' }),
        accessDelegation: 'vended-credentials',
      },
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
