import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { AwsCredentials } from './credentials.ts'

/** A request to sign. */
export interface SignableRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** Gives the headers of a request with its signature among them. */
export type SignRequest = (request: SignableRequest) => Promise<Record<string, string>>

/**
 * AWS Signature Version 4 over path, query, headers and body, for any service but S3: the path is encoded once more for signing, and the
 * body's hash goes along in `x-amz-content-sha256`.
 */
export function requestSigner(scope: { readonly region: string; readonly service: string }, credentials: AwsCredentials): SignRequest {
  const signer = new SignatureV4({ ...scope, credentials, sha256: Sha256, applyChecksum: true })
  return async ({ method, url, headers, body }) => {
    const { protocol, hostname, port, host, pathname, searchParams } = new URL(url)
    const query: Record<string, string[]> = {}
    for (const [name, value] of searchParams) (query[name] ??= []).push(value)
    const signed = await signer.sign({
      method,
      protocol,
      hostname,
      port: port === '' ? undefined : Number(port),
      path: pathname,
      query,
      headers: { ...headers, host },
      body,
    })
    return signed.headers
  }
}

/** Node's SHA-256 as the signer wants it; with a key, its HMAC. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(key))
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data)
}
