import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { chainCredentials, roleCredentials } from '../../../../src/drivers/aws/credentials.ts'

interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly form: Record<string, string>
}

let directory: string
let url: string
let asked: Asked[]
let close: () => Promise<void>

/** An STS and a pod identity agent on this machine; whoever shows the wrong thing is refused. */
beforeEach(async () => {
  asked = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { method = '', url: path = '', headers } = request
      const form = Object.fromEntries(new URLSearchParams(body))
      asked.push({ method, path, headers, form })
      if (path === '/v1/credentials') {
        const isKnown = headers.authorization === 'pod-token'
        const keys = { AccessKeyId: 'POD', SecretAccessKey: 'pod-secret', Token: 'pod-session', Expiration: inAnHour() }
        response.writeHead(isKnown ? 200 : 403, { 'content-type': 'application/json' }).end(JSON.stringify(isKnown ? keys : {}))
        return
      }
      const name = form['Action'] ?? ''
      const refused = name === 'AssumeRole' && form['ExternalId'] !== 'their-number'
      response
        .writeHead(refused ? 403 : 200, { 'content-type': 'text/xml' })
        .end(refused ? error('AccessDenied') : `<${name}Response><${name}Result>${credentials(name)}</${name}Result></${name}Response>`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  close = () =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  directory = await mkdtemp(join(tmpdir(), 'aws-'))
  // Nothing of this machine's own: no keys, no files, no instance.
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_CONFIG_FILE', join(directory, 'config'))
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(directory, 'credentials'))
  vi.stubEnv('AWS_REGION', 'eu-central-1')
  vi.stubEnv('AWS_ENDPOINT_URL_STS', url)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await close()
  await rm(directory, { recursive: true })
})

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString()
const error = (code: string): string => `<ErrorResponse><Error><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`
const credentials = (name: string): string =>
  `<Credentials><AccessKeyId>${name}</AccessKeyId><SecretAccessKey>sts-secret</SecretAccessKey><SessionToken>sts-session</SessionToken><Expiration>${inAnHour()}</Expiration></Credentials>`

/** A file in the test's directory, by its path. */
async function file(name: string, content: string): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, content)
  return path
}

describe('AWS keys come from', () => {
  it('the environment, asked each time, since they rotate', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'ENV')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'env-secret')
    vi.stubEnv('AWS_SESSION_TOKEN', 'env-session')
    const keys = chainCredentials()
    expect(await keys()).toMatchObject({ accessKeyId: 'ENV', secretAccessKey: 'env-secret', sessionToken: 'env-session' })
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'ROTATED')
    expect(await keys()).toMatchObject({ accessKeyId: 'ROTATED' })
    expect(asked).toEqual([])
  })

  it('a profile', async () => {
    await file(
      'credentials',
      '[default]\naws_access_key_id=D\naws_secret_access_key=d\n[lake]\naws_access_key_id=FILE\naws_secret_access_key=file-secret\n',
    )
    vi.stubEnv('AWS_PROFILE', 'lake')
    expect(await chainCredentials()()).toMatchObject({ accessKeyId: 'FILE', secretAccessKey: 'file-secret' })
  })

  it('web identity: a token in a file, exchanged for a role’s keys once for many that ask', async () => {
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', await file('token', 'web-token'))
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/lake')
    const keys = chainCredentials()
    const all = await Promise.all([keys(), keys(), keys()])
    expect(all[2]).toMatchObject({ accessKeyId: 'AssumeRoleWithWebIdentity', sessionToken: 'sts-session' })
    await keys()
    expect(asked).toHaveLength(1)
    expect(asked[0].form).toMatchObject({ RoleArn: 'arn:aws:iam::123456789012:role/lake', WebIdentityToken: 'web-token' })
    expect(asked[0].headers.authorization).toBeUndefined()
  })

  it('pod identity: an agent on this machine, shown the token in a file', async () => {
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${url}/v1/credentials`)
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', await file('pod', 'pod-token'))
    expect(await chainCredentials()()).toMatchObject({ accessKeyId: 'POD', secretAccessKey: 'pod-secret', sessionToken: 'pod-session' })
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v1/credentials'])
  })

  it('a role of another account, assumed with the keys that the chain finds, its external id shown', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'ENV')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'env-secret')
    const role = { roleArn: 'arn:aws:iam::210987654321:role/theirs', externalId: 'their-number', region: 'eu-central-1' }
    const keys = roleCredentials(role)
    expect(await keys()).toMatchObject({ accessKeyId: 'AssumeRole', secretAccessKey: 'sts-secret' })
    await keys()
    expect(asked).toHaveLength(1)
    expect(asked[0].form).toMatchObject({ RoleArn: role.roleArn, ExternalId: 'their-number', RoleSessionName: 'iceberg-processor' })
    expect(asked[0].headers.authorization).toMatch(/Credential=ENV\/\d{8}\/eu-central-1\/sts\/aws4_request/)
    await expect(roleCredentials({ ...role, externalId: 'wrong' })()).rejects.toMatchObject({
      name: 'CredentialsProviderError',
      message: expect.stringMatching(/^the role arn:aws:iam::210987654321:role\/theirs can not be assumed: AccessDenied /) as string,
    })
  })

  it('a role that is assumed with given keys', async () => {
    const role = { roleArn: 'arn:aws:iam::210987654321:role/theirs', externalId: 'their-number', region: 'eu-central-1' }
    await roleCredentials(role, async () => ({ accessKeyId: 'GIVEN', secretAccessKey: 'given-secret' }))()
    expect(asked[0].headers.authorization).toMatch(/Credential=GIVEN\//)
  })

  it('nowhere, and the error says so', async () => {
    await expect(chainCredentials()()).rejects.toThrow(/Could not load credentials from any providers/)
  })
})
