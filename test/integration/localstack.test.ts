import { execFile } from 'node:child_process'
import { readdir, readFile, rm, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual, promisify } from 'node:util'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenBucket, goldenRows, goldenTopics, tableOf } from './golden.ts'
import { freePort, freePorts, s3Client } from './servers.ts'

const repository = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const fleet = ['worker-1', 'worker-2', 'planner-1', 'committer-1'] as const
let env: NodeJS.ProcessEnv = {}
let client: S3Client

/** Runs one of the scripts of localstack/, or of the servers beneath. */
async function script(path: string, ...args: string[]): Promise<string> {
  return (await run('bash', [join(repository, path), ...args], { env, timeout: 240_000 })).stdout
}

/** Answers of the program about the fleet's document, as JSON; verify ends with 1 where it finds something. */
async function ask(command: 'status' | 'verify'): Promise<any> {
  const variables = {
    ...env,
    S3_ENDPOINT: `http://127.0.0.1:${env.S3_PORT}`,
    REDIS_URL: `redis://127.0.0.1:${env.REDIS_PORT}`,
    CATALOG_URL: `http://127.0.0.1:${env.CATALOG_PORT}`,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    SEGMENTS_PREFIX: 'prod/',
  }
  const args = [join(repository, 'src/bin.js'), command, '-f', join(repository, 'localstack/document.yaml'), '--json']
  const { stdout } = await run(process.execPath, args, { env: variables, timeout: 120_000 })
  return JSON.parse(stdout)
}

/** Puts the golden segments of a topic where a broker would. */
async function produce(topic: string): Promise<void> {
  const directory = join(goldenBucket, 'prod', topic)
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((file) => file.isFile())
  for (const file of files) {
    const path = join(file.parentPath, file.name)
    const Key = path.slice(goldenBucket.length + 1)
    await client.send(new PutObjectCommand({ Bucket: 'kafscale-data', Key, Body: await readFile(path) }))
  }
}

const rowsOf = (topics: readonly string[]) =>
  Object.fromEntries(topics.map((topic) => [`local.${tableOf(topic)}`, goldenRows(topic).length]))

/** Waits until the tables of these topics have all their rows. */
async function rowsArrive(topics: readonly string[]): Promise<void> {
  const rows = async () => {
    const { documents } = await ask('status')
    const tables = documents[0].tables as { table: string; rows: number | null }[]
    return Object.fromEntries(tables.map(({ table, rows: count }) => [table, count]))
  }
  const wanted = rowsOf(topics)
  let found = await rows()
  // Topics are discovered once a minute.
  for (const endMs = Date.now() + 240_000; !isDeepStrictEqual(found, wanted) && Date.now() < endMs; found = await rows()) await sleep(1000)
  expect(found).toEqual(wanted)
}

async function pidOf(name: string): Promise<number> {
  return Number(await readFile(join(env.LOCALSTACK_DIR!, 'pid', name), 'utf8'))
}

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'localstack-'))
  const [s3, redis, catalog] = [await freePort(), await freePort(), await freePort()]
  const [metrics] = await freePorts(fleet.length)
  env = {
    ...process.env,
    LOCALSTACK_DIR: directory,
    INTEROP_RUN: directory,
    INTEROP_OWNER: String(process.pid),
    S3_PORT: String(s3),
    REDIS_PORT: String(redis),
    CATALOG_PORT: String(catalog),
    METRICS_PORT: String(metrics),
  }
  await script('test/integration/servers/setup.sh', 'localstack', 'redis', 'rest-catalog')
}, 900_000)

afterAll(async () => {
  client?.destroy()
  await script('localstack/down.sh')
  await rm(env.LOCALSTACK_DIR!, { recursive: true, force: true })
}, 60_000)

const [before, meanwhile] = [goldenTopics.slice(0, 4), goldenTopics.slice(4)]

describe('the script of localstack/', () => {
  test('brings up the servers and a fleet, and segments become rows', { timeout: 300_000 }, async () => {
    const said = await script('localstack/up.sh')
    for (const name of fleet) expect(said).toContain(`${name} ready`)
    client = s3Client({ endpoint: `http://127.0.0.1:${env.S3_PORT}`, region: 'us-east-1', accessKeyId: 'test', secretAccessKey: 'test' })
    for (const topic of before) await produce(topic)
    await rowsArrive(before)
    expect(await ask('verify')).toMatchObject({ ok: true, findings: [] })
  })

  test('the recovery drill: all but bucket and catalog is destroyed, and the service is brought back', { timeout: 300_000 }, async () => {
    for (const name of fleet) process.kill(-(await pidOf(name)), 'SIGKILL')
    await script('test/integration/servers/down.sh', `redis-${env.REDIS_PORT}`)
    await expect(run('redis-cli', ['-p', env.REDIS_PORT!, 'ping'])).rejects.toThrow('Could not connect')
    for (const topic of meanwhile) await produce(topic)
    await script('test/integration/servers/up.sh', 'redis', env.REDIS_PORT!)
    await script('localstack/fleet.sh')
    await rowsArrive(goldenTopics)
    const { ok, findings } = await ask('verify')
    expect({ ok, findings }).toEqual({ ok: true, findings: [] })
  })

  test('down.sh ends all that was started, in good order', { timeout: 120_000 }, async () => {
    const pids = await Promise.all(fleet.map(pidOf))
    await script('localstack/down.sh')
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    await expect(fetch(`http://127.0.0.1:${env.S3_PORT}/_localstack/health`)).rejects.toThrow('fetch failed')
  })
})
