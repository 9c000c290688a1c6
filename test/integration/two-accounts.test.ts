import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { glueProxy } from './catalogs/glue.ts'
import { awsPlace, polarisPlace } from './catalogs/places.ts'
import { polarisProxy } from './catalogs/polaris.ts'
import { startVendingWorld, type VendingWorld } from './catalogs/servers.ts'
import { addSegment, documentOf, type Place, restOnS3, runOnce, s3Settings, uploadDirectory } from './program.ts'
import { faultProxy, type FaultProxy, type SeenRequest } from './proxy.ts'
import { readTables } from './readers.ts'
import { type RunningServer, type S3Account, type S3Endpoint, startS3 } from './servers.ts'

/**
 * Source, catalog and warehouse, each in an account and a region of its own: servers that check signatures, with keys and regions that no
 * other takes. The warehouse's account is the one of all other tests, in us-east-1.
 */
const theirs: S3Account = { region: 'eu-central-1', accessKeyId: 'AKIATHEIRS', secretAccessKey: 'their-secret-key-7c2' }
const ours = { region: 'ap-south-1', accessKeyId: 'AKIAOURS', secretAccessKey: 'our-secret-key-91f' }
const roleKeys = { region: 'us-west-2', accessKeyId: 'ASIACATALOG', secretAccessKey: 'role-secret-key-44e' }
const sourceRole = { roleArn: 'arn:aws:iam::210987654321:role/segments', externalId: 'their-number' }
const catalogRole = { roleArn: 'arn:aws:iam::123456789012:role/catalog', externalId: 'our-number' }
const bucket = `segments-${randomUUID().slice(0, 8)}`
const values = ['one', 'two', 'three']

let world: VendingWorld
let source: S3Endpoint & RunningServer
/** In front of the source, and of STS. */
let watched: FaultProxy
let sts: FaultProxy
let atSource: SeenRequest[] = []
let directory: string
const proxies: FaultProxy[] = []
beforeAll(async () => {
  world = await startVendingWorld()
  source = await startS3('minio', theirs)
  directory = await mkdtemp(join(tmpdir(), 'two-accounts-'))
  await addSegment(
    join(directory, 'segments'),
    { topic: 'orders', partition: 0 },
    0n,
    values.map((value) => ({ value: Buffer.from(value) })),
  )
  await uploadDirectory(source, bucket, join(directory, 'segments'))
  watched = await faultProxy(source.endpoint, (request, forward) => {
    atSource.push(request)
    return forward()
  })
  sts = await faultProxy(source.endpoint, async (request, forward) => assumed(request, forward))
  vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url)
  vi.stubEnv('AWS_ACCESS_KEY_ID', ours.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', ours.secretAccessKey)
  vi.stubEnv('AWS_REGION', ours.region)
}, 30 * 60_000)
afterAll(async () => {
  vi.unstubAllEnvs()
  for (const proxy of [...proxies, watched, sts]) await proxy?.close()
  await source?.stop()
  await world?.stop()
  await rm(directory, { recursive: true, force: true })
})

