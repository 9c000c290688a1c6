import { inject } from 'vitest'
import { createBucket, install, type RunningServer, type S3Endpoint, startRestCatalog, startS3 } from '../servers.ts'
import { minioVendor, type Vendor } from './minio-vendor.ts'

/** The Iceberg project's REST catalog over a store that gives out keys. */
export interface VendingWorld {
  /** Who may do everything in the store. */
  readonly s3: S3Endpoint
  readonly bucket: string
  readonly restCatalogUri: string
  /** Gives keys that live for so long. */
  vendor(times: { readonly lifeMs: number; readonly delayMs?: number }): Promise<Vendor>
  stop(): Promise<void>
}

/** Starts a MinIO, which has an STS, and a REST catalog with its warehouse in it. */
export async function startVendingWorld(): Promise<VendingWorld> {
  await install('minio')
  const servers: RunningServer[] = []
  const vendors: Vendor[] = []
  async function stop(): Promise<void> {
    for (const vendor of vendors) await vendor.close()
    for (const server of servers.toReversed()) await server.stop()
  }
  try {
    const s3 = await startS3('minio')
    servers.push(s3)
    const bucket = await createBucket(s3)
    const catalog = await startRestCatalog(s3, bucket)
    servers.push(catalog)
    return {
      s3,
      bucket,
      restCatalogUri: catalog.uri,
      async vendor(times) {
        const vendor = await minioVendor(s3, times)
        vendors.push(vendor)
        return vendor
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Keys that the AWS proxies know. */
export const awsKeys = { region: 'us-east-1', accessKeyId: 'AKIAPROXY', secretAccessKey: 'proxy-secret-key-31c' }

/** A place for tables in the shared bucket. */
export const sharedLocation = (): string => `s3://${inject('bucket')}/elsewhere`
