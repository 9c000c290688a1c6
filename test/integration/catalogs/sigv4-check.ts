import { createHash, createHmac } from 'node:crypto'
import { json } from './policy-proxy.ts'
import type { ProxyAnswer, SeenRequest } from '../proxy.ts'

/** Keys that a service knows, and where it is. */
export interface SigningRules {
  readonly service: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

const longestSkewMs = 5 * 60_000
const mustBeSigned = ['host', 'x-amz-content-sha256', 'x-amz-date']

/**
 * What a service that is not S3 answers to a request that is not signed rightly; null: it is (AWS Signature Version 4, "Create a signed
 * request": the path is encoded once more, and the hash of the body stands in `x-amz-content-sha256`).
 */
export function signatureRefusal({ method, path, headers, body }: SeenRequest, rules: SigningRules): ProxyAnswer | null {
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    )
  if (found === null) return refused('MissingAuthenticationTokenException', 'Missing Authentication Token')
  const [, keyId, day, region, service, signed, signature] = found
  if (keyId !== rules.accessKeyId) return refused('UnrecognizedClientException', 'The security token included in the request is invalid.')
  if (region !== rules.region || service !== rules.service)
    return refused('InvalidSignatureException', `Credential should be scoped to ${rules.region}/${rules.service}`)
  const stamp = String(headers['x-amz-date'])
  const at = Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!stamp.startsWith(day) || !(Math.abs(at - Date.now()) < longestSkewMs))
    return refused('InvalidSignatureException', 'Signature expired')
  const names = signed.split(';')
  const unsigned = [...mustBeSigned, ...(headers['x-amz-security-token'] === undefined ? [] : ['x-amz-security-token'])].find(
    (name) => !names.includes(name),
  )
  if (unsigned !== undefined) return refused('InvalidSignatureException', `${unsigned} must be a signed header`)
  const bodyHash = sha256(body)
  if (headers['x-amz-content-sha256'] !== bodyHash) return refused('InvalidSignatureException', 'The body is not the one that was signed')
  const [pathname, query = ''] = path.split('?')
  const canonical = [
    method,
    encodeURIComponent(pathname).replaceAll('%2F', '/'),
    query.split('&').toSorted().join('&'),
    ...names.map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    signed,
    bodyHash,
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', stamp, `${day}/${region}/${service}/aws4_request`, sha256(canonical)].join('\n')
  const key = [day, region, service, 'aws4_request'].reduce<Buffer | string>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    `AWS4${rules.secretAccessKey}`,
  )
  const expected = createHmac('sha256', key).update(toSign).digest('hex')
  return signature === expected
    ? null
    : refused('InvalidSignatureException', 'The request signature we calculated does not match the signature you provided.')
}

function refused(type: string, message: string): ProxyAnswer {
  return json(403, { error: { code: 403, type, message } })
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
