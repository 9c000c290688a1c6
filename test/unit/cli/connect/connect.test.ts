import { describe, expect, test } from 'vitest'
import { connectCommand } from '../../../../src/cli/connect.ts'
import { engines } from '../../../../src/cli/connect/engines.ts'
import { connectTarget } from '../../../../src/cli/connect/target.ts'
import { catalogWays } from '../../../../src/compose/catalogs.ts'
import { mappingFor } from '../../../../src/spec/table-mapping.ts'
import { load, type Plain, smallest } from '../../spec/documents.ts'
import { program } from '../program.ts'

const catalogs: Readonly<Record<string, Plain>> = {
  unity: { endpoint: 'https://w.example.com/api/2.1/unity-catalog/iceberg-rest', warehouse: 'main', token: 'hidden-token' },
  polaris: {
    endpoint: 'https://p.example.com/api/catalog',
    warehouse: 'lake',
    oauth2: { clientId: 'reader', clientSecret: 'hidden-secret', scope: 'PRINCIPAL_ROLE:ALL' },
    headers: { 'Polaris-Realm': 'hidden-realm' },
  },
  glue: { endpoint: 'https://glue.eu-central-1.amazonaws.com/iceberg', warehouse: '123456789012' },
  s3tables: {
    endpoint: 'https://s3tables.eu-central-1.amazonaws.com/iceberg',
    warehouse: 'arn:aws:s3tables:eu-central-1:123456789012:bucket/lake',
  },
  rest: { endpoint: 'http://127.0.0.1:8181', token: 'hidden-token' },
  sql: { endpoint: 'sqlite:/data/catalog.db', warehouse: '/data/warehouse' },
}

/** What is pasted, or the sentence that says why nothing is. */
function answer(engine: string, type: string, change: (document: Plain) => void = () => {}): string {
  const document = load(
    smallest((plain) => {
      plain.spec.source.topics = ['orders']
      plain.spec.sink = {
        catalog: { type, ...catalogs[type] },
        database: 'shop',
        ...(type !== 'unity' && type !== 'polaris' && { storage: { accessKeyId: 'hidden-key', secretAccessKey: 'hidden-secret-key' } }),
      }
      plain.spec.mappings = [{ topic: 'orders', table: 'orders', value: { format: 'binary' } }]
      change(plain)
    }),
  )
  const blocks = engines[engine].connect(
    connectTarget(document, catalogWays(document.spec.sink.catalog), [['orders', mappingFor(document, 'orders')]]),
  )
  return typeof blocks === 'string' ? `no: ${blocks}` : blocks.map(({ where, text }) => `--- ${where}\n${text}`).join('\n')
}

/** Which catalogs each engine reads. */
const readable: Readonly<Record<string, readonly string[]>> = {
  snowflake: ['unity', 'polaris', 'glue', 's3tables', 'rest'],
  databricks: ['unity', 'glue'],
  trino: ['unity', 'polaris', 'glue', 's3tables', 'rest'],
  spark: Object.keys(catalogs),
  duckdb: Object.keys(catalogs),
  pyiceberg: Object.keys(catalogs),
  athena: ['glue', 's3tables'],
}

describe.each(Object.keys(engines))('%s', (engine) => {
  test.each(Object.keys(catalogs))('over %s: something to paste without any secret, or the way to take instead', (type) => {
    const text = answer(engine, type)
    expect(text.startsWith('no: ')).toBe(!readable[engine].includes(type))
    expect(text).not.toContain('hidden')
    expect(text).toMatch(text.startsWith('no: ') ? /write to/ : /orders/)
    if (!text.startsWith('no: ')) expect(text).toMatch(/UTC/)
  })

  test('shows bytes as text beside them, and leaves alone what is text already', () => {
    const [type] = readable[engine]
    const asText = (document: Plain) => {
      document.spec.mappings = [{ topic: 'orders', table: 'orders', key: { format: 'string' }, value: { format: 'string' } }]
    }
    expect(answer(engine, type)).toMatch(/kafka_key_text/)
    expect(answer(engine, type)).toMatch(/value_text/)
    expect(answer(engine, type, asText)).not.toMatch(/_text/)
  })
})

