import { describe, expect, test } from 'vitest'
import { restProfiles } from '../../../../src/drivers/catalog/profiles.ts'
import type { SegmentFrame } from '../../../../src/formats/kfs/segment.ts'
import { WorkError } from '../../../../src/model/failure.ts'
import { catalogAdvice, fileAdvice, grantsFor, storeAdvice } from '../../../../src/pipeline/doctor/advice.ts'
import { documentChecks } from '../../../../src/pipeline/doctor/document-checks.ts'
import { etcdCheck, queueCheck } from '../../../../src/pipeline/doctor/service-checks.ts'
import { clockCheck, segmentCheck, topicsCheck } from '../../../../src/pipeline/doctor/source-checks.ts'
import type { CatalogRight } from '../../../../src/seams/catalog.ts'
import { load, type Plain, smallest } from '../../spec/documents.ts'

const lacking = (what: WorkError['lacking'], message = 'refused') => new WorkError(message, { retry: 'never', lacking: what })

function sinkOf(catalog: Plain, more: Plain = {}) {
  return load(
    smallest((document) => {
      document.spec.sink = { catalog, database: 'shop', ...more }
    }),
  )
}

const rights: [CatalogRight, ...CatalogRight[]] = [
  'list',
  'createNamespace',
  'createTable',
  'load',
  'readFiles',
  'writeFiles',
  'commit',
  'drop',
]

