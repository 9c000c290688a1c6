import { inspect } from 'node:util'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { seededEntropy, seededRandom } from '../../../../src/drivers/entropy/seeded.ts'
import { countingMeter } from '../../../../src/drivers/meter/counting.ts'
import { openS3Store } from '../../../../src/drivers/store/s3.ts'
import type { S3Options } from '../../../../src/drivers/store/s3-client.ts'
import { ObjectChanged, ObjectNotFound } from '../../../../src/seams/object-store.ts'
import { pagesOf } from '../../../conformance/object-store.ts'
import { pausesOf, s3Error, s3Page, scriptedS3 } from './scripted-s3.ts'
import type { ScriptedAnswer, SeenRequest } from './scripted-s3.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const one of opened.splice(0).toReversed()) await one.close()
})

/** A store on a server that follows `script`. */
async function storeOn(script: (request: SeenRequest, number: number) => ScriptedAnswer, options: Partial<S3Options> = {}) {
  const server = await scriptedS3(script)
  const clock = pausesOf()
  const meter = countingMeter()
  const credentials = { accessKeyId: 'AKIDKNOWN', secretAccessKey: 'very-secret', sessionToken: 'session-secret' }
  const store = openS3Store(
    {
      bucket: 'lake',
      region: 'eu-west-1',
      endpoint: server.endpoint,
      pathStyle: true,
      credentials: () => credentials,
      maxSockets: 4,
      ...options,
    },
    { clock, entropy: seededEntropy(seededRandom(1), clock), meter },
  )
  opened.push(server, store)
  return { server, clock, meter, store }
}

const object = (body: string | Buffer): ScriptedAnswer => ({ headers: { etag: '"e1"' }, body })

describe('a get', () => {
  test('is one request, with the ETag in quotes, the range inclusive, and no checksum asked for', async () => {
    const { server, store } = await storeOn(() => ({
      ...object('234'),
      status: 206,
      headers: { etag: '"e1"', 'content-range': 'bytes 2-4/10' },
    }))
    await store.get('a/b c', { ifMatch: 'e1', range: { start: 2, end: 5 } })
    expect(server.requests.length).toBe(1)
    const [{ method, url, headers }] = server.requests
    expect([method, url]).toEqual(['GET', '/lake/a/b%20c'])
    expect([headers['if-match'], headers.range]).toEqual(['"e1"', 'bytes=2-4'])
    expect(headers['x-amz-checksum-mode']).toBeUndefined()
  })

  test('whose body is cut short is repeated', async () => {
    const { server, clock, meter, store } = await storeOn((_, number) => ({ ...object('0123456789'), ...(number < 3 && { cutAfter: 4 }) }))
    expect(Buffer.from(await store.get('k')).toString()).toBe('0123456789')
    expect(server.requests.length).toBe(3)
    expect(clock.pauses.length).toBe(2)
    expect(Object.fromEntries(meter.totals())).toEqual({ 'store.s3.requests': 3, 'store.s3.retries': 2 })
  })

  test('that is asked to slow down waits longer each time, and longer than after other failures', async () => {
    const { clock, store } = await storeOn((_, number) => (number < 4 ? s3Error(503, 'SlowDown') : object('x')))
    await store.get('k')
    for (const [i, pause] of clock.pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(500 * 2 ** i)
      expect(pause).toBeLessThanOrEqual(1000 * 2 ** i)
    }
    expect(clock.pauses.length).toBe(3)
  })

  test('that keeps failing gives up after six attempts and names bucket and key', async () => {
    const { server, store } = await storeOn(() => s3Error(500, 'InternalError'))
    await expect(store.get('t/0/k')).rejects.toMatchObject({
      name: 'WorkError',
      retry: 'later',
      message: 'cannot get s3://lake/t/0/k: the service did not answer as it should, several times (500 InternalError Said the server.)',
    })
    expect(server.requests.length).toBe(6)
  })

  test('from a server that ignores If-Match is ObjectChanged where the ETag is another', async () => {
    const { store } = await storeOn(() => object('other bytes'))
    await expect(store.get('k', { ifMatch: 'e0' })).rejects.toBeInstanceOf(ObjectChanged)
  })

  test('from a server that ignores the range is refused before the body is read', async () => {
    const { store } = await storeOn(() => object(Buffer.alloc(1000)))
    await expect(store.get('k', { range: { start: 0, end: 10 } })).rejects.toThrow(
      's3://lake/k: the answer has 1000 bytes, and at most 10 are read at once',
    )
  })

  test('asks for the credentials every time, because they rotate', async () => {
    let accessKeyId = 'KEY1'
    const { server, store } = await storeOn(() => object('x'), {
      credentials: () => ({ accessKeyId, secretAccessKey: 's' }),
    })
    await store.get('k')
    accessKeyId = 'KEY2'
    await store.get('k')
    expect(server.requests.map(({ headers }) => /Credential=(\w+)/.exec(headers.authorization ?? '')?.[1])).toEqual(['KEY1', 'KEY2'])
  })

  test('takes the credentials that the AWS chain finds where none are given', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'KEYOFCHAIN')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    for (const credentials of [undefined, () => undefined]) {
      const { server, store } = await storeOn(() => object('x'), { credentials })
      await store.get('k')
      expect(server.requests[0].headers.authorization).toContain('Credential=KEYOFCHAIN/')
    }
  })

  test('from a server that is not there is tried again, and then is work for later', async () => {
    const { server, clock, store } = await storeOn(() => object('x'))
    await server.close()
    await expect(store.get('k')).rejects.toMatchObject({
      name: 'WorkError',
      retry: 'later',
      message: expect.stringContaining('ECONNREFUSED') as string,
    })
    expect(clock.pauses.length).toBe(5)
  })

  test('stops with the reason of its signal, at once and for good', async () => {
    const { server, store } = await storeOn(() => ({ silent: true }))
    const controller = new AbortController()
    const got = store.get('k', { signal: controller.signal })
    const reason = new Error('enough')
    setTimeout(() => controller.abort(reason), 50)
    await expect(got).rejects.toBe(reason)
    expect(server.requests.length).toBe(1)
  })
})

