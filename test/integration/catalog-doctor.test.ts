import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { examine } from '../../src/compose/doctor.ts'
import type { Check } from '../../src/pipeline/doctor/check.ts'
import { glueProxy } from './catalogs/glue.ts'
import { awsPlace, polarisPlace, unityPlace } from './catalogs/places.ts'
import { polarisProxy } from './catalogs/polaris.ts'
import type { PolicyProxy, Vend } from './catalogs/policy-proxy.ts'
import { s3tablesProxy, tableBucketArn } from './catalogs/s3tables.ts'
import { awsKeys, startVendingWorld, type VendingWorld } from './catalogs/servers.ts'
import { unityProxy } from './catalogs/unity.ts'
import type { Vendor } from './catalogs/minio-vendor.ts'
import { faultProxy } from './proxy.ts'
import { addSegment, documentOf, type Place, runOnce } from './program.ts'

let world: VendingWorld
let vendor: Vendor
let directory: string
beforeAll(async () => {
  world = await startVendingWorld()
  vendor = await world.vendor({ lifeMs: 3_600_000 })
  directory = await mkdtemp(join(tmpdir(), 'catalog-doctor-'))
  vi.stubEnv('AWS_ACCESS_KEY_ID', awsKeys.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', awsKeys.secretAccessKey)
  await addSegment(join(directory, 'source'), { topic: 'orders', partition: 0 }, 0n, [{ value: Buffer.from('{}') }])
}, 30 * 60_000)
afterAll(async () => {
  vi.unstubAllEnvs()
  await world?.stop()
  await rm(directory, { recursive: true, force: true })
})

const partsOf = (place: Place, database: string, tables?: object) => ({
  place,
  source: { directory: join(directory, 'source') },
  database,
  ...(tables && { tables }),
})

/** What doctor says of a place, of a namespace that is not there yet unless it is named; the proxy is closed after. */
async function examined(proxy: PolicyProxy, placeOf: (endpoint: string) => Place, database = newDatabase(), tables?: object) {
  const checks: Check[] = []
  try {
    const document = documentOf(partsOf(placeOf(proxy.endpoint), database, tables))
    await examine(document, { readOnly: false, signal: new AbortController().signal, tell: (check) => checks.push(check) })
  } finally {
    await proxy.close()
  }
  return checks
}

const newDatabase = () => `doctor_${randomUUID().slice(0, 8)}`

/** The lines that are neither right nor left out, with what to grant for each; names of probe tables are always the same. */
function amiss(checks: readonly Check[]): Record<string, readonly string[]> {
  const found = checks.filter(({ result }) => result === 'failed' || result === 'warning')
  return Object.fromEntries(
    found.map(({ check, advice }) => [check, advice.map((one) => one.replaceAll(/doctor_[0-9a-f]{8}\.kafscale_doctor_\w+/g, 'PROBE'))]),
  )
}

const without = (rights: readonly string[], lacking: string) => new Set(rights.filter((right) => right !== lacking))

test('keys that open another place than the probe table fail the file, and the table is dropped', async () => {
  const elsewhere = await vendor.vend(`s3://${world.bucket}/warehouse/somebody-else/table`)
  const vend: Vend = async () => elsewhere
  for (const proxy of [await polarisProxy(world.restCatalogUri, { vend }), await unityProxy(world.restCatalogUri, { vend })]) {
    const isPolaris = proxy.endpoint.endsWith('/api/catalog')
    const checks = await examined(proxy, (endpoint) => (isPolaris ? polarisPlace : unityPlace)(world, endpoint))
    expect(Object.keys(amiss(checks))).toEqual(['write', 'remove'])
    expect(checks).toContainEqual(expect.objectContaining({ check: 'drop', result: 'ok' }))
  }
})

describe('what a document has wrong fails one line, which says what to change', () => {
  type Said = { readonly catalog?: object; readonly database?: string; readonly tables?: object }
  /** The failed lines of a place of which something is said in another way, with what is advised, or else what was found. */
  async function said(type: 'polaris' | 'unity' | 'glue', proxyOf: (given: { vend: Vend }) => Promise<PolicyProxy>, wrong: Said) {
    const { catalog, database, tables } = wrong
    const placeOf = (endpoint: string): Place => {
      const place = type === 'glue' ? awsPlace(world, 'glue', endpoint) : (type === 'polaris' ? polarisPlace : unityPlace)(world, endpoint)
      return { ...place, sink: { ...place.sink, catalog: { ...place.sink.catalog, ...catalog } } }
    }
    const checks = await examined(await proxyOf({ vend: vendor.vend }), placeOf, database, tables)
    const wrongLines = checks.filter(({ result }) => result === 'failed' || result === 'warning')
    return Object.fromEntries(wrongLines.map(({ check, found, advice }) => [check, advice[0] ?? found]))
  }
  const polaris = (wrong: Said, given: object = {}) =>
    said('polaris', (keys) => polarisProxy(world.restCatalogUri, { ...keys, ...given }), wrong)
  const unity = (wrong: Said) => said('unity', (keys) => unityProxy(world.restCatalogUri, keys), wrong)
  const glue = (wrong: Said) => said('glue', () => glueProxy(world.restCatalogUri, { keys: awsKeys }), wrong)

  test.each<[wrong: string, said: Said, catalog: RegExp]>([
    [
      'a host that is none',
      { catalog: { endpoint: 'http://127.0.0.1:9/api/catalog' } },
      /^check endpoint .* https:\/\/<host>\/api\/catalog/,
    ],
    ['a realm that is none', { catalog: { headers: { 'Polaris-Realm': 'ELSEWHERE' } } }, /^set headers: \{Polaris-Realm: …\}/],
    ['a warehouse that is none', { catalog: { warehouse: 'lak' } }, /^check warehouse .* the catalog's name$/],
    ['no warehouse', { catalog: { warehouse: undefined } }, /^set warehouse /],
    ['a token that is over', { catalog: { oauth2: undefined, token: 'from-yesterday' } }, /^renew the token/],
    ['a secret that is wrong', { catalog: { oauth2: { clientId: 'polaris-client', clientSecret: 'x' } } }, /^check clientId, clientSecret/],
  ])('of Polaris %s', async (_, wrong, advice) => {
    expect(await polaris(wrong)).toEqual({ catalog: expect.stringMatching(advice) as unknown })
  })

  test('of Polaris a place that its catalog does not allow, and keys that it can not give', async () => {
    const create = (advice: string) => ({ create: expect.stringContaining(advice) as unknown })
    expect(await polaris({ tables: { location: `s3://${world.bucket}/mine` } })).toEqual(create('leave out spec.sink.tables.location'))
    expect(await polaris({}, { vend: undefined })).toEqual(create('set accessDelegation: none in spec.sink.catalog'))
  })

  test('of Unity names and properties, before its catalog is told of them', async () => {
    const names = (found: string) => ({ names: expect.stringContaining(found) as unknown })
    expect(await unity({ database: 'Shop' })).toEqual(names('and found Shop; choose another name'))
    expect(await unity({ database: 'shop.eu' })).toEqual(names('and shop.eu has 2; choose one without dots'))
    expect(await unity({ tables: { location: `s3://${world.bucket}/mine` } })).toEqual(names('leave out spec.sink.tables.location'))
    expect(await unity({ catalog: { endpoint: 'http://127.0.0.1:9/api/catalog' }, database: 'Shop' })).toMatchObject({
      catalog: expect.stringContaining('check endpoint') as unknown,
    })
    // A catalog that refuses the name has not said how many tables there are.
    const checks = await examined(await unityProxy(world.restCatalogUri, { vend: vendor.vend }), (at) => unityPlace(world, at), 'shop.eu')
    expect(checks).toContainEqual(expect.objectContaining({ check: 'catalog', found: expect.stringMatching(/ answers$/) as unknown }))
  })

  test('of Glue the account and the region', async () => {
    expect(await glue({ catalog: { warehouse: '999999999999' } })).toEqual({
      catalog: expect.stringMatching(/^check warehouse .* the account's 12 digits/) as unknown,
    })
    expect(await glue({ catalog: { sigv4: { region: 'eu-west-1' } } })).toEqual({
      catalog: expect.stringContaining('region, roleArn and service in spec.sink.catalog.sigv4') as unknown,
    })
  })
})

describe('Unity Catalog: one line fails, and names the GRANT', () => {
  const rights = ['USE CATALOG', 'USE SCHEMA', 'CREATE SCHEMA', 'CREATE TABLE', 'EXTERNAL USE SCHEMA']
  const under = async (grants: ReadonlySet<string>, database?: string) =>
    amiss(
      await examined(
        await unityProxy(world.restCatalogUri, { vend: vendor.vend, grants }),
        (endpoint) => unityPlace(world, endpoint),
        database,
      ),
    )
  const onCatalog = (privilege: string) => [`GRANT ${privilege} ON CATALOG \`main\` TO \`unity-client\`;`]
  const onSchema = (privilege: string, schema: string) => [`GRANT ${privilege} ON SCHEMA \`main\`.\`${schema}\` TO \`unity-client\`;`]

  test('none where everything is granted that the documentation lists', async () => {
    expect(await under(new Set(rights))).toEqual({})
  })

  test.each([
    { lacking: 'USE CATALOG', line: 'catalog' },
    { lacking: 'CREATE SCHEMA', line: 'namespace' },
  ])('$lacking', async ({ lacking, line }) => {
    expect(await under(without(rights, lacking))).toEqual({ [line]: onCatalog(lacking) })
  })

  test.each([
    { lacking: 'USE SCHEMA', line: 'catalog' },
    { lacking: 'CREATE TABLE', line: 'create' },
    { lacking: 'EXTERNAL USE SCHEMA', line: 'create' },
  ])('$lacking', async ({ lacking, line }) => {
    const database = newDatabase()
    expect(await under(without(rights, lacking), database)).toEqual({ [line]: onSchema(lacking, database) })
  })

  test('SELECT, of a table that somebody else made', async () => {
    const database = newDatabase()
    const proxy = await unityProxy(world.restCatalogUri, { vend: vendor.vend })
    expect(await runOnce(documentOf(partsOf(unityPlace(world, proxy.endpoint), database)))).toMatchObject({ errors: '', ok: true })
    await proxy.close()
    expect(await under(new Set(rights), database)).toEqual({ tables: onSchema('SELECT', database) })
    expect(await under(new Set([...rights, 'SELECT']), database)).toEqual({})
  })
})

describe('Polaris: one line fails, and names the privilege', () => {
  const rights = ['NAMESPACE_READ_PROPERTIES', 'NAMESPACE_CREATE', 'TABLE_CREATE', 'TABLE_WRITE_DATA', 'TABLE_DROP']
  const grant = (...privileges: string[]) =>
    privileges.map((privilege) => `polaris privileges catalog grant --catalog lake --catalog-role <role> ${privilege}`)
  const under = async (grants: ReadonlySet<string>, more: object = {}, database?: string) => {
    const { vend, vendReading } = vendor
    const proxy = await polarisProxy(world.restCatalogUri, { vend, vendReading, grants })
    const placeOf = (endpoint: string): Place => {
      const place = polarisPlace(world, endpoint)
      return { ...place, sink: { ...place.sink, catalog: { ...place.sink.catalog, ...more } } }
    }
    return amiss(await examined(proxy, placeOf, database))
  }

  test('none where everything is granted that the documentation lists', async () => {
    expect(await under(new Set(rights))).toEqual({})
  })

  test.each([
    { lacking: 'NAMESPACE_READ_PROPERTIES', line: 'namespace', names: ['NAMESPACE_READ_PROPERTIES'] },
    { lacking: 'NAMESPACE_CREATE', line: 'namespace', names: ['NAMESPACE_CREATE'] },
    { lacking: 'TABLE_CREATE', line: 'create', names: ['TABLE_CREATE', 'TABLE_WRITE_DATA'] },
    { lacking: 'TABLE_WRITE_DATA', line: 'create', names: ['TABLE_CREATE', 'TABLE_WRITE_DATA'] },
  ])('$lacking', async ({ lacking, line, names }) => {
    expect(await under(without(rights, lacking))).toEqual({ [line]: grant(...names) })
  })

  test('TABLE_LIST, which most others imply', async () => {
    expect(await under(new Set(['NAMESPACE_READ_PROPERTIES', 'NAMESPACE_CREATE']))).toEqual({ catalog: grant('TABLE_LIST') })
  })

  test('TABLE_DROP, for the probe table that is left', async () => {
    const database = newDatabase()
    const found = await under(without(rights, 'TABLE_DROP'), {}, database)
    expect(found).toEqual({ drop: ['drop PROBE', ...grant('TABLE_DROP')] })
  })

  test('TABLE_WRITE_PROPERTIES, where the keys are not the catalog’s', async () => {
    const proxy = await polarisProxy(world.restCatalogUri, {
      grants: new Set(['NAMESPACE_READ_PROPERTIES', 'NAMESPACE_CREATE', 'TABLE_CREATE', 'TABLE_READ_PROPERTIES', 'TABLE_DROP']),
    })
    const own = (endpoint: string): Place => {
      const { sink, reader } = polarisPlace(world, endpoint)
      return { reader, sink: { catalog: { ...sink.catalog, accessDelegation: 'none' }, storage: awsStorage() } }
    }
    expect(amiss(await examined(proxy, own))).toEqual({ commit: grant('TABLE_WRITE_PROPERTIES') })
  })

  test('TABLE_WRITE_DATA, where the keys that are given only read', async () => {
    const proxy = await polarisProxy(world.restCatalogUri, { vend: vendor.vendReading })
    const found = amiss(await examined(proxy, (endpoint) => polarisPlace(world, endpoint)))
    expect(Object.keys(found)).toEqual(['write', 'remove'])
    expect(found['write'][0]).toBe(grant('TABLE_WRITE_DATA')[0])
    expect(found['write'][1]).toMatch(/^where that is granted: allow s3:PutObject on arn:aws:s3:::/)
  })
})

/** The store's own keys, as a document has them. */
const awsStorage = () => (awsPlace(world, 'glue', 'http://127.0.0.1').sink as { storage: object }).storage

describe('Glue: one line fails, and names the IAM action', () => {
  const rights = ['GetCatalog', 'GetDatabase', 'CreateDatabase', 'GetTables', 'CreateTable', 'GetTable', 'UpdateTable', 'DeleteTable']
  const all = rights.map((right) => `glue:${right}`)
  const arn = (resource: string) => `arn:aws:glue:us-east-1:123456789012:${resource}`
  const under = async (grants: ReadonlySet<string>, database: string, lakeFormation = false) =>
    amiss(
      await examined(
        await glueProxy(world.restCatalogUri, { keys: awsKeys, grants, lakeFormation }),
        (endpoint) => awsPlace(world, 'glue', endpoint),
        database,
        { location: `s3://${world.bucket}/glue` },
      ),
    )

  test('none where everything is allowed that the documentation lists', async () => {
    expect(await under(new Set(all), newDatabase())).toEqual({})
  })

  test.each([
    { lacking: 'glue:GetCatalog', line: 'catalog', on: [] },
    { lacking: 'glue:GetTables', line: 'catalog', on: ['database', 'table'] },
    { lacking: 'glue:GetDatabase', line: 'namespace', on: ['database'] },
    { lacking: 'glue:CreateDatabase', line: 'namespace', on: ['database'] },
    { lacking: 'glue:CreateTable', line: 'create', on: ['database', 'table'] },
    { lacking: 'glue:UpdateTable', line: 'commit', on: ['database', 'table'] },
    { lacking: 'glue:GetTable', line: 'load', on: ['database', 'table'] },
    { lacking: 'glue:DeleteTable', line: 'drop', on: ['database', 'table'] },
  ])('$lacking', async ({ lacking, line, on }) => {
    const database = newDatabase()
    const places = on.map((kind) => arn(kind === 'table' ? `table/${database}/*` : `database/${database}`))
    const allow = `allow ${lacking} on ${[arn('catalog'), ...places].join(', ')}`
    expect(await under(without(all, lacking), database)).toEqual({ [line]: line === 'drop' ? ['drop PROBE', allow] : [allow] })
  })

  test.each([
    { lacking: 'Create Database', line: 'namespace', permissions: 'CREATE_DATABASE', of: () => ({ Catalog: {} }) },
    { lacking: 'Create Table', line: 'create', permissions: 'CREATE_TABLE', of: (Name: string) => ({ Database: { Name } }) },
    { lacking: 'Select', line: 'load', permissions: 'SELECT', of: tablesOf },
    { lacking: 'Alter', line: 'commit', permissions: 'ALTER', of: tablesOf },
    { lacking: 'Drop', line: 'drop', permissions: 'DROP', of: tablesOf },
  ])('$lacking, where Lake Formation guards the database', async ({ lacking, line, permissions, of }) => {
    const database = newDatabase()
    const found = await under(without(['Create Database', 'Create Table', 'Select', 'Alter', 'Drop'], lacking), database, true)
    const command = 'aws lakeformation grant-permissions --principal DataLakePrincipalIdentifier=<principal>'
    const advice = `${command} --permissions ${permissions} --resource '${JSON.stringify(of(database))}'`
    expect(found).toEqual({ [line]: line === 'drop' ? ['drop PROBE', advice] : [advice] })
  })

  function tablesOf(DatabaseName: string): object {
    return { Table: { DatabaseName, TableWildcard: {} } }
  }

  test('keys that AWS does not know are no missing right', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIASOMEBODYELSE')
    try {
      expect(await under(new Set(all), newDatabase())).toEqual({
        catalog: ['check what the AWS credential chain finds, and region, roleArn and service in spec.sink.catalog.sigv4'],
      })
    } finally {
      vi.stubEnv('AWS_ACCESS_KEY_ID', awsKeys.accessKeyId)
    }
  })
})

describe('S3 Tables: one line fails, and names the action', () => {
  const rights = [
    'GetTableBucket',
    'GetNamespace',
    'CreateNamespace',
    'ListTables',
    'CreateTable',
    'PutTableData',
    'GetTableMetadataLocation',
  ]
  const all = [...rights, 'GetTableData', 'UpdateTableMetadataLocation', 'DeleteTable'].map((right) => `s3tables:${right}`)
  const under = async (grants: ReadonlySet<string>, storage?: object) => {
    const proxy = await s3tablesProxy(world.restCatalogUri, { keys: awsKeys, grants })
    const placeOf = (endpoint: string): Place => {
      const place = awsPlace(world, 's3tables', endpoint)
      return { ...place, sink: { ...place.sink, ...(storage && { storage }) } }
    }
    return amiss(await examined(proxy, placeOf))
  }

  test('none where everything is allowed that the documentation lists', async () => {
    expect(await under(new Set(all))).toEqual({})
  })

  test.each([
    { lacking: 'GetTableBucket', line: 'catalog', on: [''] },
    { lacking: 'ListTables', line: 'catalog', on: [''] },
    { lacking: 'GetNamespace', line: 'namespace', on: [''] },
    { lacking: 'CreateNamespace', line: 'namespace', on: [''] },
    { lacking: 'CreateTable', line: 'create', on: ['', '/table/*'] },
    { lacking: 'PutTableData', line: 'create', on: ['/table/*'] },
    { lacking: 'UpdateTableMetadataLocation', line: 'commit', on: ['/table/*'] },
    { lacking: 'GetTableMetadataLocation', line: 'load', on: ['/table/*'] },
    { lacking: 'DeleteTable', line: 'drop', on: ['/table/*'] },
  ])('s3tables:$lacking', async ({ lacking, line, on }) => {
    const allow = `allow s3tables:${lacking} on ${on.map((place) => tableBucketArn + place).join(', ')}`
    const found = await under(without(all, `s3tables:${lacking}`))
    expect(found).toEqual({ [line]: line === 'drop' ? ['drop PROBE', allow] : [allow] })
  })

  test('s3tables:PutTableData, where the store refuses a file', async () => {
    const denied = '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
    const store = await faultProxy(world.s3.endpoint, async ({ method }, forward) =>
      method === 'PUT' ? { status: 403, headers: { 'content-type': 'application/xml' }, body: denied } : forward(),
    )
    const found = await under(new Set(all), { ...awsStorage(), endpoint: store.url })
    await store.close()
    expect(found).toEqual({ write: [`allow s3tables:PutTableData on ${tableBucketArn}/table/*`] })
  })
})
