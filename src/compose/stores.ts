import { systemClock } from '../drivers/clock/system.ts'
import { systemEntropy } from '../drivers/entropy/system.ts'
import { countingMeter } from '../drivers/meter/counting.ts'
import { openDirectoryStore } from '../drivers/store/directory.ts'
import { openS3Store } from '../drivers/store/s3.ts'
import { DocumentError } from '../model/failure.ts'
import type { Clock } from '../seams/clock.ts'
import type { Entropy } from '../seams/entropy.ts'
import type { Meter } from '../seams/meter.ts'
import type { ObjectStore, WarehouseStore } from '../seams/object-store.ts'
import type { ProcessorDocument, Storage } from '../spec/document.ts'

/** What a store needs from outside. */
export interface StoreSeams {
  readonly clock: Clock
  readonly entropy: Entropy
  readonly meter: Meter
}

/** Sockets to one bucket at most. */
const maxSockets = 64

/** The store of a document's segments. Throws a WorkError where its directory does not exist, and a DocumentError where no region is known. */
export async function openSourceStore({ spec }: ProcessorDocument, seams: StoreSeams): Promise<ObjectStore> {
  const { s3, directory } = spec.source
  if (s3 !== undefined) return openBucket(s3.bucket, s3, seams)
  if (directory !== undefined) return openDirectoryStore({ root: directory, create: false }, seams)
  throw new Error('a checked document has a source')
}

/** The store of a document's data files: a bucket by its name, or the whole file system (null). Throws as `openSourceStore` does. */
export async function openWarehouseStore({ spec }: ProcessorDocument, bucket: string | null, seams: StoreSeams): Promise<WarehouseStore> {
  return bucket === null ? openDirectoryStore({ root: '/', create: false }, seams) : openBucket(bucket, spec.sink.storage, seams)
}

/** A place that the command line names. */
export type Place = ({ readonly bucket: string } & Partial<Storage>) | { readonly directory: string }

/** The store at a place, for looking into it: on the machine's own clock, with the credentials of the AWS chain. Throws as `openSourceStore` does. */
export async function openPlace(place: Place): Promise<ObjectStore> {
  const seams = systemSeams()
  if ('directory' in place) return openDirectoryStore({ root: place.directory, create: false }, seams)
  return openBucket(place.bucket, place, seams)
}

/** The store of a document's segments, for looking into it, on the machine's own clock. Throws as `openSourceStore` does. */
export function openDocumentSource(document: ProcessorDocument): Promise<ObjectStore> {
  return openSourceStore(document, systemSeams())
}

function systemSeams(): StoreSeams {
  return { clock: systemClock, entropy: systemEntropy(systemClock), meter: countingMeter() }
}

function openBucket(bucket: string, access: Partial<Storage>, seams: StoreSeams): WarehouseStore {
  const { endpoint, pathStyle, accessKeyId, secretAccessKey } = access
  const region = access.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? (endpoint && 'us-east-1')
  if (!region) throw new DocumentError(`expected a region for bucket ${bucket}, as a setting or in AWS_REGION, found none`)
  const credentials =
    accessKeyId === undefined || secretAccessKey === undefined
      ? undefined
      : () => ({ accessKeyId: accessKeyId.reveal(), secretAccessKey: secretAccessKey.reveal() })
  return openS3Store({ bucket, region, endpoint, pathStyle, credentials, maxSockets }, seams)
}
