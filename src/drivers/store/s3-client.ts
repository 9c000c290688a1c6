import { S3Client } from '@aws-sdk/client-s3'
import { UndiciHttpHandler } from '@smithy/undici-http-handler'
import { openBytePool } from '../http/byte-pool.ts'
import type { BytePool } from '../http/byte-pool.ts'

export {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
export type { CompletedPart, GetObjectCommandOutput, ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface S3Options {
  readonly bucket: string
  readonly region: string
  /** Where the service is, if it is not AWS: `http://127.0.0.1:9000`. */
  readonly endpoint?: string
  /** Whether the bucket stands in the path and not in the host name. */
  readonly pathStyle?: boolean
  /**
   * Asked before every request, and more than once, because keys rotate and vended ones expire. Without it, or where it gives undefined, the AWS
   * chain finds the credentials: environment, shared files, web identity, container, instance.
   */
  readonly credentials?: () => S3Credentials | undefined | Promise<S3Credentials>
  /** Sockets to the service at most, over all that this store does. */
  readonly maxSockets: number
}

/** A client and the one pool of sockets that all its requests share. */
export interface S3Connection {
  readonly client: S3Client
  readonly pool: BytePool
  /** Closes the sockets; requests under way fail. */
  close(): Promise<void>
}

/** How long a socket may take to connect (TLS included), and a server to begin its answer or to go on with it. */
const connectTimeoutMs = 10_000
const silenceTimeoutMs = 30_000
const idleSocketMs = 10_000

/**
 * Opens a client that sends every request once: repeating is this project's own business (`persist`), because it must
 * cover the body of an answer too, which the SDK hands over unread.
 *
 * Checksums only where S3 requires them. The SDK would add CRCs by default, which servers older than 2024 answer with an
 * error or store as part of the data. Nothing is lost: the signature covers the SHA-256 of each body that is sent, and
 * what is read carries checksums of its own (Kafka batches, segments) or a format that shows damage.
 */
export function openS3Client(options: S3Options): S3Connection {
  const pool = openBytePool({ connections: options.maxSockets, connectTimeoutMs, silenceTimeoutMs, idleSocketMs })
  const { credentials } = options
  const client: S3Client = new S3Client({
    region: options.region,
    endpoint: options.endpoint,
    forcePathStyle: options.pathStyle ?? false,
    followRegionRedirects: false,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // The handler has types of an older undici, and speaks to whichever it is given.
    requestHandler: new UndiciHttpHandler({ dispatcher: pool.agent as object }),
    ...(credentials !== undefined && { credentials: unmemoized(async () => (await credentials()) ?? chain()) }),
  })
  // The chain that this client would have used itself. It remembers what it found until that expires.
  const chain = client.config.credentialDefaultProvider({})
  return {
    client,
    pool,
    // Not `client.destroy()`: it waits for no socket, and a later request would open a pool of its own.
    close: () => pool.close(),
  }
}

/** Tells the SDK not to remember what a provider gave: it would keep credentials without an expiry for good. */
function unmemoized<T extends object>(provider: T): T {
  return Object.assign(provider, { memoized: true })
}
