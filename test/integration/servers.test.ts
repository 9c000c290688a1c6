import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { HeadBucketCommand } from '@aws-sdk/client-s3'
import { expect, inject, test } from 'vitest'
import { createBucket, freePorts, s3Client, startS3 } from './servers.ts'

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

test('ports for servers are in a row, free, asked for once, and not among those that the kernel gives to connections', async () => {
  const kernels = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s/)[0])
  const given = await freePorts(4)
  const [first] = given
  expect(given).toEqual([first, first + 1, first + 2, first + 3])
  // Those of a Redis Cluster's nodes among themselves, too.
  expect(given[3] + 10_000).toBeLessThan(kernels)
  const taken = await new Promise<Server>((resolve) => {
    const server: Server = createServer().listen(first + 5, '127.0.0.1', () => resolve(server))
  })
  const next = await freePorts(2)
  expect(next).not.toContain(first + 5)
  expect(next.filter((port) => given.includes(port))).toEqual([])
  taken.close()
})
