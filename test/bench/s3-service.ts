import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { createBucket, install, type S3Endpoint, s3Client, startRestCatalog, startS3 } from '../integration/servers.ts'

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

/** A bucket's settings in a document, by its name, and a sink. */
export interface S3Service {
  readonly s3: S3Endpoint
  /** The sink's settings: Iceberg's own REST catalog, tables in a bucket of the server. */
  readonly sink: object
}

/** An S3 server and a REST catalog on it. */
export function withS3Service<T>(use: (service: S3Service) => Promise<T>): Promise<T> {
  return withS3(async (s3) => {
    await install('rest-catalog')
    const catalog = await startRestCatalog(s3, await createBucket(s3, 'tables'))
    try {
      return await use({ s3, sink: { catalog: { type: 'rest', endpoint: catalog.uri }, storage: s3Settings(s3) } })
    } finally {
      await catalog.stop()
    }
  })
}

/** The source's settings for a bucket of the server. What was put there lately counts at once. */
export function s3Source(s3: S3Endpoint, bucket: string): object {
  return { s3: { bucket, ...s3Settings(s3) }, graceSeconds: 0 }
}

function s3Settings({ endpoint, region, accessKeyId, secretAccessKey }: S3Endpoint): object {
  return { endpoint, region, accessKeyId, secretAccessKey, pathStyle: true }
}

/** Puts partition 0 of `orders` in a directory with the bucket's layout into a bucket of its own, as so many partitions; returns the bucket. */
export async function upload(s3: S3Endpoint, directory: string, partitions = 1): Promise<string> {
  const bucket = await createBucket(s3, 'bench')
  const client = s3Client(s3)
  const folder = join(directory, 'orders', '0')
  const left = (await readdir(folder)).values()
  const lane = async () => {
    for (const name of left) {
      const bytes = await readFile(join(folder, name))
      for (let partition = 0; partition < partitions; partition++) {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: `orders/${partition}/${name}`, Body: bytes }))
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  client.destroy()
  return bucket
}