describe('what is to be granted is said in the words of', () => {
  test('Unity Catalog: GRANT statements with the catalog, the schema and the client', () => {
    const oauth2 = { clientId: 'processor', clientSecret: 's' }
    const document = sinkOf({
      type: 'unity',
      endpoint: 'https://w.example.com/api/2.1/unity-catalog/iceberg-rest',
      warehouse: 'main',
      oauth2,
    })
    expect(grantsFor(rights, restProfiles.unity, document)).toEqual([
      'GRANT USE CATALOG ON CATALOG `main` TO `processor`;',
      'GRANT USE SCHEMA ON SCHEMA `main`.`shop` TO `processor`;',
      'GRANT CREATE SCHEMA ON CATALOG `main` TO `processor`;',
      'GRANT CREATE TABLE ON SCHEMA `main`.`shop` TO `processor`;',
      'GRANT EXTERNAL USE SCHEMA ON SCHEMA `main`.`shop` TO `processor`;',
      'GRANT SELECT ON SCHEMA `main`.`shop` TO `processor`;',
      'GRANT MODIFY ON SCHEMA `main`.`shop` TO `processor`;',
      'GRANT MANAGE ON SCHEMA `main`.`shop` TO `processor`;',
    ])
  })

  test('Polaris: its command line, with a placeholder for the role', () => {
    const document = sinkOf({ type: 'polaris', endpoint: 'https://p.example.com/api/catalog', warehouse: 'lake' })
    expect(grantsFor(['createTable', 'createNamespace'], restProfiles.polaris, document)).toEqual([
      'polaris privileges catalog grant --catalog lake --catalog-role <role> TABLE_CREATE',
      'polaris privileges catalog grant --catalog lake --catalog-role <role> TABLE_WRITE_DATA',
      'polaris privileges catalog grant --catalog lake --catalog-role <role> NAMESPACE_READ_PROPERTIES',
      'polaris privileges catalog grant --catalog lake --catalog-role <role> NAMESPACE_CREATE',
    ])
  })

  test('Glue: IAM actions on the catalog, the database and its tables', () => {
    const document = sinkOf({ type: 'glue', endpoint: 'https://glue.eu-central-1.amazonaws.com/iceberg', warehouse: '123456789012' })
    expect(grantsFor(['commit'], restProfiles.glue, document)).toEqual([
      'allow glue:UpdateTable on arn:aws:glue:eu-central-1:123456789012:catalog, arn:aws:glue:eu-central-1:123456789012:database/shop, arn:aws:glue:eu-central-1:123456789012:table/shop/*',
    ])
  })

  test('S3 Tables: IAM actions on the table bucket and its tables', () => {
    const warehouse = 'arn:aws:s3tables:eu-central-1:123456789012:bucket/lake'
    const document = sinkOf({ type: 's3tables', endpoint: 'https://s3tables.eu-central-1.amazonaws.com/iceberg', warehouse })
    expect(grantsFor(['createTable'], restProfiles.s3tables, document)).toEqual([
      `allow s3tables:CreateTable, s3tables:PutTableData on ${warehouse}, ${warehouse}/table/*`,
    ])
  })

  test('a refusal that names what is lacking: that alone', () => {
    const given = {
      glue: '123456789012',
      s3tables: 'arn:aws:s3tables:eu-central-1:123456789012:bucket/lake',
      unity: 'main',
      polaris: 'lake',
    }
    const named = (type: keyof typeof given, words: string, right: CatalogRight = 'load') => {
      const sigv4 = type === 'glue' || type === 's3tables' ? { sigv4: { region: 'eu-central-1', roleArn: 'arn:aws:iam::1:role/r' } } : {}
      const document = sinkOf({
        type,
        endpoint: 'https://c.example.com/api/2.1/unity-catalog/iceberg-rest',
        warehouse: given[type],
        ...sigv4,
      })
      return grantsFor([right], restProfiles[type], document, words)
    }
    expect(named('unity', "PERMISSION_DENIED: User does not have MODIFY on Table 'main.shop.t'.")).toEqual([
      'GRANT MODIFY ON SCHEMA `main`.`shop` TO `<principal>`;',
    ])
    expect(named('unity', 'User does not have USE_SCHEMA on schema `main`.`shop`')[0]).toContain('GRANT USE SCHEMA ON SCHEMA')
    expect(named('unity', 'External data access is not enabled for the metastore')[0]).toMatch(/^switch on external data access/)
    const polaris = "Principal 'p' with activated PrincipalRoles '[]' and activated grants via '[r]' is not authorized for op"
    expect(named('polaris', `${polaris} LOAD_TABLE_WITH_WRITE_DELEGATION`).map((line) => line.split(' ').at(-1))).toEqual([
      'TABLE_WRITE_DATA',
    ])
    const first = "Principal 'p' is not authorized for op LOAD_TABLE because it must rotate credentials first"
    expect(named('polaris', first)).toEqual(['polaris principals rotate-credentials <principal>'])
    expect(named('polaris', `${polaris} SOMETHING_NEW`).map((line) => line.split(' ').at(-1))).toEqual(['TABLE_READ_PROPERTIES'])
    const iam = (action: string) => `User: arn:x is not authorized to perform: ${action} on resource: arn:aws:some:thing because no`
    const [catalog, database] = ['arn:aws:glue:eu-central-1:123456789012:catalog', 'arn:aws:glue:eu-central-1:123456789012:database/shop']
    expect(named('glue', iam('glue:CreateDatabase'))).toEqual([`allow glue:CreateDatabase on ${catalog}, ${database}`])
    expect(named('glue', iam('kms:Decrypt'))).toEqual(['allow kms:Decrypt on arn:aws:some:thing'])
    expect(named('s3tables', iam('s3tables:GetNamespace'))).toEqual([`allow s3tables:GetNamespace on ${given.s3tables}`])
    expect(named('s3tables', iam('s3tables:PutTableData'))).toEqual([`allow s3tables:PutTableData on ${given.s3tables}/table/*`])
    const lake = 'aws lakeformation grant-permissions --principal DataLakePrincipalIdentifier=arn:aws:iam::1:role/r --permissions'
    const refusal = 'AccessDeniedException: Insufficient Lake Formation permission(s)'
    expect(named('glue', `${refusal}: Required Create Table on shop`, 'createTable')).toEqual([
      `${lake} CREATE_TABLE --resource '{"Database":{"Name":"shop"}}'`,
    ])
    expect(named('glue', `(${refusal} on t)`, 'load')).toEqual([
      `${lake} DESCRIBE SELECT --resource '{"Table":{"DatabaseName":"shop","TableWildcard":{}}}'`,
    ])
    expect(named('glue', `${refusal} on s3://lake/tables/kafscale_doctor_0a1b2c`, 'createTable')).toEqual([
      `${lake} DATA_LOCATION_ACCESS --resource '{"DataLocation":{"ResourceArn":"arn:aws:s3:::lake/tables"}}'`,
    ])
  })

  test('none in particular: the rights by name', () => {
    const document = sinkOf({ type: 'rest', endpoint: 'https://c.example.com' })
    expect(grantsFor(['createTable', 'commit'], restProfiles.rest, document)).toEqual([
      'grant it to the identity in spec.sink.catalog: creating tables, committing to tables',
    ])
  })

  test('every profile with grants has some for every right, and no placeholder that nobody fills', () => {
    for (const profile of Object.values(restProfiles)) {
      for (const right of profile.grants === undefined ? [] : rights) {
        const document = sinkOf({ type: 'rest', endpoint: 'https://c.example.com', warehouse: 'w' })
        const granted = grantsFor([right], profile, document)
        expect(granted.length).toBeGreaterThan(0)
        expect(granted.join('\n')).not.toMatch(/[{}]/)
      }
    }
  })
})

