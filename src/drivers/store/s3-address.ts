import { Readable } from 'node:stream'
import type { AnswerHeaders, ByteAnswer } from '../http/byte-pool.ts'
import { GetObjectCommand } from './s3-client.ts'
import type { S3Client } from './s3-client.ts'
import type { SigningScope } from './sigv4.ts'

/** Where the SDK finds a bucket's objects: what is the same in all its GETs. */
export interface S3Address {
  /** Scheme, host and port. */
  readonly origin: string
  /** The Host header. */
  readonly host: string
  /** What stands before an object's key, encoded; ends in a slash. */
  readonly pathPrefix: string
  readonly userAgent: string
  readonly scope: SigningScope
}

/** A request of the SDK, signed. */
interface SdkRequest {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly query: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
}

/** Headers that a GET of the SDK has and that are understood: made anew for each request, or for statistics. */
const understood = new Set([
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'authorization',
  'host',
  'user-agent',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-user-agent',
])

const probeKey = 'k'

/**
 * Asks the SDK how it would send a GET to `bucket`: it resolves endpoint, addressing style, region and kind of signature as
 * for any request, and nothing is sent. Null where its GET is more than a path, a host and Signature Version 4 (directory
 * buckets and their sessions, signatures for several regions, tracing). Throws what the SDK throws, such as for missing
 * credentials.
 */
export async function s3Address(client: S3Client, bucket: string): Promise<S3Address | null> {
  let request: SdkRequest | undefined
  await getThrough(client, { Bucket: bucket, Key: probeKey }, (signed) => {
    request = signed
    return { statusCode: 200, headers: {}, body: Readable.from([]) }
  })
  return request === undefined ? null : addressOf(request)
}

function addressOf({ protocol, hostname, port, path, query, headers }: SdkRequest): S3Address | null {
  const [, region, service] =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request,/.exec(headers.authorization ?? '') ?? []
  const isPlain =
    region !== undefined &&
    path.endsWith(`/${probeKey}`) &&
    Object.keys(headers).every((name) => understood.has(name.toLowerCase())) &&
    Object.keys(query).every((name) => name === 'x-id')
  if (!isPlain) return null
  return {
    origin: `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`,
    host: headers.host,
    userAgent: headers['user-agent'],
    pathPrefix: path.slice(0, -probeKey.length),
    scope: { region, service },
  }
}

/** The SDK's own error for an answer that is none of success. The SDK sets its clock right by it where that is what failed. */
export async function s3ErrorOf(client: S3Client, bucket: string, key: string, answer: ByteAnswer): Promise<unknown> {
  const { status, headers, body } = answer
  try {
    await getThrough(client, { Bucket: bucket, Key: key }, () => ({
      statusCode: status,
      headers: joined(headers),
      body: Readable.from([body]),
    }))
  } catch (error) {
    return error
  }
  return new Error(`the SDK takes an answer of status ${status} for a success`)
}

function joined(headers: AnswerHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]))
}

/** Carries out a GET by the SDK with `answer` in the place of the network. */
async function getThrough(
  client: S3Client,
  input: { readonly Bucket: string; readonly Key: string },
  answer: (request: SdkRequest) => { statusCode: number; headers: Record<string, string>; body: Readable },
): Promise<void> {
  const command = new GetObjectCommand(input)
  command.middlewareStack.add(
    () => async (args) => ({ response: answer(args.request as SdkRequest), output: { $metadata: {} } }),
    // The innermost: signing lies outside of it.
    { step: 'deserialize', priority: 'low' },
  )
  await client.send(command)
}
