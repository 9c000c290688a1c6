import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { createBucket, install, type S3Endpoint, s3Client, startS3 } from '../integration/servers.ts'

/** An S3 server on this machine, installed where it is missing. Its own CPU time is nobody's figure. */
export async function withS3<T>(use: (s3: S3Endpoint) => Promise<T>): Promise<T> {
  await install('versitygw')
  const server = await startS3()
  try {
    const { endpoint, region, accessKeyId, secretAccessKey } = server
    return await use({ endpoint, region, accessKeyId, secretAccessKey })
  } finally {
    await server.stop()
  }
}

/** How a document names the server. */
export function s3Settings({ endpoint, region, accessKeyId, secretAccessKey }: S3Endpoint): object {
  return { endpoint, region, accessKeyId, secretAccessKey, pathStyle: true }
}

/** Puts a directory into a bucket of its own under the same keys; returns the bucket. */
export async function upload(s3: S3Endpoint, directory: string): Promise<string> {
  const bucket = await createBucket(s3, 'bench')
  const client = s3Client(s3)
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const keys = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
  for (let i = 0; i < keys.length; i += 8) {
    const puts = keys.slice(i, i + 8).map(async (key) => {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: await readFile(join(directory, key)) }))
    })
    await Promise.all(puts)
  }
  client.destroy()
  return bucket
}