test('Snowflake gets an integration that refreshes twice a minute, with the client and a placeholder for its secret', () => {
  const text = answer('snowflake', 'polaris')
  expect(text).toContain('CATALOG_SOURCE = POLARIS')
  expect(text).toContain("CATALOG_URI = 'https://p.example.com/api/catalog'")
  expect(text).toContain("OAUTH_CLIENT_ID = 'reader'")
  expect(text).toContain("OAUTH_CLIENT_SECRET = '<client secret>'")
  expect(text).toContain('REFRESH_INTERVAL_SECONDS = 30')
  expect(text).toContain('ACCESS_DELEGATION_MODE = VENDED_CREDENTIALS')
})

test('requests that are signed are told with what PyIceberg and Trino want for it', () => {
  for (const type of ['glue', 's3tables']) {
    expect(answer('pyiceberg', type)).toContain('# pip install "pyiceberg[pyarrow,rest-sigv4]"')
    const trino = answer('trino', type)
    expect(trino).toContain(`iceberg.rest-catalog.security=SIGV4\niceberg.rest-catalog.signing-name=${type}\n`)
    expect(trino).toContain('# Trino 476 or older: iceberg.rest-catalog.sigv4-enabled=true in place of the next line')
  }
  expect(answer('pyiceberg', 'rest')).toContain('# pip install "pyiceberg[pyarrow]"')
})

test('Trino is told the headers and, of a catalog that gives keys, where the store is, or that it may have to be said', () => {
  const plain = answer('trino', 'polaris')
  expect(plain).toContain('iceberg.rest-catalog.http-headers=Polaris-Realm: <value of Polaris-Realm>')
  expect(plain).toContain('iceberg.rest-catalog.vended-credentials-enabled=true')
  expect(plain).toMatch(/# a store that is not AWS: s3\.endpoint/)
  const elsewhere = answer('trino', 'polaris', (document) => {
    document.spec.sink.storage = { endpoint: 'http://minio:9000', region: 'eu-1', pathStyle: true }
  })
  expect(elsewhere).toContain('s3.endpoint=http://minio:9000\ns3.path-style-access=true')
  expect(elsewhere).toContain('s3.region=eu-1')
  expect(elsewhere).not.toMatch(/# a store that is not AWS/)
})

test.each(['pyiceberg', 'duckdb', 'spark', 'trino', 'snowflake'])(
  '%s is told the token endpoint and the scope that the product wants',
  (engine) => {
    const withoutScope = (endpoint: string) => (document: Plain) => {
      document.spec.sink.catalog = {
        ...document.spec.sink.catalog,
        endpoint,
        token: undefined,
        oauth2: { clientId: 'reader', clientSecret: 'hidden-secret' },
      }
    }
    const polaris = answer(engine, 'polaris', withoutScope('https://p.example.com/api/catalog'))
    expect(polaris).toContain('https://p.example.com/api/catalog/v1/oauth/tokens')
    expect(polaris).toContain('PRINCIPAL_ROLE:ALL')
    const unity = answer(engine, 'unity', withoutScope('https://w.example.com/api/2.1/unity-catalog/iceberg-rest'))
    expect(unity).toContain('https://w.example.com/oidc/v1/token')
    expect(unity).toContain('all-apis')
  },
)

test('each engine has its command', () => {
  expect(Object.keys(connectCommand.subcommands ?? {})).toEqual(Object.keys(engines))
})

const document = `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: p}
spec:
  source: {topics: [orders, clicks], directory: ./nowhere}
  sink: {catalog: {type: rest, endpoint: "http://127.0.0.1:1"}, database: shop}
`

test('named topics ask no server; one table can be chosen, and a name that is none is refused', async () => {
  const connect = (...args: string[]) => program(['connect', ...args, '-f', '-'], { stdin: document })
  const { code, stdout } = await connect('duckdb', 'shop.orders')
  expect(code).toBe(0)
  expect(stdout).toContain('"orders"')
  expect(stdout).not.toContain('clicks')
  expect(await connect('duckdb', 'order')).toMatchObject({
    code: 2,
    stderr: 'error: the documents have no table "order"; did you mean orders?\n',
  })
  const { stdout: json } = await connect('trino', '--json')
  expect(JSON.parse(json)).toMatchObject({
    ok: true,
    engine: 'trino',
    documents: [{ name: 'p', blocks: [{ where: 'etc/catalog/kafscale.properties' }, {}] }],
  })
  expect(await connect('athena')).toMatchObject({ code: 2, stderr: expect.stringContaining('Athena reads tables of Glue') as string })
})
