import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { glueProxy } from './catalogs/glue.ts'
import { awsPlace, unityPlace } from './catalogs/places.ts'
import type { PolicyProxy } from './catalogs/policy-proxy.ts'
import { s3tablesProxy } from './catalogs/s3tables.ts'
import { awsKeys, startVendingWorld, type VendingWorld } from './catalogs/servers.ts'
import { unityClient, unityProxy } from './catalogs/unity.ts'
import { addSegment, documentText, type Place } from './program.ts'

const bin = join(import.meta.dirname, '../../src/bin.js')
const sessionToken = 'session-token-2f8'
const wrongSecret = 'wrong-secret-77b'
let world: VendingWorld
let directory: string
const proxies: PolicyProxy[] = []
beforeAll(async () => {
  world = await startVendingWorld()
  directory = await mkdtemp(join(tmpdir(), 'secrets-commands-'))
  await addSegment(join(directory, 'segments'), { topic: 'secret', partition: 0 }, 0n, [{ value: Buffer.from('v') }])
}, 30 * 60_000)
afterAll(async () => {
  for (const proxy of proxies) await proxy.close()
  await world?.stop()
  await rm(directory, { recursive: true, force: true })
})

/** Everything that a user is told before, while and after a table is fed. */
const commands = [
  ['doctor'],
  ['plan'],
  ['run', '--once', '--log-level', 'debug'],
  ['status'],
  ['verify', '--exact'],
  ['compact', '--dry-run'],
  ...['snowflake', 'databricks', 'trino', 'spark', 'duckdb', 'pyiceberg', 'athena'].map((engine) => ['connect', engine]),
]

/** What all of the commands print, and the exit code of each, 2 of `connect` excepted. */
async function told(place: Place, database: string, env: NodeJS.ProcessEnv, tables?: object): Promise<{ output: string; codes: number[] }> {
  const file = join(directory, `${database}.json`)
  const source = { topics: ['secret'], directory: join(directory, 'segments') }
  await writeFile(file, documentText({ place, source, database, name: database.replaceAll('_', '-'), tables }))
  const codes: number[] = []
  let output = ''
  for (const [command, ...args] of commands) {
    const [code, text] = await new Promise<[number, string]>((resolve) => {
      const child = execFile(
        process.execPath,
        [bin, command, ...args, '-f', file],
        { env: { ...process.env, NODE_DEBUG: '', ...env } },
        (_, stdout, stderr) => resolve([child.exitCode ?? -1, stdout + stderr]),
      )
    })
    // Some engines read some catalogs by no way at all.
    codes.push(command === 'connect' && code === 2 ? 0 : code)
    output += `\n== ${command} ${args.join(' ')}: ${code}\n${text}`
  }
  return { output, codes }
}

function expectNoSecret(output: string, secrets: readonly string[]): void {
  for (const secret of secrets) expect(output.includes(secret), `${secret} in ${output}`).toBe(false)
  expect(output).not.toMatch(/Signature=[0-9a-f]{16}/i)
  expect(output).not.toMatch(/Bearer [\w.-]{8}/)
}

const aws = [
  { type: 'glue', open: glueProxy },
  { type: 's3tables', open: s3tablesProxy },
] as const

test.each(aws)(
  'no command says the keys or the signatures of requests to $type, right or wrong',
  { timeout: 300_000 },
  async ({ type, open }) => {
    const proxy = await open(world.restCatalogUri, { keys: awsKeys })
    proxies.push(proxy)
    const place = awsPlace(world, type, proxy.endpoint)
    const env = { AWS_ACCESS_KEY_ID: awsKeys.accessKeyId, AWS_SECRET_ACCESS_KEY: awsKeys.secretAccessKey, AWS_SESSION_TOKEN: sessionToken }
    const secrets = [awsKeys.secretAccessKey, sessionToken, wrongSecret, world.s3.secretAccessKey]
    const tables = type === 'glue' ? { location: `s3://${world.bucket}/secrets` } : undefined
    const right = await told(place, `secrets_${type}`, env, tables)
    expect(right.codes, right.output).toEqual(commands.map(() => 0))
    expect(right.output).toContain('committed')
    expectNoSecret(right.output, secrets)
    const wrong = await told(place, `secrets_${type}_wrong`, { ...env, AWS_SECRET_ACCESS_KEY: wrongSecret }, tables)
    expect(wrong.output).toMatch(/signature we calculated does not match/)
    expectNoSecret(wrong.output, secrets)
  },
)

test('no command says a token that the document has, good or revoked', { timeout: 300_000 }, async () => {
  const { vend } = await world.vendor({ lifeMs: 3_600_000 })
  const proxy = await unityProxy(world.restCatalogUri, { vend })
  proxies.push(proxy)
  const { clientId, clientSecret, scope } = unityClient
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope })
  const answer = await fetch(new URL('/oidc/v1/token', proxy.endpoint), { method: 'POST', body: form })
  const { access_token: token } = (await answer.json()) as { access_token: string }
  const place = unityPlace(world, proxy.endpoint)
  const catalog = { ...place.sink.catalog, oauth2: undefined, token }
  const right = await told({ ...place, sink: { catalog } }, 'secrets_unity', {})
  expect(right.codes, right.output).toEqual(commands.map(() => 0))
  expectNoSecret(right.output, [token])
  proxy.tokens.revoke()
  const wrong = await told({ ...place, sink: { catalog } }, 'secrets_unity', {})
  expect(wrong.output).toContain('401')
  expectNoSecret(wrong.output, [token])
})
