import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { paginateListObjectsV2, PutBucketPolicyCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import {
  addSegment,
  documentOf,
  documentText,
  type DocumentParts,
  type Place,
  restOnS3,
  s3Settings,
  sqliteOnS3,
  uploadDirectory,
  withCatalog,
} from './program.ts'
import { createBucket, freePort, installDirectory, s3Client, type S3Endpoint, startRedis } from './servers.ts'

const bin = join(import.meta.dirname, '../../src/bin.js')
const database = `doctor_${process.pid}`

let directory: string
let sourceBucket: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'doctor-'))
  sourceBucket = `doctor-${randomUUID().slice(0, 13)}`
  await addSegment(join(directory, 'source'), { topic: 'orders', partition: 0 }, 0n, [{ value: new TextEncoder().encode('{}') }])
  await uploadDirectory(inject('s3'), sourceBucket, join(directory, 'source'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

interface Line {
  readonly check: string
  readonly result: string
  readonly found: string
  readonly advice: readonly string[]
}

interface Report {
  readonly code: number
  readonly text: string
  readonly checks: readonly Line[]
  /** `check result` of each line. */
  readonly results: readonly string[]
  line(check: string): Line
}

/** Runs the command itself, for programs. No secret of the document is in what it prints. */
async function doctor(parts: DocumentParts, ...options: string[]): Promise<Report> {
  const file = join(await mkdtemp(join(directory, 'document-')), 'document.json')
  const document = documentText(parts)
  await writeFile(file, document)
  const { code, text } = await new Promise<{ code: number; text: string }>((resolve) =>
    execFile(process.execPath, [bin, 'doctor', '-f', file, '--json', ...options], (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), text: out + err }),
    ),
  )
  for (const [, secret] of document.matchAll(/"(?:secretAccessKey|token|clientSecret)":"([^"]*)"/g)) expect(text).not.toContain(secret)
  const { checks } = (JSON.parse(text) as { documents: { checks: Line[] }[] }).documents[0]
  const line = (check: string): Line => {
    const found = checks.find((one) => one.check === check)
    if (found === undefined) throw new Error(`no line for ${check}: ${text}`)
    return found
  }
  return { code, text, checks, results: checks.map(({ check, result }) => `${check} ${result}`), line }
}

/** Nothing of a probe is in the buckets or in the catalog. */
async function expectNothingLeft(parts: DocumentParts, ...buckets: string[]): Promise<void> {
  const client = s3Client(inject('s3'))
  for (const bucket of [inject('bucket'), ...buckets]) {
    const keys: string[] = []
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket }))
      keys.push(...Contents.map(({ Key }) => Key!))
    expect(keys.filter((key) => key.includes('kafscale_doctor_') && (bucket !== inject('bucket') || key.includes(parts.database)))).toEqual(
      [],
    )
  }
  client.destroy()
  expect(await withCatalog(documentOf(parts), (catalog) => catalog.listTables(parts.database.split('.')))).toEqual([])
}

const source = (s3: S3Endpoint = inject('s3'), bucket = sourceBucket) => ({ topics: ['orders'], s3: { bucket, ...s3Settings(s3) } })

const allWell = [
  'document ok',
  'source ok',
  'clock ok',
  'topics ok',
  'segment ok',
  'catalog ok',
  'names ok',
  'namespace ok',
  'create ok',
  'write ok',
  'read ok',
  'load ok',
  'commit ok',
  'drop ok',
  'remove ok',
]

test("everything is well with Iceberg's REST catalog, and nothing of the probe stays", async () => {
  const parts = { place: restOnS3(), source: source(), database: `${database}_rest` }
  const { code, results } = await doctor(parts)
  expect(results).toEqual(allWell)
  expect(code).toBe(0)
  await expectNothingLeft(parts)
})

test('everything is well with a SQLite catalog over S3, and nothing of the probe stays', async () => {
  const parts = { place: sqliteOnS3(directory, 'doctor-sqlite'), source: source(), database: `${database}_sql` }
  const { code, results } = await doctor(parts)
  expect(results).toEqual(allWell)
  expect(code).toBe(0)
  await expectNothingLeft(parts)
})

