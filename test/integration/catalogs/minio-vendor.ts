import { requestSigner } from '../../../src/drivers/aws/sign.ts'
import { faultProxy, type Treatment } from '../proxy.ts'
import type { S3Endpoint } from '../servers.ts'
import type { Vend } from './policy-proxy.ts'

/** Gives out keys for the files of one table, and ends their lives. */
export interface Vendor {
  readonly vend: Vend
  /** Gives keys that read and do not write. */
  readonly vendReading: Vend
  /** Every key and session token that was given out. */
  readonly issued: readonly string[]
  /** How many times keys were asked for. */
  readonly times: () => number
  close(): Promise<void>
}

/**
 * Keys of MinIO's STS (AssumeRole) whose session policy opens what lies below one location, enforced by MinIO itself. STS gives no keys that
 * live shorter than 15 minutes, so a proxy in front of the store ends them after `lifeMs` as S3 does, with 400 ExpiredToken. `delayMs`:
 * how long each answer of the store is held back.
 */
export async function minioVendor(s3: S3Endpoint, { lifeMs, delayMs = 0 }: { lifeMs: number; delayMs?: number }): Promise<Vendor> {
  const goodUntilMs = new Map<string, number>()
  const issued: string[] = []
  const sign = requestSigner({ region: s3.region, service: 'sts' }, async () => s3)
  const treatment: Treatment = async ({ headers }, forward) => {
    const token = headers['x-amz-security-token']
    const isOver = typeof token === 'string' && !((goodUntilMs.get(token) ?? 0) > Date.now())
    if (isOver) return { status: 400, headers: { 'content-type': 'application/xml' }, body: expired }
    await new Promise((resolve) => setTimeout(resolve, delayMs))
    return forward()
  }
  const store = await faultProxy(s3.endpoint, treatment)

  async function vendWith(actions: readonly string[], location: string): Promise<Record<string, string>> {
    const body = new URLSearchParams({
      Action: 'AssumeRole',
      Version: '2011-06-15',
      DurationSeconds: '900',
      Policy: policyFor(location, actions),
    }).toString()
    const request = { method: 'POST', url: `${s3.endpoint}/`, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body }
    const { host: _, ...headers } = await sign(request)
    const answer = await fetch(request.url, { method: 'POST', headers, body })
    const xml = await answer.text()
    if (!answer.ok) throw new Error(`AssumeRole answered ${answer.status}: ${xml}`)
    const [accessKeyId, secretAccessKey, sessionToken] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken'].map(
      (name) => new RegExp(`<${name}>([^<]+)`).exec(xml)?.[1] ?? '',
    )
    const until = Date.now() + lifeMs
    goodUntilMs.set(sessionToken, until)
    issued.push(accessKeyId, secretAccessKey, sessionToken)
    return {
      's3.access-key-id': accessKeyId,
      's3.secret-access-key': secretAccessKey,
      's3.session-token': sessionToken,
      's3.session-token-expires-at-ms': String(until),
      's3.endpoint': store.url,
      's3.path-style-access': 'true',
      'client.region': s3.region,
    }
  }
  return {
    vend: (location) => vendWith([...reading, 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'], location),
    vendReading: (location) => vendWith(reading, location),
    issued,
    times: () => issued.length / 3,
    close: () => store.close(),
  }
}

const reading = ['s3:GetObject']

function policyFor(location: string, actions: readonly string[]): string {
  const below = `${location.replace(/^s3a?:\/\//, '').replace(/\/+$/, '')}/*`
  const statement = { Effect: 'Allow', Action: actions, Resource: [`arn:aws:s3:::${below}`] }
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}

const expired = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>`
