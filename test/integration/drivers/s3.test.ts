import { expect, test } from 'vitest'
import { systemClock } from '../../../src/drivers/clock/system.ts'
import { systemEntropy } from '../../../src/drivers/entropy/system.ts'
import { countingMeter } from '../../../src/drivers/meter/counting.ts'
import { openS3Store } from '../../../src/drivers/store/s3.ts'
import type { S3Options } from '../../../src/drivers/store/s3-client.ts'
import type { ObjectStore } from '../../../src/seams/object-store.ts'
import { objectStoreConformance, pagesOf } from '../../conformance/object-store.ts'
import { createBucket } from '../servers.ts'
import type { S3Endpoint } from '../servers.ts'

const server = serverFromEnvironment()
const bucket = await createBucket(server)

function serverFromEnvironment(): S3Endpoint {
  const { S3_ENDPOINT: endpoint, S3_ACCESS_KEY: accessKeyId, S3_SECRET_KEY: secretAccessKey, S3_REGION: region = 'us-east-1' } = process.env
  if (endpoint && accessKeyId && secretAccessKey) return { endpoint, region, accessKeyId, secretAccessKey }
  throw new Error(
    'these tests need an S3 server: run `npm run test:integration`, which starts one, or set S3_ENDPOINT, S3_ACCESS_KEY and S3_SECRET_KEY',
  )
}

function open(options: Partial<S3Options> = {}, meter = countingMeter()): ObjectStore {
  const { endpoint, region } = server
  return openS3Store(
    { bucket, region, endpoint, pathStyle: true, credentials: () => server, maxSockets: 16, ...options },
    { clock: systemClock, entropy: systemEntropy(systemClock), meter },
  )
}

objectStoreConformance(`S3 at ${server.endpoint}`, async () => open())

test('a listing of more than a thousand objects comes in pages, each object once and in order', async () => {
  const store = open()
  const keys = Array.from({ length: 1100 }, (_, i) => `pages/segment-${String(i * 10).padStart(20, '0')}.kfs`)
  for (let at = 0; at < keys.length; at += 50) await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, [])))
  const pages = await pagesOf(store, { prefix: 'pages/' })
  expect(pages.length).toBe(2)
  expect(pages.flatMap(({ objects }) => objects.map(({ key }) => key))).toEqual(keys)
  await store.close()
})

test('a get and a small put are one request each', async () => {
  const meter = countingMeter()
  const store = open({}, meter)
  await store.put('one', [Buffer.from('x')])
  await store.get('one')
  expect(Object.fromEntries(meter.totals())).toEqual({ 'store.s3.requests': 2 })
  await store.close()
})

test('wrong credentials and a missing bucket are told apart, without the secret', async () => {
  const wrong = open({ credentials: () => ({ ...server, secretAccessKey: 'wrong-secret' }) })
  await expect(wrong.get('k')).rejects.toMatchObject({
    retry: 'later',
    message: expect.stringMatching(/^cannot get s3:.*the credentials are refused/) as string,
  })
  await wrong.close()
  const missing = open({ bucket: 'no-such-bucket' })
  await expect(pagesOf(missing, { prefix: '' })).rejects.toMatchObject({
    retry: 'never',
    message: expect.stringContaining('there is no bucket no-such-bucket') as string,
  })
  await missing.close()
})