test('with --read-only nothing is created, and a catalog file that is not there is not made', async () => {
  const own = await mkdtemp(join(directory, 'read-only-'))
  const parts = { place: sqliteOnS3(own, 'doctor-read-only'), source: source(), database }
  const { code, results } = await doctor(parts, '--read-only')
  expect(results).toEqual([...allWell.slice(0, 7), 'create skipped'])
  expect(code).toBe(0)
  expect(await readdir(own)).toEqual([])
})

test('a bucket that does not exist is named, and the catalog is checked all the same', async () => {
  const parts = { place: restOnS3(), source: source(inject('s3'), 'no-such-bucket-here'), database: `${database}_missing` }
  const { code, results, line } = await doctor(parts)
  expect(code).toBe(1)
  expect(results.slice(1, 5)).toEqual(['source failed', 'clock skipped', 'topics skipped', 'segment skipped'])
  expect(line('source').found).toContain('there is no bucket no-such-bucket-here')
  expect(results).toContain('commit ok')
  await expectNothingLeft(parts)
})

test('wrong keys of the source are named by the key to change', async () => {
  const wrong = { ...inject('s3'), secretAccessKey: `wrong-${randomUUID()}` }
  const { code, line } = await doctor({ place: restOnS3(), source: source(wrong), database }, '--read-only')
  expect(code).toBe(1)
  expect(line('source').found).toContain('the credentials are refused')
  expect(line('source').advice).toEqual([
    'check accessKeyId and secretAccessKey in spec.source.s3, or what the AWS credential chain finds where they are left out',
  ])
})

/** A place whose catalog is at that address. */
function catalogAt(endpoint: string, settings: object = {}): Place {
  return { ...restOnS3(), sink: { ...restOnS3().sink, catalog: { type: 'rest', endpoint, ...settings } } }
}

test('a catalog that is down is told, with its address', async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`
  const { code, line, results } = await doctor({ place: catalogAt(endpoint), source: source(), database })
  expect(code).toBe(1)
  expect(line('catalog')).toMatchObject({ result: 'failed', found: expect.stringContaining('ECONNREFUSED') as string })
  expect(results.at(-1)).toBe('create skipped')
})

test('a token that the catalog refuses is to be renewed, and is not printed though the catalog repeats it', async () => {
  const server = createServer((request, response) => {
    response.writeHead(401, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: { type: 'NotAuthorizedException', message: `bad ${request.headers.authorization}`, code: 401 } }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const parts = { place: catalogAt(endpoint, { token: `token-${randomUUID()}` }), source: source(), database }
    const { code, line } = await doctor(parts)
    expect(code).toBe(1)
    expect(line('catalog').advice).toEqual(['renew the token in spec.sink.catalog.token'])
  } finally {
    server.close()
  }
})

/** A user of the S3 server, with these actions on a new bucket alone. */
async function userWith(actions: readonly string[]): Promise<{ s3: S3Endpoint; bucket: string }> {
  const s3 = inject('s3')
  const bucket = await createBucket(s3)
  const [accessKeyId, secretAccessKey] = [`user-${randomUUID().slice(0, 8)}`, randomUUID()]
  const admin = ['admin', `--access=${s3.accessKeyId}`, `--secret=${s3.secretAccessKey}`, `--endpoint-url=${s3.endpoint}`]
  const create = ['create-user', '--access', accessKeyId, '--secret', secretAccessKey, '--role', 'user']
  await promisify(execFile)(join(installDirectory(), 'bin/versitygw'), [...admin, ...create])
  const client = s3Client(s3)
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: [accessKeyId] },
    Action: actions,
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
  }
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: policy }))
  client.destroy()
  return { s3: { ...s3, accessKeyId, secretAccessKey }, bucket }
}

test('a user who may read and not write is told the action and the resource, and nothing of the probe stays', async () => {
  const { s3, bucket } = await userWith(['s3:GetObject', 's3:ListBucket'])
  const rest = restOnS3()
  const parts = {
    place: { ...rest, sink: { ...rest.sink, storage: s3Settings(s3) } },
    source: source(),
    database: `${database}_denied`,
    tables: { location: `s3://${bucket}/tables` },
  }
  const { code, line, results } = await doctor(parts)
  expect(code).toBe(1)
  expect(results).toEqual([...allWell.slice(0, 9), 'write failed', 'read skipped', 'load ok', 'commit skipped', 'drop ok', 'remove ok'])
  expect(line('write').advice).toEqual([`allow s3:PutObject on arn:aws:s3:::${bucket}/tables/*`])
  await expectNothingLeft(parts, bucket)
})

