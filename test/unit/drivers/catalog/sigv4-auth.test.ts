import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signingKey } from '../../../../src/drivers/store/sigv4.ts'
import { simpleTable } from '../../../conformance/catalog.ts'
import type { SeenRequest } from './rest-server.ts'
import { table, world } from './rest-world.ts'

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG', sessionToken: 'session/token==' }

/** The signature as a service that is not S3 works it out from what arrived (AWS Signature Version 4, "Create a signed request"). */
function expectedSignature({ method, path, headers, body }: SeenRequest): string {
  const [, day, region, service, signed] =
    /Credential=[^/]+\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+),/.exec(headers.authorization ?? '') ?? []
  const [pathname, query = ''] = path.split('?')
  const canonical = [
    method,
    encodeURIComponent(pathname).replaceAll('%2F', '/'),
    query.split('&').toSorted().join('&'),
    ...signed.split(';').map((name) => `${name}:${String(headers[name])}`),
    '',
    signed,
    createHash('sha256').update(body).digest('hex'),
  ].join('\n')
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], `${day}/${region}/${service}/aws4_request`, sha256(canonical)].join('\n')
  return createHmac('sha256', signingKey(keys.secretAccessKey, day, region, service))
    .update(text)
    .digest('hex')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

describe('requests signed with AWS keys', () => {
  it('are signed over path, query, headers and body, and carry the body’s hash and the session', async () => {
    const { catalog, server } = await world(
      {},
      { auth: { kind: 'sigv4', service: 'glue' }, aws: () => ({ region: 'eu-central-1', credentials: async () => keys }) },
    )
    await catalog.ensureNamespace(table.namespace)
    await catalog.createTable(table, simpleTable)
    await catalog.loadTable(table)
    expect(server.seen.map(({ method }) => method)).toEqual(expect.arrayContaining(['GET', 'POST']))
    for (const request of server.seen) {
      expect(request.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/glue\/aws4_request/)
      expect(request.headers['x-amz-content-sha256']).toBe(sha256(request.body))
      expect(request.headers['x-amz-security-token']).toBe(keys.sessionToken)
      expect(request.headers.authorization).toContain(`Signature=${expectedSignature(request)}`)
    }
  })

  it('are not sent where there are no keys, which is said', async () => {
    const credentials = async () => {
      throw new Error('Could not load credentials from any providers')
    }
    const { catalog, server } = await world({}, { auth: { kind: 'sigv4' }, aws: () => ({ region: 'r', credentials }) })
    await expect(catalog.loadTable(table)).rejects.toMatchObject({
      retry: 'later',
      message: 'no AWS credentials to sign requests to the catalog with: Could not load credentials from any providers',
    })
    expect(server.seen).toEqual([])
  })
})
