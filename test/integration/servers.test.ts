import { HeadBucketCommand } from '@aws-sdk/client-s3'
import { expect, inject, test } from 'vitest'
import { createBucket, s3Client, startS3 } from './servers.ts'

test('the shared S3 server has the bucket and refuses a wrong secret', async () => {
  const s3 = inject('s3')
  const client = s3Client(s3)
  await client.send(new HeadBucketCommand({ Bucket: inject('bucket') }))
  const impostor = s3Client({ ...s3, secretAccessKey: 'not the secret' })
  await expect(impostor.send(new HeadBucketCommand({ Bucket: inject('bucket') }))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 403 },
  })
  client.destroy()
  impostor.destroy()
})

test('the shared REST catalog answers, and programs started by a test find both in the environment', async () => {
  const answer = await fetch(`${process.env.REST_CATALOG_URI}/v1/config`)
  expect(answer.status).toBe(200)
  expect(process.env.REST_CATALOG_URI).toBe(inject('restCatalogUri'))
  expect(process.env.S3_ENDPOINT).toBe(inject('s3').endpoint)
})

test('a test may have a server of its own, which is gone after stop', async () => {
  const own = await startS3()
  const bucket = await createBucket(own)
  const client = s3Client(own)
  await client.send(new HeadBucketCommand({ Bucket: bucket }))
  client.destroy()
  await own.stop()
  await own.stop()
  await expect(fetch(own.endpoint)).rejects.toThrow('fetch failed')
})
