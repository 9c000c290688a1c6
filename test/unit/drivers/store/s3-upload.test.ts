import { afterEach, describe, expect, test } from 'vitest'
import { seededEntropy, seededRandom } from '../../../../src/drivers/entropy/seeded.ts'
import { countingMeter } from '../../../../src/drivers/meter/counting.ts'
import { openS3Store } from '../../../../src/drivers/store/s3.ts'
import { cutParts, partBytes } from '../../../../src/drivers/store/s3-upload.ts'
import { pausesOf, s3Error, scriptedS3 } from './scripted-s3.ts'
import type { ScriptedAnswer, SeenRequest } from './scripted-s3.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})

const credentials = () => ({ accessKeyId: 'k', secretAccessKey: 's' })

async function storeOn(script: (request: SeenRequest, number: number) => ScriptedAnswer) {
  const server = await scriptedS3(script)
  const clock = pausesOf()
  const store = openS3Store(
    { bucket: 'lake', region: 'eu-west-1', endpoint: server.endpoint, pathStyle: true, credentials, maxSockets: 4 },
    { clock, entropy: seededEntropy(seededRandom(1), clock), meter: countingMeter() },
  )
  opened.push(server, store)
  return { server, store }
}

const megabyte = Buffer.alloc(2 ** 20, 'm')
const megabytes = (count: number): Buffer[] => Array<Buffer>(count).fill(megabyte)

/** What a multipart upload of S3 answers. */
function multipart({ method, url }: SeenRequest): ScriptedAnswer {
  if (url.includes('uploads')) return { body: '<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>' }
  if (method === 'PUT') return { headers: { etag: `"part-${/partNumber=(\d+)/.exec(url)?.[1]}"` } }
  if (method === 'DELETE') return { status: 204 }
  return { body: '<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>' }
}

const steps = (requests: readonly SeenRequest[]): string[] =>
  requests.map(({ method, url }) => `${method} ${/partNumber=\d+/.exec(url)?.[0] ?? (url.includes('uploads') ? 'create' : '')}`.trim())

describe('a small body', () => {
  test('is one PutObject of known length, without checksum trailers', async () => {
    const { server, store } = await storeOn(() => ({}))
    expect(await store.put('a/b', [Buffer.from('one'), Buffer.from('two')])).toBe(6)
    expect(server.requests.length).toBe(1)
    const [{ method, url, headers, body }] = server.requests
    expect([method, url, String(body)]).toEqual(['PUT', '/lake/a/b?x-id=PutObject', 'onetwo'])
    expect(headers['content-length']).toBe('6')
    expect(Object.keys(headers).filter((name) => /checksum|trailer|transfer-encoding|content-encoding|expect/.test(name))).toEqual([])
    expect(headers['x-amz-content-sha256']).toMatch(/^[0-9a-f]{64}$/)
  })

  test('is still one request at exactly the size of a part', async () => {
    const { server, store } = await storeOn(() => ({}))
    expect(await store.put('k', megabytes(8))).toBe(partBytes)
    expect(steps(server.requests)).toEqual(['PUT'])
  })

  test('is sent again whole after a failure', async () => {
    const { server, store } = await storeOn((_, number) => (number === 1 ? s3Error(500, 'InternalError') : {}))
    await store.put('k', [Buffer.from('whole')])
    expect(server.requests.map(({ body }) => String(body))).toEqual(['whole', 'whole'])
  })
})

function* failing(): Generator<Uint8Array> {
  yield* megabytes(20)
  throw new Error('no more columns')
}

