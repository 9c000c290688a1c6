import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { seededEntropy, seededRandom } from '../../../../src/drivers/entropy/seeded.ts'
import { countingMeter } from '../../../../src/drivers/meter/counting.ts'
import { openS3Store } from '../../../../src/drivers/store/s3.ts'
import { s3Address } from '../../../../src/drivers/store/s3-address.ts'
import { openS3Client } from '../../../../src/drivers/store/s3-client.ts'
import type { S3Options } from '../../../../src/drivers/store/s3-client.ts'
import { encodedKey } from '../../../../src/drivers/store/s3-get.ts'
import { pausesOf, s3Error, scriptedS3 } from './scripted-s3.ts'
import type { ScriptedAnswer, SeenRequest } from './scripted-s3.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const one of opened.splice(0).toReversed()) await one.close()
})

const credentials = () => ({ accessKeyId: 'AKID', secretAccessKey: 'secret' })

async function storeOn(script: (request: SeenRequest, number: number) => ScriptedAnswer, options: Partial<S3Options> = {}, path = '') {
  const server = await scriptedS3(script)
  const clock = pausesOf()
  const store = openS3Store(
    { bucket: 'lake', region: 'eu-west-1', endpoint: server.endpoint + path, pathStyle: true, credentials, maxSockets: 4, ...options },
    { clock, entropy: seededEntropy(seededRandom(1), clock), meter: countingMeter() },
  )
  opened.push(server, store)
  return { server, store }
}

async function addressOf(options: Partial<S3Options>) {
  const all = { bucket: 'lake', region: 'eu-west-1', credentials, maxSockets: 1, ...options }
  const connection = openS3Client(all)
  opened.push(connection)
  return s3Address(connection.client, all.bucket)
}

describe('the address of a bucket is the one that the SDK has for', () => {
  const inIreland = { region: 'eu-west-1', service: 's3' }

  test('a bucket in the host name', async () => {
    expect(await addressOf({})).toMatchObject({
      origin: 'https://lake.s3.eu-west-1.amazonaws.com',
      host: 'lake.s3.eu-west-1.amazonaws.com',
      pathPrefix: '/',
      scope: inIreland,
    })
  })

  test('a bucket in the path, also where its name has dots', async () => {
    const expected = { origin: 'https://s3.eu-west-1.amazonaws.com', pathPrefix: '/lake/' }
    expect(await addressOf({ pathStyle: true })).toMatchObject(expected)
    expect(await addressOf({ bucket: 'la.ke' })).toMatchObject({ ...expected, pathPrefix: '/la.ke/' })
  })

  test('an endpoint with a port and a path of its own', async () => {
    const endpoint = 'http://store.example:9000/s3'
    expect(await addressOf({ endpoint, pathStyle: true })).toMatchObject({
      origin: 'http://store.example:9000',
      host: 'store.example:9000',
      pathPrefix: '/s3/lake/',
    })
    expect(await addressOf({ endpoint })).toMatchObject({ origin: 'http://lake.store.example:9000', pathPrefix: '/s3/' })
  })

  test('what the environment says to the SDK', async () => {
    vi.stubEnv('AWS_USE_DUALSTACK_ENDPOINT', 'true')
    expect(await addressOf({})).toMatchObject({ host: 'lake.s3.dualstack.eu-west-1.amazonaws.com', scope: inIreland })
    vi.stubEnv('AWS_USE_DUALSTACK_ENDPOINT', undefined)
    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', 'true')
    expect(await addressOf({ region: 'us-west-2' })).toMatchObject({ host: 'lake.s3-fips.us-west-2.amazonaws.com' })
    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', undefined)
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'https://gateway.example')
    expect(await addressOf({ pathStyle: true })).toMatchObject({ origin: 'https://gateway.example', pathPrefix: '/lake/' })
  })

  test('an access point', async () => {
    const bucket = 'arn:aws:s3:eu-west-1:123456789012:accesspoint/mine'
    expect(await addressOf({ bucket })).toMatchObject({
      host: 'mine-123456789012.s3-accesspoint.eu-west-1.amazonaws.com',
      scope: inIreland,
    })
  })

  test('nothing at all, where a request wants more than a signature', async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'f')
    vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-2-3')
    expect(await addressOf({})).toBeNull()
  })
})

