import { WorkError } from '../../model/failure.ts'
import type { AnswerHeaders } from '../http/byte-pool.ts'
import { s3Address, s3ErrorOf } from './s3-address.ts'
import type { S3Address } from './s3-address.ts'
import { admittedBytes, conditionsOf } from './s3-answer.ts'
import type { AskedOfS3, S3Answer } from './s3-answer.ts'
import type { S3Connection } from './s3-client.ts'
import { getByS3Sdk } from './s3-sdk-get.ts'
import { getSigner } from './sigv4.ts'
import type { SignGet } from './sigv4.ts'

/** One attempt to get an object. Throws ObjectChanged, a WorkError, and otherwise errors as the SDK has them. */
export type GetFromS3 = (asked: AskedOfS3, signal: AbortSignal) => Promise<Uint8Array>

/** The body of an error: a short XML document. */
const largestErrorBytes = 2 ** 20

/**
 * Gets objects past the SDK, whose own way costs several times the CPU time of a small object: with the SDK's sockets, endpoint,
 * credentials and clock. What is more than that goes the SDK's way, and errors are read by the SDK.
 */
export function s3Getter({ client, pool }: S3Connection, bucket: string): GetFromS3 {
  let learning: Promise<void> | undefined
  let address: S3Address | null = null
  let sign: SignGet

  async function learn(): Promise<void> {
    try {
      address = await s3Address(client, bucket)
      if (address !== null) sign = getSigner(address.scope)
    } catch (error) {
      // Such as missing credentials, which may be found later.
      learning = undefined
      throw error
    }
  }

  return async (asked, signal) => {
    const { key } = asked
    // The request would be a listing.
    if (key === '') throw new WorkError(`s3://${bucket}/: an object has a key, and none was given`, { retry: 'never' })
    await (learning ??= learn())
    if (address === null) return getByS3Sdk(client, bucket, asked, signal)
    const { origin, host, pathPrefix, userAgent } = address
    const path = pathPrefix + encodedKey(key)
    // The SDK's offset is to this machine's clock.
    const nowMs = Date.now() + client.config.systemClockOffset
    const headers = sign({ host, path, ...conditionsOf(asked) }, await client.config.credentials(), nowMs)
    headers.push('user-agent', userAgent)
    const admit = (status: number, answered: AnswerHeaders): number =>
      status < 300 ? admittedBytes(s3Answer(answered), asked, bucket) : largestErrorBytes
    const answer = await pool.get({ origin, path, headers, admit }, signal)
    if (answer.status >= 300) throw await s3ErrorOf(client, bucket, key, answer)
    return answer.body
  }
}

function s3Answer({ etag, 'content-length': length, 'content-range': contentRange }: AnswerHeaders): S3Answer {
  return { etag: etag as string, length: length === undefined ? undefined : Number(length), contentRange: contentRange as string }
}

/** A key as it stands in a path: UTF-8, everything but RFC 3986's unreserved characters and the slash escaped, once. */
export function encodedKey(key: string): string {
  if (/^[\w.~/-]*$/.test(key)) return key
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}
