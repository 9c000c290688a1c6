import { roleCredentials } from '../drivers/aws/credentials.ts'
import { systemClock } from '../drivers/clock/system.ts'
import { systemEntropy } from '../drivers/entropy/system.ts'
import type { GrantedAccess } from '../drivers/io/granted-files.ts'
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
  if (s3 !== undefined) return openBucket(s3.bucket, s3, seams, { role: roleOf(s3) })
  if (directory !== undefined) return openDirectoryStore({ root: directory, create: false }, seams)
  throw new Error('a checked document has a source')
}

/** The store of a document's data files: a bucket by its name, or the whole file system (null). Throws as `openSourceStore` does. */
export async function openWarehouseStore({ spec }: ProcessorDocument, bucket: string | null, seams: StoreSeams): Promise<WarehouseStore> {
  return bucket === null ? openDirectoryStore({ root: '/', create: false }, seams) : openBucket(bucket, spec.sink.storage, seams)
}

/** The store of one bucket's data files as the catalog grants access to them; what it leaves open is as the document has it. */
export async function openGrantedStore(
  { spec }: ProcessorDocument,
  bucket: string | null,
  { region, endpoint, pathStyle, keys }: GrantedAccess,
  seams: StoreSeams,
): Promise<WarehouseStore> {
  if (bucket === null) return openDirectoryStore({ root: '/', create: false }, seams)
  const { storage } = spec.sink
  const own = {
    ...storage,
    region: region ?? storage.region,
    endpoint: endpoint ?? storage.endpoint,
    pathStyle: pathStyle ?? storage.pathStyle,
  }
  return openBucket(bucket, own, seams, { granted: keys })
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

function openBucket(
  bucket: string,
  access: Partial<Storage>,
  seams: StoreSeams,
  { granted, role }: { granted?: GrantedAccess['keys']; role?: { readonly roleArn: string; readonly externalId?: string } } = {},
): WarehouseStore {
  const { endpoint, pathStyle } = access
  const region = access.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? (endpoint && 'us-east-1')
  if (!region) throw new DocumentError(`expected a region for bucket ${bucket}, as a setting or in AWS_REGION, found none`)
  const own = granted ?? keysOf(access)
  const credentials = role === undefined ? own : roleCredentials({ ...role, region }, own && (async () => own()))
  return openS3Store({ bucket, region, endpoint, pathStyle, credentials, maxSockets }, seams)
}

/** Asked for at each request: values may be files that change. Undefined: the AWS chain finds them. */
function keysOf({ accessKeyId, secretAccessKey }: Partial<Storage>) {
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return () => ({ accessKeyId: accessKeyId.reveal(), secretAccessKey: secretAccessKey.reveal() })
}

function roleOf({ roleArn, externalId }: { readonly roleArn?: string; readonly externalId?: string }) {
  return roleArn === undefined ? undefined : { roleArn, externalId }
}