describe('a GET', () => {
  const object: ScriptedAnswer = { headers: { etag: '"e1"' }, body: 'bytes' }

  test("goes below an endpoint's own path", async () => {
    const { server, store } = await storeOn(() => object, {}, '/base/path/')
    await store.get('a/b')
    expect(server.requests.map(({ url }) => url)).toEqual(['/base/path/lake/a/b'])
  })

  test("stands on the wire as the SDK's does, whatever the key", async () => {
    let path = ''
    const handle = (request: { path: string }) => {
      path = request.path
      return Promise.reject(new Error('seen'))
    }
    const client = new S3Client({
      region: 'eu-west-1',
      credentials: credentials(),
      forcePathStyle: true,
      maxAttempts: 1,
      requestHandler: { handle },
    })
    const keys = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.string({ unit: fc.constantFrom('/', '.', '+', '%', '!', "'", '(', ')', '*', '~', ' ', 'a', 'é', '😀'), minLength: 1 }),
    )
    await fc.assert(
      fc.asyncProperty(keys, async (key) => {
        await client.send(new GetObjectCommand({ Bucket: 'lake', Key: key })).catch(() => {})
        expect(`/lake/${encodedKey(key)}`).toBe(path)
      }),
    )
  })

  test('without a key is none, and does not become a listing', async () => {
    const { server, store } = await storeOn(() => object)
    await expect(store.get('')).rejects.toThrow('s3://lake/: an object has a key, and none was given')
    expect(server.requests).toEqual([])
  })

  test('sends and signs the token of a session, the ETag and the range', async () => {
    const session = () => ({ ...credentials(), sessionToken: 'token' })
    const { server, store } = await storeOn(
      () => ({ ...object, status: 206, headers: { etag: '"e1"', 'content-range': 'bytes 5-9/10' } }),
      { credentials: session },
    )
    await store.get('k', { ifMatch: 'e1', range: { start: 5, end: 10 } })
    const { headers } = server.requests[0]
    expect(headers['x-amz-security-token']).toBe('token')
    expect(/SignedHeaders=([^,]+),/.exec(headers.authorization ?? '')?.[1]).toBe(
      'host;if-match;range;x-amz-content-sha256;x-amz-date;x-amz-security-token',
    )
    expect(headers['user-agent']).toMatch(/^aws-sdk-js/)
  })

  test("is signed at the server's time once the server has said that this machine's is wrong", async () => {
    const ahead = new Date(Date.now() + 3_600_000).toUTCString()
    const { server, store } = await storeOn((_, number) => {
      const skewed = s3Error(403, 'RequestTimeTooSkewed')
      return number === 1 ? { ...skewed, headers: { ...skewed.headers, date: ahead } } : object
    })
    await store.get('k')
    await store.get('k')
    expect(server.requests.length).toBe(3)
    const minutesAhead = server.requests.map(({ headers }) =>
      ((timeOf(headers['x-amz-date']) - Date.now()) / 60_000).toFixed().replace('-0', '0'),
    )
    expect(minutesAhead).toEqual(['0', '60', '60'])
  })

  test('is tried again with new credentials where the old ones have expired', async () => {
    let accessKeyId = 'OLD'
    const { server, store } = await storeOn(
      ({ headers }) => {
        const expired = headers.authorization?.includes('Credential=OLD/')
        accessKeyId = 'NEW'
        return expired ? s3Error(400, 'ExpiredToken') : object
      },
      { credentials: () => ({ accessKeyId, secretAccessKey: 'secret' }) },
    )
    await store.get('k')
    expect(server.requests.length).toBe(2)
  })

  test('finds credentials later where there were none at first', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
    let found: ReturnType<S3Options['credentials'] & object>
    const { server, store } = await storeOn(() => object, { credentials: () => found })
    await expect(store.get('k')).rejects.toMatchObject({
      retry: 'later',
      message: expect.stringContaining('no credentials were found') as string,
    })
    found = credentials()
    await store.get('k')
    expect(server.requests.length).toBe(1)
  })

  test('of another range than the one that was asked for is refused', async () => {
    const range = { start: 5, end: 15 }
    const whole = await storeOn(() => ({ ...object, body: 'whole' }))
    await expect(whole.store.get('k', { range })).rejects.toThrow(
      's3://lake/k: the answer has bytes from 0 on, and bytes from 5 on were asked for',
    )
    const other = await storeOn(() => ({ ...object, status: 206, headers: { 'content-range': 'bytes 4-8/9' } }))
    await expect(other.store.get('k', { range })).rejects.toMatchObject({ name: 'WorkError', retry: 'never' })
  })

  test('goes the way of the SDK, with the same checks, where the address is not plain', async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'f')
    vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-2-3')
    const { server, store } = await storeOn((_, number) => ({ ...object, ...(number === 1 && { cutAfter: 2 }) }))
    expect(Buffer.from(await store.get('a b', { ifMatch: 'e1' })).toString()).toBe('bytes')
    expect(server.requests.map(({ url }) => url)).toEqual(['/lake/a%20b?x-id=GetObject', '/lake/a%20b?x-id=GetObject'])
    expect(server.requests[0].headers['x-amzn-trace-id']).toBe('Root=1-2-3')
    await expect(store.get('k', { ifMatch: 'e2' })).rejects.toMatchObject({ name: 'ObjectChanged' })
    await expect(store.get('k', { range: { start: 1, end: 6 } })).rejects.toThrow('bytes from 0 on')
  })
})

test('GETs, listings and puts share their sockets', async () => {
  const listing = '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'
  const { server, store } = await storeOn(({ url }) => ({ body: url.includes('list-type') ? listing : 'x' }), { maxSockets: 2 })
  const list = async (): Promise<void> => {
    for await (const page of store.list({ prefix: '' })) expect(page.objects).toEqual([])
  }
  await Promise.all(Array.from({ length: 10 }, () => [store.get('k'), store.put('k', [Buffer.from('x')]), list()]).flat())
  expect(server.requests.length).toBe(30)
  expect(server.sockets).toEqual({ total: 2, open: 2, most: 2 })
})

/** The time that stands in X-Amz-Date, ms. */
function timeOf(amzDate = ''): number {
  return Date.parse(amzDate.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'))
}
