import { S3Client } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { getSigner, signingKey } from '../../../../src/drivers/store/sigv4.ts'
import type { UnsignedGet } from '../../../../src/drivers/store/sigv4.ts'

/** The account of AWS's own examples ("Authenticating Requests: Using the Authorization Header"). */
const exampleCredentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const exampleMs = Date.UTC(2013, 4, 24)
const host = 'examplebucket.s3.amazonaws.com'

test.each([
  [
    'GET Object with a range',
    { path: '/test.txt', range: 'bytes=0-9' },
    'host;range;x-amz-content-sha256;x-amz-date',
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  ],
  [
    'GET Bucket Lifecycle',
    { path: '/', query: 'lifecycle=' },
    'host;x-amz-content-sha256;x-amz-date',
    'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  ],
  [
    'GET Bucket (List Objects)',
    { path: '/', query: 'max-keys=2&prefix=J' },
    'host;x-amz-content-sha256;x-amz-date',
    '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  ],
])("AWS's example %s gets AWS's signature", (_, get, names, signature) => {
  const headers = getSigner({ region: 'us-east-1', service: 's3' })({ host, ...get }, exampleCredentials, exampleMs)
  expect(named(headers)).toEqual({
    host,
    ...('range' in get && { range: get.range }),
    'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'x-amz-date': '20130524T000000Z',
    authorization: `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=${names}, Signature=${signature}`,
  })
})

test("AWS's example of a signing key comes out", () => {
  const key = signingKey('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', '20150830', 'us-east-1', 'iam')
  expect(key.toString('hex')).toBe('c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9')
})

test("any GET gets the SDK's signature, though one signer sees many times and many credentials", async () => {
  const sign = getSigner({ region: 'eu-west-1', service: 's3' })
  const secret = fc.stringMatching(/^[A-Za-z0-9+/]{1,40}$/)
  const cases = fc.record({
    path: fc.string({ unit: 'grapheme' }).map((key) => `/lake/${encodeURIComponent(key)}`),
    ifMatch: fc.option(fc.stringMatching(/^"[0-9a-f -]{0,40}"$/), { nil: undefined }),
    range: fc.option(
      fc.nat().map((start) => `bytes=${start}-${start + 9}`),
      { nil: undefined },
    ),
    credentials: fc.record({
      accessKeyId: fc.constantFrom('AKIA1', 'AKIA2'),
      secretAccessKey: fc.oneof(fc.constantFrom('one', 'two'), secret),
      sessionToken: fc.option(secret, { nil: undefined }),
    }),
    nowMs: fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2026, 0, 3) }),
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ credentials, nowMs, ...get }) => {
      expect(named(sign({ host, ...get }, credentials, nowMs))).toEqual(await bySdk({ host, ...get }, credentials, nowMs))
    }),
  )
})

async function bySdk(
  get: UnsignedGet,
  credentials: { accessKeyId: string; secretAccessKey: string },
  nowMs: number,
): Promise<Record<string, string>> {
  const client = new S3Client({ region: 'eu-west-1', credentials })
  const signer = await client.config.signer()
  const given = { host: get.host, 'if-match': get.ifMatch, range: get.range }
  const headers = Object.fromEntries(Object.entries(given).filter((header): header is [string, string] => header[1] !== undefined))
  const request = { method: 'GET', protocol: 'https:', hostname: get.host, path: get.path, query: {}, headers }
  return (await signer.sign(request, { signingDate: new Date(nowMs), signingRegion: 'eu-west-1', signingService: 's3' })).headers
}

function named(headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(Array.from({ length: headers.length / 2 }, (_, i) => [headers[2 * i], headers[2 * i + 1]]))
}