async function get(answer: ScriptedAnswer): Promise<Uint8Array> {
  const { store } = await storeOn(() => answer)
  return store.get('t/k')
}

function never(message: RegExp): Error {
  return expect.objectContaining({ name: 'WorkError', retry: 'never', message: expect.stringMatching(message) as string }) as Error
}

describe('what S3 refuses', () => {
  test('NoSuchKey is ObjectNotFound, a missing bucket is not', async () => {
    await expect(get(s3Error(404, 'NoSuchKey'))).rejects.toBeInstanceOf(ObjectNotFound)
    await expect(get(s3Error(404, 'NoSuchBucket'))).rejects.toEqual(never(/s3:\/\/lake\/t\/k: there is no bucket lake at http:/))
  })

  test('412 is ObjectChanged', async () => {
    await expect(get(s3Error(412, 'PreconditionFailed'))).rejects.toBeInstanceOf(ObjectChanged)
  })

  test('an archived object is to be restored', async () => {
    await expect(get(s3Error(403, 'InvalidObjectState', '<StorageClass>DEEP_ARCHIVE</StorageClass>'))).rejects.toEqual(
      never(/archived.*RestoreObject/),
    )
  })

  test('a missing permission is named, with bucket and key', async () => {
    const { store } = await storeOn(() => s3Error(403, 'AccessDenied'))
    await expect(store.get('t/k')).rejects.toEqual(never(/permission s3:GetObject is missing for bucket lake, key t\/k.*s3:ListBucket/))
    await expect(store.put('t/k', [])).rejects.toEqual(never(/permission s3:PutObject is missing for bucket lake, key t\/k/))
    await expect(pagesOf(store, { prefix: 't/' })).rejects.toEqual(never(/permission s3:ListBucket is missing for bucket lake/))
  })

  test('a bucket in another region is told by the region option, and the region where the answer has it', async () => {
    const redirect = s3Error(301, 'PermanentRedirect')
    await expect(get({ ...redirect, headers: { ...redirect.headers, 'x-amz-bucket-region': 'us-east-2' } })).rejects.toEqual(
      never(/the bucket lies in us-east-2, and the region option says eu-west-1/),
    )
    await expect(get(s3Error(400, 'AuthorizationHeaderMalformed', '<Region>us-west-1</Region>'))).rejects.toEqual(
      never(/lies in us-west-1/),
    )
  })

  test('credentials that are refused are said to be so, and may be rotated ones soon', async () => {
    const refused = expect.objectContaining({ retry: 'later', message: expect.stringMatching(/the credentials are refused/) as string })
    await expect(get(s3Error(403, 'SignatureDoesNotMatch'))).rejects.toEqual(refused)
    await expect(get(s3Error(403, 'InvalidAccessKeyId'))).rejects.toEqual(refused)
  })

  test('no error holds a secret, whatever the answer repeats of the request', async () => {
    const told =
      '<Token-0>session-secret</Token-0><StringToSign>very-secret</StringToSign><CanonicalRequest>x-amz-security-token:session-secret</CanonicalRequest>'
    for (const code of ['SignatureDoesNotMatch', 'InvalidToken', 'AccessDenied', 'ExpiredToken', 'Whatever']) {
      const error: unknown = await get(s3Error(400, code, told)).catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(Error)
      expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/very-secret|session-secret/)
    }
  })
})