/** The source's server has an STS of its own, which gives real keys; for the catalog's role this one answers. Both look at who asks. */
async function assumed({ headers, body, ...rest }: SeenRequest, forward: Parameters<Parameters<typeof faultProxy>[1] & object>[1]) {
  const form = new URLSearchParams(body.toString())
  const xml = { 'content-type': 'text/xml' }
  const scope = /Credential=([^/]+)\/\d{8}\/([^/]+)\/sts\//
    .exec(headers.authorization ?? '')
    ?.slice(1)
    .join(' ')
  const asks = `${form.get('RoleArn')} ${form.get('ExternalId')} ${scope}`
  if (asks === `${sourceRole.roleArn} ${sourceRole.externalId} ${theirs.accessKeyId} ${theirs.region}`)
    return forward({ headers, body, ...rest })
  if (asks !== `${catalogRole.roleArn} ${catalogRole.externalId} ${ours.accessKeyId} ${roleKeys.region}`) {
    return {
      status: 403,
      headers: xml,
      body: '<ErrorResponse><Error><Code>AccessDenied</Code><Message>not for you</Message></Error></ErrorResponse>',
    }
  }
  const { accessKeyId, secretAccessKey } = roleKeys
  const keys = `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken>role-session</SessionToken>`
  const until = `<Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>`
  const result = `<AssumeRoleResult><Credentials>${keys}${until}</Credentials></AssumeRoleResult>`
  return {
    status: 200,
    headers: xml,
    body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</AssumeRoleResponse>`,
  }
}

/** A run from the source into a place, and what PyIceberg reads there; `more`: how the source is reached. */
async function run(place: Place, more: object = {}, tables?: object) {
  atSource = []
  const database = `accounts_${randomUUID().slice(0, 8)}`
  const s3 = { bucket, ...s3Settings({ ...source, endpoint: watched.url }), ...more }
  const document = documentOf({ place, source: { topics: ['orders'], s3 }, database, ...(tables && { tables }) })
  const { ok, errors } = await runOnce(document)
  if (!ok) return { errors, rows: 0 }
  const [rows] = await readTables('pyiceberg', place.reader, [[database, 'orders']])
  return { errors, rows: rows.length }
}

/** Who asked the source, by key and region. */
const askers = () =>
  new Set(
    atSource.map(({ headers }) =>
      /Credential=([^/]+)\/\d{8}\/([^/]+)\/s3\//
        .exec(headers.authorization ?? '')
        ?.slice(1)
        .join(' '),
    ),
  )

function kept<T extends FaultProxy>(proxy: T): T {
  proxies.push(proxy)
  return proxy
}

const done = { errors: '', rows: values.length }

describe('source and sink in different accounts and regions', () => {
  test('each with keys of its own in the document', async () => {
    expect(await run(restOnS3())).toEqual(done)
    expect(askers()).toEqual(new Set([`${theirs.accessKeyId} ${theirs.region}`]))
  })

  test('another region or the warehouse’s keys are refused by the source', async () => {
    await expect(run(restOnS3(), { region: 'us-east-1' })).rejects.toThrow('the bucket lies in eu-central-1')
    const { accessKeyId, secretAccessKey } = inject('s3')
    await expect(run(restOnS3(), { accessKeyId, secretAccessKey })).rejects.toThrow('the credentials are refused')
  })

  test('the source by a role with an external id, the sink by keys that the catalog gives', async () => {
    const { vend, times } = await world.vendor({ lifeMs: 3_600_000 })
    const { endpoint } = kept(await polarisProxy(world.restCatalogUri, { vend }))
    expect(await run(polarisPlace(world, endpoint), sourceRole)).toEqual(done)
    expect(times()).toBeGreaterThan(0)
    expect(atSource.every(({ headers }) => headers['x-amz-security-token'] !== undefined)).toBe(true)
    expect([...askers()].join()).toMatch(/^(?!AKIATHEIRS)\S+ eu-central-1$/)
    const wrong = run(polarisPlace(world, endpoint), { ...sourceRole, externalId: 'wrong' })
    await expect(wrong).rejects.toThrow(`the role ${sourceRole.roleArn} can not be assumed: AccessDenied not for you`)
  })

  test('source and catalog each by a role, the warehouse by keys of its own', async () => {
    const { endpoint, seen } = kept(await glueProxy(world.restCatalogUri, { keys: roleKeys }))
    const { sink, reader } = awsPlace(world, 'glue', endpoint)
    const place = { reader, sink: { ...sink, catalog: { ...sink.catalog, sigv4: { region: roleKeys.region, ...catalogRole } } } }
    const tables = { location: `s3://${world.bucket}/accounts` }
    expect(await run(place, sourceRole, tables)).toEqual(done)
    expect(seen.every(({ headers }) => headers['x-amz-security-token'] === 'role-session')).toBe(true)
    expect([...askers()].join()).toMatch(/^(?!AKIATHEIRS)\S+ eu-central-1$/)
  })
})
