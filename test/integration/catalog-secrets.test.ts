import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { polarisPlace } from './catalogs/places.ts'
import { polarisClient, polarisProxy, polarisRealm } from './catalogs/polaris.ts'
import { startVendingWorld, type VendingWorld } from './catalogs/servers.ts'
import type { TokenProxy } from './catalogs/tokens.ts'
import { startRedis } from './fleet/redis.ts'
import { addSegment, documentText, s3Settings, uploadDirectory } from './program.ts'
import { readTable } from './readers.ts'
import { freePort } from './servers.ts'

const bin = join(import.meta.dirname, '../../src/bin.js')
const etcdPassword = 'etcd-password-c04'
const redisPassword = 'redis-password-5d1'
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
      const message = `failed for ${String(headers.authorization)} of realm ${String(headers['polaris-realm'])}`
      return { status: 500, body: JSON.stringify({ error: { message, type: 'InternalServerError', code: 500 } }) }
    },
  })
}, 30 * 60_000)
afterAll(async () => {
  await proxy?.close()
  await world?.stop()
  await rm(directory, { recursive: true, force: true })
})

interface Talk {
  readonly name: string
  /** One process for each, over Redis where it is not `run`. */
  readonly roles?: readonly string[]
  readonly queue?: object
  readonly change?: (text: string) => string
  /** Whether what was told so far is all that is waited for. */
  readonly enough: (output: string) => boolean
}

/** Runs a document at the most talkative until `enough`, and gives everything that it told, on its pages too. */
async function told({ name, roles = ['run'], queue, change = (text) => text, enough }: Talk): Promise<string> {
  const text = documentText({
    place: polarisPlace(world, proxy.endpoint),
    source: {
      topics: ['secret'],
      s3: { bucket: sourceBucket, ...s3Settings(world.s3) },
      etcd: { endpoints: [`http://127.0.0.1:${await freePort()}`], username: 'reader', password: etcdPassword },
    },
    database: name,
    name,
    processing: { commitIntervalSeconds: 1 },
    queue,
  })
  const document = JSON.parse(change(text)) as { spec: object }
  let output = ''
  const started: { readonly port: number; end(): Promise<unknown> }[] = []
  for (const role of roles) {
    const port = await freePort()
    const file = join(directory, `${name}-${role}.json`)
    await writeFile(file, JSON.stringify({ ...document, spec: { ...document.spec, metrics: { address: `127.0.0.1:${port}` } } }))
    const child = spawn(process.execPath, [bin, role, '-f', file, '--log-level', 'debug'], { env: { ...process.env, NODE_DEBUG: '' } })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const ended = new Promise((resolve) => child.once('close', resolve))
    started.push({ port, end: () => (child.kill('SIGTERM'), ended) })
  }
  try {
    await vi.waitUntil(() => enough(output), { timeout: 200_000, interval: 100 })
    for (const { port } of started) {
      for (const page of ['/metrics', '/', '/readyz', '/healthz', '/status']) {
        const answer = await fetch(`http://127.0.0.1:${port}${page}`)
        output += `\n${page} ${answer.status}\n${await answer.text()}`
      }
    }
  } catch (error) {
    throw new Error(`${String(error)}: ${output}`, { cause: error })
  } finally {
    // One after another, in the order of the roles: who waits for others is ended first.
    for (const { end } of started) await end()
  }
  return output
}

function expectNoSecret(output: string): void {
  const secrets = [
    polarisClient.clientSecret,
    wrongSecret,
    etcdPassword,
    redisPassword,
    polarisRealm,
    world.s3.secretAccessKey,
    ...proxy.tokens.issued,
    // Key ids are names, not secrets; keys and session tokens are.
    ...vended.filter((_, i) => i % 3 !== 0),
  ]
  expect(secrets.length).toBeGreaterThan(5)
  for (const secret of secrets) expect(output.includes(secret), `${secret} in ${output}`).toBe(false)
}

const isCommitted = (output: string) => /"msg":"committed"|committed/.test(output)

test('nothing that a run prints or serves has a secret in it, whether all goes well or not', async () => {
  const output = await told({ name: 'talkative', enough: isCommitted })
  expect(output).toContain('/metrics 200')
  expect(output).toContain('commit state unknown')
  expect(vended.length).toBeGreaterThan(0)
  expectNoSecret(output)
})

test('neither has what is said of a secret that is refused', async () => {
  const output = await told({
    name: 'refused',
    change: (text) => text.replace(polarisClient.clientSecret, wrongSecret),
    enough: (so) => so.includes('unauthorized_client'),
  })
  expect(output).toContain('getting a token for client polaris-client')
  expectNoSecret(output)
})

test(
  'a planner, a worker and a committer over Redis commit with keys that each has from the catalog, and say no secret, while Redis is away too',
  { timeout: 300_000 },
  async () => {
    const redis = await startRedis({ args: () => ['--requirepass', redisPassword], cli: ['-a', redisPassword, '--no-auth-warning'] })
    const before = vended.length
    try {
      // Redis goes once, and comes back: who is told to end has work to finish by it.
      const steps = [
        { until: /"msg":"committed"/, act: () => redis.kill() },
        { until: /Redis can not be reached/, act: () => redis.start() },
      ]
      const output = await told({
        name: 'shared',
        roles: ['planner', 'worker', 'committer'],
        queue: { redis: `redis://:${redisPassword}@127.0.0.1:${redis.port}` },
        enough(so) {
          if (steps.length > 0 && steps[0].until.test(so)) void steps.shift()?.act()
          return steps.length === 0 && so.includes('Redis is back')
        },
      })
      const rows = await readTable('pyiceberg', polarisPlace(world, proxy.endpoint).reader, ['shared', 'secret'], {
        select: ['kafka_offset'],
      })
      expect(rows).toEqual(['{"kafka_offset":"0"}'])
      expect(vended.length).toBeGreaterThan(before)
      expectNoSecret(output)
    } finally {
      await redis.stop()
    }
  },
)