test('a user who may list and not read the source is told the action and the resource', async () => {
  const { s3, bucket } = await userWith(['s3:ListBucket'])
  const admin = s3Client(inject('s3'))
  const { PutObjectCommand } = await import('@aws-sdk/client-s3')
  for (const extension of ['kfs', 'index']) {
    const Key = `logs/orders/0/segment-00000000000000000000.${extension}`
    await admin.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'segment' }))
  }
  admin.destroy()
  const parts = { place: restOnS3(), source: { topics: ['orders'], s3: { bucket, prefix: 'logs', ...s3Settings(s3) } }, database }
  const { code, line } = await doctor(parts, '--read-only')
  expect(code).toBe(1)
  expect(line('segment').advice).toEqual([`allow s3:GetObject on arn:aws:s3:::${bucket}/logs/*`])
})

test('files that may be written and not removed are named', async () => {
  const { s3, bucket } = await userWith(['s3:GetObject', 's3:PutObject', 's3:ListBucket'])
  const place = sqliteOnS3(directory, 'doctor-kept')
  const sink = { catalog: { ...place.sink.catalog, warehouse: `s3://${bucket}/kept` }, storage: s3Settings(s3) }
  const { code, line, results } = await doctor({ place: { ...place, sink }, source: source(), database })
  expect(code).toBe(0)
  expect(results.at(-1)).toBe('remove warning')
  const { advice } = line('remove')
  expect(advice[0]).toMatch(new RegExp(`^allow s3:DeleteObject on arn:aws:s3:::${bucket}/kept/`))
  const client = s3Client(inject('s3'))
  const left: string[] = []
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket })) left.push(...Contents.map(({ Key }) => Key!))
  client.destroy()
  expect(left.map((key) => `remove s3://${bucket}/${key}`).sort()).toEqual(advice.slice(1).toSorted())
})

test('Redis, etcd and the address for metrics are asked where the document names them', async () => {
  const redis = await startRedis()
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const own = await mkdtemp(join(directory, 'services-'))
  const examined = (port: number, etcd: number) =>
    doctor(
      {
        place: sqliteOnS3(own, 'doctor-services'),
        source: { ...source(), etcd: { endpoints: [`http://127.0.0.1:${etcd}`] } },
        database,
        queue: { redis: `redis://127.0.0.1:${redis.port}` },
        metrics: { address: `127.0.0.1:${port}` },
      },
      '--read-only',
    )
  try {
    const well = await examined(await freePort(), await freePort())
    expect(well.code).toBe(0)
    expect(well.line('queue').found).toMatch(/^Redis \d+\.\d+\.\d+, eviction policy noeviction$/)
    expect(well.line('etcd')).toMatchObject({ result: 'warning', found: expect.stringContaining('by listing alone') as string })
    expect(well.line('metrics').result).toBe('ok')
    expect(well.line('catalog').found).toContain('is not there yet')
    await redis.stop()
    const ill = await examined((taken.address() as AddressInfo).port, await freePort())
    expect(ill.code).toBe(1)
    expect(ill.line('queue')).toMatchObject({ result: 'failed', found: expect.stringContaining('ECONNREFUSED') as string })
    expect(ill.line('metrics')).toMatchObject({
      result: 'failed',
      found: expect.stringContaining('another process listens there') as string,
    })
  } finally {
    taken.close()
    await redis.stop()
  }
})
