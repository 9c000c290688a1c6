import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { polarisPlace } from './catalogs/places.ts'
import { polarisClient, polarisProxy, polarisRealm } from './catalogs/polaris.ts'
import { startVendingWorld, type VendingWorld } from './catalogs/servers.ts'
import type { TokenProxy } from './catalogs/tokens.ts'
import { addSegment, documentText, s3Settings, uploadDirectory } from './program.ts'
import { freePort } from './servers.ts'

const bin = join(import.meta.dirname, '../../src/bin.js')
const etcdPassword = 'etcd-password-c04'
const wrongSecret = 'wrong-client-secret-e6f'
let world: VendingWorld
let directory: string
let proxy: TokenProxy
let vended: readonly string[]
let sourceBucket: string
beforeAll(async () => {
  world = await startVendingWorld()
  directory = await mkdtemp(join(tmpdir(), 'catalog-secrets-'))
  await addSegment(join(directory, 'segments'), { topic: 'secret', partition: 0 }, 0n, [{ value: Buffer.from('v') }])
  sourceBucket = `secrets-${Date.now()}`
  await uploadDirectory(world.s3, sourceBucket, join(directory, 'segments'))
  const vendor = await world.vendor({ lifeMs: 3_600_000 })
  vended = vendor.issued
  // The first commit is doubtful, and its answer shows what a careless catalog might.
  let commits = 0
  proxy = await polarisProxy(world.restCatalogUri, {
    vend: vendor.vend,
    meddle: async ({ headers }, forward) => {
      if (commits++ > 0) return forward()
      const message = `failed for ${proxy.tokens.issued.join()} of realm ${String(headers['polaris-realm'])}`
      return { status: 500, body: JSON.stringify({ error: { message, type: 'InternalServerError', code: 500 } }) }
    },
  })
}, 30 * 60_000)
afterAll(async () => {
  await proxy?.close()
  await world?.stop()
  await rm(directory, { recursive: true, force: true })
})

/** Runs a document at the most talkative until `enough`, and gives everything that it told, on its pages too. */
async function told(name: string, change: (text: string) => string, enough: (output: string) => boolean): Promise<string> {
  const port = await freePort()
  const text = documentText({
    place: polarisPlace(world, proxy.endpoint),
    source: {
      topics: ['secret'],
      s3: { bucket: sourceBucket, ...s3Settings(world.s3) },
      etcd: { endpoints: [`http://127.0.0.1:${await freePort()}`], username: 'reader', password: etcdPassword },
    },
    database: 'secrets',
    name,
    processing: { commitIntervalSeconds: 1 },
  })
  const file = join(directory, `${name}.json`)
  const document = JSON.parse(change(text)) as { spec: object }
  await writeFile(file, JSON.stringify({ ...document, spec: { ...document.spec, metrics: { address: `127.0.0.1:${port}` } } }))
  const child = spawn(process.execPath, [bin, 'run', '-f', file, '--log-level', 'debug'], { env: { ...process.env, NODE_DEBUG: '' } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = new Promise((resolve) => child.once('close', resolve))
  try {
    await vi.waitUntil(() => enough(output), { timeout: 60_000, interval: 100 })
    for (const page of ['/metrics', '/', '/readyz', '/healthz', '/status']) {
      const answer = await fetch(`http://127.0.0.1:${port}${page}`)
      output += `\n${page} ${answer.status}\n${await answer.text()}`
    }
  } catch (error) {
    throw new Error(`${String(error)}: ${output}`, { cause: error })
  } finally {
    child.kill('SIGTERM')
    await ended
  }
  return output
}

function expectNoSecret(output: string): void {
  const secrets = [
    polarisClient.clientSecret,
    wrongSecret,
    etcdPassword,
    polarisRealm,
    world.s3.secretAccessKey,
    ...proxy.tokens.issued,
    // Key ids are names, not secrets; keys and session tokens are.
    ...vended.filter((_, i) => i % 3 !== 0),
  ]
  expect(secrets.length).toBeGreaterThan(5)
  for (const secret of secrets) expect(output.includes(secret), `${secret} in ${output}`).toBe(false)
}

test('nothing that a run prints or serves has a secret in it, whether all goes well or not', async () => {
  const output = await told(
    'talkative',
    (text) => text,
    (so) => so.includes('"rows"') || /committed/.test(so),
  )
  expect(output).toContain('/metrics 200')
  expect(output).toContain('commit state unknown')
  expect(vended.length).toBeGreaterThan(0)
  expectNoSecret(output)
})

test('neither has what is said of a secret that is refused', async () => {
  const output = await told(
    'refused',
    (text) => text.replace(polarisClient.clientSecret, wrongSecret),
    (so) => so.includes('unauthorized_client'),
  )
  expect(output).toContain('getting a token for client polaris-client')
  expectNoSecret(output)
})