test('an identity that the catalog does not accept is told by the key that holds it, and other failures get no advice', () => {
  const rest = { type: 'rest', endpoint: 'https://c.example.com' }
  const adviceWith = (catalog: Plain, what?: 'identity') => catalogAdvice(lacking(what), ['list'], restProfiles.rest, sinkOf(catalog))
  expect(adviceWith({ ...rest, token: 't' }, 'identity')).toEqual(['renew the token in spec.sink.catalog.token'])
  expect(adviceWith(rest, 'identity')).toEqual(['say who asks in spec.sink.catalog: token, oauth2 or sigv4'])
  expect(adviceWith({ ...rest, oauth2: { clientId: 'i', clientSecret: 's' } }, 'identity')[0]).toContain('spec.sink.catalog.oauth2')
  expect(adviceWith({ ...rest, token: 't' })).toEqual([])
  expect(catalogAdvice(new Error('bug'), ['list'], restProfiles.rest, sinkOf(rest))).toEqual([])
})

test('what is wrong of where a catalog is, is told by how it is written of the product', () => {
  const advice = (
    type: Exclude<keyof typeof restProfiles, 'glue' | 's3tables'>,
    what: WorkError['lacking'],
    catalog: Plain = {},
    message = 'no',
  ) =>
    catalogAdvice(
      lacking(what, message),
      ['list'],
      restProfiles[type],
      sinkOf({ type, endpoint: 'https://c.example.com/api', ...catalog }),
    )[0]
  const oauth2 = { clientId: 'i', clientSecret: 's' }
  expect(advice('polaris', 'endpoint')).toMatch(
    /^check endpoint in spec.sink.catalog: of Polaris it is https:\/\/<host>\/api\/catalog, of Snowflake/,
  )
  expect(advice('unity', 'endpoint')).toContain('/api/2.1/unity-catalog/iceberg-rest')
  expect(advice('rest', 'endpoint', { endpoint: 'https://c.example.com/v1/' })).toBe(
    'leave out /v1 at the end of endpoint in spec.sink.catalog',
  )
  expect(advice('polaris', 'identity', { endpoint: 'https://c.example.com/v1', oauth2 })).toMatch(/^leave out \/v1/)
  expect(advice('polaris', 'tokenEndpoint', { oauth2 })).toMatch(/^check endpoint in .*; tokens from elsewhere: set tokenEndpoint/)
  expect(advice('polaris', 'tokenEndpoint', { oauth2: { ...oauth2, tokenEndpoint: 'https://idp.example.com/t' } })).toBe(
    'check tokenEndpoint in spec.sink.catalog.oauth2',
  )
  expect(advice('polaris', 'tokenEndpoint', { oauth2 }, 'answered 404 (Missing or invalid realm)')).toMatch(/^set headers: {Polaris-Realm/)
  expect(advice('polaris', 'warehouse')).toBe("set warehouse in spec.sink.catalog: of Polaris it is the catalog's name")
  expect(advice('unity', 'warehouse', { warehouse: '/Volumes/x' })).toBe(
    "check warehouse in spec.sink.catalog: of Unity Catalog it is the catalog's name, never a path",
  )
  expect(advice('rest', 'clock')).toBe("set this machine's clock by NTP")
  expect(advice('polaris', undefined, {}, 'Credential vending was requested, but no credentials are available')).toMatch(
    /^set accessDelegation: none/,
  )
  expect(
    advice('polaris', 'right', {}, "Invalid locations '[s3://a]' for identifier 'b': s3://a is not in the list of allowed locations"),
  ).toMatch(/^leave out spec.sink.tables.location/)
  expect(advice('rest', undefined, {}, 'answered 500 (NoSuchBucketException: The specified bucket does not exist)')).toMatch(
    /^create the bucket/,
  )
})

test('requests that are signed though the document says nothing of it are not told to be', () => {
  const document = sinkOf({ type: 's3tables', warehouse: 'w', endpoint: 'https://s3tables.eu-central-1.amazonaws.com/iceberg' })
  expect(catalogAdvice(lacking('identity'), ['list'], restProfiles.s3tables, document)[0]).toMatch(
    /^check what the AWS credential chain finds/,
  )
})

test('a bucket that is elsewhere, or nowhere, is told by the key to change', () => {
  const advice = (what: WorkError['lacking'], keys: Parameters<typeof storeAdvice>[3], message?: string) =>
    storeAdvice(lacking(what, message), 's3:GetObject', 's3://lake/a/', keys)[0]
  expect(advice('region', 'spec.source.s3', 'cannot get: the bucket lies in eu-1, and the region option says us-1')).toBe(
    'set region: eu-1 in spec.source.s3',
  )
  expect(advice('region', 'the catalog')).toMatch(/^set region in the catalog's own settings/)
  expect(advice('endpoint', 'spec.sink.storage')).toMatch(/^check endpoint in spec.sink.storage/)
  expect(advice('bucket', 'spec.source.s3')).toBe('correct bucket in spec.source.s3')
  expect(advice('bucket', 'spec.sink.storage')).toMatch(/^create the bucket, or correct where tables lie/)
  expect(advice('clock', 'spec.sink.storage')).toBe("set this machine's clock by NTP")
})

test('an action that S3 refuses is to be allowed on the objects of the prefix, and listing on the bucket', () => {
  const advice = (action: Parameters<typeof storeAdvice>[1]) => storeAdvice(lacking('right'), action, 's3://lake/a/', 'spec.source.s3')
  expect(advice('s3:GetObject')).toEqual(['allow s3:GetObject on arn:aws:s3:::lake/a/*'])
  expect(advice('s3:ListBucket')).toEqual(['allow s3:ListBucket on arn:aws:s3:::lake'])
  expect(storeAdvice(lacking('right'), 's3:GetObject', 'file:///data/', 'spec.source.s3')).toEqual([])
  expect(storeAdvice(lacking('identity'), 's3:PutObject', 's3://lake/a/', 'the catalog')[0]).toContain('the catalog gave these keys')
  const unassumed = new WorkError(
    'cannot list: no credentials (CredentialsProviderError the role arn:aws:iam::1:role/r can not be assumed: AccessDenied)',
    {
      retry: 'later',
      lacking: 'identity',
    },
  )
  expect(storeAdvice(unassumed, 's3:ListBucket', 's3://lake/a/', 'spec.source.s3')[0]).toMatch(
    /^allow sts:AssumeRole on arn:aws:iam::1:role\/r,/,
  )
  expect(storeAdvice(lacking(undefined), 's3:PutObject', 's3://lake/a/', 'the catalog')).toEqual([])
})

test('where the catalog gives the keys for files, or says itself who may read them, the grant is its own', () => {
  const advice = (type: 'polaris' | 's3tables' | 'glue', keys: Parameters<typeof fileAdvice>[3]) =>
    fileAdvice(
      lacking('right'),
      's3:PutObject',
      's3://lake/t/',
      keys,
      restProfiles[type],
      sinkOf({ type: 'rest', endpoint: 'https://c', warehouse: 'w' }),
    )
  expect(advice('polaris', 'the catalog')).toEqual([
    'polaris privileges catalog grant --catalog w --catalog-role <role> TABLE_WRITE_DATA',
    'where that is granted: allow s3:PutObject on arn:aws:s3:::lake/t/* for the role by which the catalog itself reaches the bucket',
  ])
  expect(advice('s3tables', 'spec.sink.storage')).toEqual(['allow s3tables:PutTableData on w/table/*'])
  expect(advice('glue', 'spec.sink.storage')).toEqual(['allow s3:PutObject on arn:aws:s3:::lake/t/*'])
})

test('a clock is right within a minute, in whole seconds and for as long as the answer took', () => {
  expect(clockCheck(100_000, 100_900, 101_000)).toMatchObject({ result: 'ok', found: "as the store's" })
  expect(clockCheck(100_000, 40_000, 90_000)).toMatchObject({ result: 'ok', found: "10 s off the store's" })
  expect(clockCheck(200_000, 99_000, 100_000)).toMatchObject({
    result: 'warning',
    found: expect.stringContaining('100 s behind') as string,
  })
  expect(clockCheck(100_000, 2_000_000, 2_001_000)).toMatchObject({
    result: 'warning',
    found: expect.stringContaining('ahead of') as string,
    advice: ['set the clock by NTP'],
  })
})

test('topics are counted with their partitions, and none at all is a warning', () => {
  const partitions = ['a', 'a', 'b', 'c', 'd', 'e', 'f'].map((topic, partition) => ({ topic, partition }))
  expect(topicsCheck(partitions, ['*'], 's3://b/').found).toBe('6 topics, 7 partitions: a (2), b (1), c (1), d (1), e (1) and 1 more')
  expect(topicsCheck([], ['orders'], 's3://b/')).toMatchObject({
    result: 'warning',
    found: 'nothing under s3://b/ matches orders; run waits for it',
  })
})

test('a damaged segment fails, with its key and its place', () => {
  const frame: SegmentFrame = {
    header: null,
    footer: null,
    batches: [],
    fault: { kind: 'crc', position: 7, offset: 0n, message: 'no CRC' },
  }
  expect(segmentCheck('t/0/s.kfs', 9, frame)).toMatchObject({ result: 'failed', found: 't/0/s.kfs: no CRC (byte 7)' })
  expect(segmentCheck('t/0/s.kfs', 9, { ...frame, fault: null }).result).toBe('ok')
})

test('Redis must be new enough, and must not evict', () => {
  expect(queueCheck({ version: '7.2.4', isTooOld: false, policy: 'noeviction' }).result).toBe('ok')
  expect(queueCheck({ version: '7.2.4', isTooOld: false, policy: 'allkeys-lru' })).toMatchObject({
    result: 'warning',
    advice: ['CONFIG SET maxmemory-policy noeviction, and the same in redis.conf'],
  })
  expect(queueCheck({ version: '5.0.1', isTooOld: true, policy: null }).result).toBe('failed')
})

test('etcd is a hint: members that do not answer are a warning', () => {
  const members = [
    { endpoint: 'http://a', error: null },
    { endpoint: 'http://b', error: 'no answer' },
  ]
  expect(etcdCheck(members)).toMatchObject({ result: 'warning', found: 'http://b: no answer; the other members are asked' })
  expect(etcdCheck(members.slice(1)).found).toContain('new segments are found by listing alone')
  expect(etcdCheck(members.slice(0, 1)).result).toBe('ok')
})

test('what run can not do yet fails, and what is about no topic or what some engine will not take is a warning', () => {
  const later = load(
    smallest((document) => {
      document.spec.mappings = [{ topic: 'a', mode: 'upsert', value: { columns: [{ name: 'opens', type: 'time' }] } }]
    }),
  )
  const checks = documentChecks(later)
  expect(checks.map(({ result }) => result)).toEqual(['failed', 'warning', 'warning'])
  expect(checks[0].found).toBe('spec.mappings[0].mode: upsert is not available yet; append works')
  expect(documentChecks(load(smallest())).map(({ result }) => result)).toEqual(['ok'])
})
