import { createHmac, createSecretKey, hash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** Who signs. */
export interface SigningCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Where a signature is good: the region and service that the endpoint belongs to. */
export interface SigningScope {
  readonly region: string
  readonly service: string
}

/** A GET as it will stand on the wire. */
export interface UnsignedGet {
  /** The Host header. */
  readonly host: string
  /** Encoded as it is sent; S3 signs the path without encoding it again. */
  readonly path: string
  /** Sorted and encoded; empty where there is none. */
  readonly query?: string
  readonly ifMatch?: string
  readonly range?: string
}

/** Signs a GET at a time (ms since 1970): gives all its headers, names and values in turn. */
export type SignGet = (get: UnsignedGet, credentials: SigningCredentials, nowMs: number) => string[]

const emptySha256 = hash('sha256', '')
const algorithm = 'AWS4-HMAC-SHA256'

/**
 * AWS Signature Version 4 in the Authorization header, for requests without a body (S3 API reference, "Authenticating
 * Requests"). It keeps the key that it derived last: that is good for a day, and four of the five HMACs of a signature.
 */
export function getSigner({ region, service }: SigningScope): SignGet {
  let second = Number.NaN
  let amzDate = ''
  let day = ''
  let scope = ''
  let keyDay = ''
  let keySecret = ''
  // As a KeyObject: from bytes Node makes one for each HMAC, which costs six HMACs.
  let key: KeyObject | undefined

  return ({ host, path, query = '', ifMatch, range }, { accessKeyId, secretAccessKey, sessionToken }, nowMs) => {
    if (Math.trunc(nowMs / 1000) !== second) {
      second = Math.trunc(nowMs / 1000)
      amzDate = new Date(second * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, '')
      day = amzDate.slice(0, 8)
      scope = `${day}/${region}/${service}/aws4_request`
    }
    if (key === undefined || day !== keyDay || secretAccessKey !== keySecret) {
      key = createSecretKey(signingKey(secretAccessKey, day, region, service))
      keyDay = day
      keySecret = secretAccessKey
    }

    // In the order of their names, as the canonical request wants them.
    const headers = ['host', host]
    if (ifMatch !== undefined) headers.push('if-match', ifMatch)
    if (range !== undefined) headers.push('range', range)
    headers.push('x-amz-content-sha256', emptySha256, 'x-amz-date', amzDate)
    if (sessionToken !== undefined) headers.push('x-amz-security-token', sessionToken)

    let canonical = `GET\n${path}\n${query}\n`
    let signed = ''
    for (let at = 0; at < headers.length; at += 2) {
      canonical += `${headers[at]}:${headers[at + 1].trim().replaceAll(/ {2,}/g, ' ')}\n`
      signed += at === 0 ? headers[at] : `;${headers[at]}`
    }
    canonical += `\n${signed}\n${emptySha256}`
    const signature = createHmac('sha256', key)
      .update(`${algorithm}\n${amzDate}\n${scope}\n${hash('sha256', canonical)}`)
      .digest('hex')
    headers.push('authorization', `${algorithm} Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`)
    return headers
  }
}

/** The key of a day, a region and a service; `day` as YYYYMMDD. */
export function signingKey(secret: string, day: string, region: string, service: string): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), 'aws4_request')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