describe('a large body', () => {
  test('goes up in parts, which are joined in order', async () => {
    const { server, store } = await storeOn(multipart)
    expect(await store.put('k', megabytes(35))).toBe(35 * 2 ** 20)
    expect(steps(server.requests).toSorted()).toEqual(['POST', 'POST create', ...[1, 2, 3, 4, 5].map((n) => `PUT partNumber=${n}`)])
    const sizes = server.requests.filter(({ method }) => method === 'PUT').map(({ body }) => body.length)
    expect(sizes.toSorted((a, b) => b - a)).toEqual([8, 8, 8, 8, 3].map((count) => count * 2 ** 20))
    const joined = [...String(server.requests.at(-1)?.body).matchAll(/part-(\d)/g)].map(([, number]) => number)
    expect(joined).toEqual(['1', '2', '3', '4', '5'])
  })

  test('has at most two parts in flight, and producing waits for them', async () => {
    let produced = 0
    let answered = 0
    let most = 0
    const { store } = await storeOn((request) => {
      if (request.method === 'PUT') answered++
      return multipart(request)
    })
    function* chunks(): Generator<Uint8Array> {
      for (; produced < 64; produced++) {
        most = Math.max(most, produced / 8 - answered)
        yield megabyte
      }
    }
    await store.put('k', chunks())
    expect(most).toBeLessThanOrEqual(4)
  })

  test('is abandoned where producing fails', async () => {
    const { server, store } = await storeOn(multipart)
    await expect(store.put('k', failing())).rejects.toThrow('no more columns')
    expect(steps(server.requests).at(-1)).toBe('DELETE')
    expect(server.requests.at(-1)?.url).toContain('uploadId=u1')
  })

  test('is abandoned where a part is refused, and its producer is closed', async () => {
    let closed = false
    const { server, store } = await storeOn((request) =>
      request.url.includes('partNumber=2') ? s3Error(403, 'AccessDenied') : multipart(request),
    )
    function* chunks(): Generator<Uint8Array> {
      try {
        for (;;) yield megabyte
      } finally {
        closed = true
      }
    }
    await expect(store.put('t/k', chunks())).rejects.toMatchObject({
      retry: 'never',
      message: expect.stringContaining('s3:PutObject') as string,
    })
    expect(steps(server.requests).at(-1)).toBe('DELETE')
    expect(closed).toBe(true)
  })

  test('is complete where the answer that said so was lost', async () => {
    let completions = 0
    const { server, store } = await storeOn((request) => {
      if (request.method === 'HEAD') return { body: Buffer.alloc(9 * 2 ** 20) }
      const completing = request.method === 'POST' && !request.url.includes('uploads')
      if (!completing) return multipart(request)
      return ++completions === 1 ? { body: 'cut', cutAfter: 1 } : s3Error(404, 'NoSuchUpload')
    })
    expect(await store.put('k', megabytes(9))).toBe(9 * 2 ** 20)
    expect(server.requests.at(-1)?.method).toBe('HEAD')
  })

  test('is work for later where somebody else abandoned it', async () => {
    const { store } = await storeOn((request) => (request.method === 'PUT' ? s3Error(404, 'NoSuchUpload') : multipart(request)))
    await expect(store.put('k', megabytes(9))).rejects.toMatchObject({ name: 'WorkError', retry: 'later' })
  })

  test('fails where a completion that answers 200 says in its body that it failed', async () => {
    const { server, store } = await storeOn((request) => {
      const completing = request.method === 'POST' && !request.url.includes('uploads')
      return completing ? { ...s3Error(500, 'InternalError'), status: 200 } : multipart(request)
    })
    await expect(store.put('k', megabytes(9))).rejects.toMatchObject({ name: 'WorkError', retry: 'later' })
    expect(steps(server.requests).at(-1)).toBe('DELETE')
  })
})

test('parts are cut at their size, whatever the sizes of the chunks', async () => {
  const bytes = Buffer.from(Array.from({ length: 100 }, (_, i) => i))
  for (const chunkSize of [1, 3, 7, 10, 33, 100]) {
    const chunks = Array.from({ length: Math.ceil(100 / chunkSize) }, (_, i) => bytes.subarray(i * chunkSize, (i + 1) * chunkSize))
    const parts = await partsOf(chunks)
    expect(parts.map(({ length }) => length)).toEqual([...Array(14).fill(7), 2])
    expect(Buffer.concat(parts)).toEqual(bytes)
  }
  expect(await partsOf([])).toEqual([])
})

async function partsOf(chunks: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = []
  for await (const part of cutParts(chunks, 7)) parts.push(part)
  return parts
}
