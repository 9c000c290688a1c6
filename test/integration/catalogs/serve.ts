import { once } from 'node:events'
import { polarisProxy } from './polaris.ts'
import { unityProxy } from './unity.ts'
import { minioVendor } from './minio-vendor.ts'
import type { S3Endpoint } from '../servers.ts'

/** What the program below is asked for: a plain Polaris, a Unity that writes, or the open-source one, which reads, and later writes. */
export interface Serving {
  readonly product: 'polaris' | 'unity' | 'unity-open' | 'unity-open-writes'
  readonly restCatalogUri: string
  /** Has an STS. */
  readonly s3: S3Endpoint
}

// A policy proxy in a process of its own: told by its first argument what to be, it prints where it is, and ends with its standard input.
if (import.meta.main) {
  const { product, restCatalogUri, s3 } = JSON.parse(process.argv[2]) as Serving
  const vendor = await minioVendor(s3, { lifeMs: 3_600_000 })
  // Where the files' server is, is not told.
  const vend = async (location: string) => {
    const { 's3.endpoint': _, 's3.path-style-access': __, ...keys } = await vendor.vend(location)
    return keys
  }
  const proxy =
    product === 'polaris'
      ? await polarisProxy(restCatalogUri, { vend, defaultRealm: true })
      : await unityProxy(restCatalogUri, product === 'unity' ? { vend } : { vend, readOnly: product === 'unity-open', openSource: true })
  console.log(proxy.endpoint)
  await once(process.stdin.resume(), 'end')
  await proxy.close()
  await vendor.close()
}
