import { resolve } from 'node:path'
import { openDirectoryStore } from '../drivers/store/directory.ts'
import { openS3Store } from '../drivers/store/s3.ts'
import type { Clock } from '../seams/clock.ts'
import type { Entropy } from '../seams/entropy.ts'
import type { Meter } from '../seams/meter.ts'
import type { ObjectStore, WarehouseStore } from '../seams/object-store.ts'
import type { ProcessorDocument, Storage } from '../spec/document.ts'

export interface StoreSurroundings {
  readonly clock: Clock
  readonly entropy: Entropy
  readonly meter: Meter
}

/** Sockets to one S3 service at most. */
const maxSockets = 64

/** The store of a document's segments. */
export async function openSourceStore(document: ProcessorDocument, around: StoreSurroundings): Promise<ObjectStore> {
  const { s3, directory } = document.spec.source
  return s3 === undefined ? openDirectoryStore({ root: resolve(directory!), create: false }, around) : openBucket(s3.bucket, s3, around)
}

/** The store of a document's tables: a bucket, or the file system's root (null). */
export async function openWarehouseStore(document: ProcessorDocument, bucket: string | null, around: StoreSurroundings): Promise<WarehouseStore> {
  return bucket === null ? openDirectoryStore({ root: '/', create: false }, around) : openBucket(bucket, document.spec.sink.storage, around)
}

function openBucket(bucket: string, access: Storage, around: StoreSurroundings): WarehouseStore {
  const { region, endpoint, pathStyle, accessKeyId, secretAccessKey } = access
  const environment = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION
  return openS3Store(
    {
      bucket,
      region: region ?? environment ?? 'us-east-1',
      endpoint,
      pathStyle,
      credentials: () =>
        accessKeyId === undefined || secretAccessKey === undefined
          ? undefined
          : { accessKeyId: accessKeyId.reveal(), secretAccessKey: secretAccessKey.reveal() },
      maxSockets,
    },
    around,
  )
}