describe('a listing', () => {
  test('decodes keys and prefixes, takes the quotes off ETags, and takes the time from the Date header', async () => {
    const more = '<CommonPrefixes><Prefix>z+z/</Prefix></CommonPrefixes>'
    const { server, store } = await storeOn(() => s3Page(['a%20b+c%2Bd', 'a%F0%9F%98%80/x%01'], more))
    const [page] = await pagesOf(store, { prefix: 'a b', startAfter: 'a a', delimiter: '/' })
    expect(page).toEqual({
      objects: [
        { key: 'a b c+d', size: 3, etag: 'e-a%20b+c%2Bd', lastModifiedMs: Date.UTC(2026, 6, 1) },
        { key: 'a😀/x\u0001', size: 3, etag: 'e-a%F0%9F%98%80/x%01', lastModifiedMs: Date.UTC(2026, 6, 1) },
      ],
      prefixes: ['z z/'],
      dateMs: Date.UTC(2026, 6, 1, 10, 20, 30),
    })
    expect(server.requests[0].url).toBe('/lake/?delimiter=%2F&encoding-type=url&list-type=2&prefix=a%20b&start-after=a%20a')
  })

  test('leaves keys alone where the server did not encode them', async () => {
    const plain = s3Page(['a+b%41'])
    const { store } = await storeOn(() => ({ ...plain, body: String(plain.body).replace('<EncodingType>url</EncodingType>', '') }))
    expect((await pagesOf(store, { prefix: '' }))[0].objects[0].key).toBe('a+b%41')
  })

  test('follows continuation tokens, drops an empty last page, and asks for no page that nobody wants', async () => {
    const truncated = '<IsTruncated>true</IsTruncated><NextContinuationToken>t+/=</NextContinuationToken>'
    const { server, store } = await storeOn((_, number) => (number === 1 ? s3Page(['a', 'b'], truncated) : s3Page([])))
    const pages = await pagesOf(store, { prefix: '' })
    expect(pages.map(({ objects }) => objects.map(({ key }) => key))).toEqual([['a', 'b']])
    expect(server.requests[1].url).toContain('continuation-token=t%2B%2F%3D')

    const early = await storeOn(() => s3Page(['a'], truncated))
    for await (const page of early.store.list({ prefix: '' })) if (page.objects.length > 0) break
    expect(early.server.requests.length).toBe(1)
  })

  test('has the clock’s time where the server tells none', async () => {
    const { date: _, ...headers } = s3Page([]).headers as Record<string, string>
    const { clock, store } = await storeOn(() => ({ ...s3Page([]), headers: { ...headers, date: '' } }))
    await clock.sleep(77)
    expect((await pagesOf(store, { prefix: '' }))[0].dateMs).toBe(77)
  })

  test('marks objects of other storage classes', async () => {
    const glacier = s3Page(['a', 'b'])
    const { store } = await storeOn(() => ({
      ...glacier,
      body: String(glacier.body).replace('<Size>3</Size>', '<Size>3</Size><StorageClass>GLACIER</StorageClass>'),
    }))
    const [{ objects }] = await pagesOf(store, { prefix: '' })
    expect(objects.map(({ storageClass }) => storageClass)).toEqual(['GLACIER', undefined])
  })

  test('that is not in order, or repeats a key, is an error and not a gap', async () => {
    const unordered = await storeOn(() => s3Page(['b', 'a']))
    await expect(pagesOf(unordered.store, { prefix: '' })).rejects.toThrow(
      "s3://lake: the listing is not in the order of the keys' UTF-8 bytes: b came before a",
    )
    const again = await storeOn(() => s3Page(['a'], '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>'))
    await expect(pagesOf(again.store, { prefix: '' })).rejects.toThrow('a came before a')
  })

  test('whose page is cut short is repeated', async () => {
    const { server, store } = await storeOn((_, number) => ({ ...s3Page(['a', 'b']), ...(number === 1 && { cutAfter: 100 }) }))
    expect((await pagesOf(store, { prefix: '' }))[0].objects.length).toBe(2)
    expect(server.requests.length).toBe(2)
  })
})

describe('sockets', () => {
  test('are as many as the option says at most, and all closed by close()', async () => {
    const { server, store } = await storeOn(() => object('x'))
    await Promise.all(Array.from({ length: 50 }, () => store.get('k')))
    expect(server.requests.length).toBe(50)
    expect(server.sockets).toEqual({ total: 4, open: 4, most: 4 })
    await store.close()
    await expect.poll(() => server.sockets.open).toBe(0)
    await expect(store.get('k')).rejects.toMatchObject({
      message: expect.stringContaining('the store was closed') as string,
      retry: 'never',
    })
    await store.close()
  })
})
