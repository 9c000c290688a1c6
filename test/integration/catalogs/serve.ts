import { once } from 'node:events'
import { polarisProxy } from './polaris.ts'
import { unityProxy } from './unity.ts'
import { minioVendor } from './minio-vendor.ts'
import type { Vend } from './policy-proxy.ts'
import type { S3Endpoint } from '../servers.ts'

/** What the program below is asked for. */
export interface Serving {
  readonly product: keyof typeof products
  readonly restCatalogUri: string
  /** Has an STS. */
  readonly s3: S3Endpoint
}

const products = {
  polaris: (target: string, vend: Vend) => polarisProxy(target, { vend, defaultRealm: true }),
  /** Over storage without an STS. */
  'polaris-no-sts': (target: string) => polarisProxy(target, { defaultRealm: true }),
  /** Over directories of its machine. */
  'polaris-files': (target: string) => polarisProxy(target, { vend: async () => ({}), defaultRealm: true }),
  /** Asked by who may manage a catalog's metadata, as its administrator may without further grants. */
  'polaris-no-data': (target: string, vend: Vend) => polarisProxy(target, { vend, defaultRealm: true, grants: new Set(ofAdministrators) }),
  unity: (target: string, vend: Vend) => unityProxy(target, { vend }),
  'unity-open': (target: string, vend: Vend) => unityProxy(target, { vend, readOnly: true, openSource: true }),
  /** A later one. */
  'unity-open-writes': (target: string, vend: Vend) => unityProxy(target, { vend, openSource: true }),
  'unity-open-off': (target: string, vend: Vend) => unityProxy(target, { vend, openSource: true, lacking: 'writes' }),
  'unity-open-nowhere': (target: string, vend: Vend) => unityProxy(target, { vend, openSource: true, lacking: 'place' }),
}

/** What `CATALOG_MANAGE_METADATA` holds for: Polaris' source. */
const ofAdministrators = [
  'NAMESPACE_CREATE',
  'NAMESPACE_READ_PROPERTIES',
  'TABLE_CREATE',
  'TABLE_LIST',
  'TABLE_READ_PROPERTIES',
  'TABLE_WRITE_PROPERTIES',
  'TABLE_DROP',
]

// A policy proxy in a process of its own: told by its first argument what to be, it prints where it is, and ends with its standard input.
if (import.meta.main) {
  const { product, restCatalogUri, s3 } = JSON.parse(process.argv[2]) as Serving
  const vendor = await minioVendor(s3, { lifeMs: 3_600_000 })
  // Where the files' server is, is not told.
  const vend = async (location: string) => {
    const { 's3.endpoint': _, 's3.path-style-access': __, ...keys } = await vendor.vend(location)
    return keys
  }
  const proxy = await products[product](restCatalogUri, vend)
  console.log(proxy.endpoint)
  await once(process.stdin.resume(), 'end')
  await proxy.close()
  await vendor.close()
}
