import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { givenServer } from './catalogs/given.ts'
import { polarisClient, polarisWarehouse } from './catalogs/polaris.ts'
import type { Serving } from './catalogs/serve.ts'
import { startVendingWorld, type VendingWorld } from './catalogs/servers.ts'
import { unityClient, unityWarehouse } from './catalogs/unity.ts'

let world: VendingWorld
let directory: string
const children: ChildProcess[] = []
beforeAll(async () => {
  world = await startVendingWorld()
  directory = await mkdtemp(join(tmpdir(), 'catalog-given-'))
}, 30 * 60_000)
afterAll(async () => {
  for (const child of children) child.stdin?.end()
  await Promise.all(children.filter(({ exitCode }) => exitCode === null).map((child) => once(child, 'exit')))
  await world?.stop()
  await rm(directory, { recursive: true, force: true })
})

/** A server in a process of its own; its address. */
async function served(product: Serving['product']): Promise<string> {
  const serving: Serving = { product, restCatalogUri: world.restCatalogUri, s3: world.s3 }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'catalogs/serve.ts'), JSON.stringify(serving)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  for await (const line of createInterface(child.stdout)) return line
  throw new Error(`${product} did not start`)
}

interface Told {
  readonly fullName: string
  readonly status: string
  readonly failureMessages: readonly string[]
}

/** What the JSON report of a run of the suite says of the servers that the environment names. */
async function suite(environment: Record<string, string>): Promise<Told[]> {
  const file = join(directory, 'report.json')
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VITEST|INTEROP_RUN|AWS_|TEST$|NODE_ENV$)/.test(name))
  const args = [join(import.meta.dirname, 'run.ts'), '--json', file, 'test/integration/catalog-conformance.test.ts', '-t', '\\(real\\)']
  const child = spawn(process.execPath, args, {
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const report = await readFile(file, 'utf8').catch(() => {
    throw new Error(`no report was written: ${output}${errors}`)
  })
  const { testResults } = JSON.parse(report) as { testResults: { assertionResults: Told[] }[] }
  const all = testResults.flatMap(({ assertionResults }) => assertionResults)
  for (const { fullName } of all)
    expect(fullName).toMatch(/^(SQLite|Iceberg's REST catalog|Nessie|(Polaris|Unity|Glue|S3 Tables) \((policy proxy|real)\)) /)
  return all.filter(({ fullName }) => fullName.includes('(real)'))
}

function expectRight(told: readonly Told[]): void {
  expect(told.flatMap(({ failureMessages }) => failureMessages)).toEqual([])
  for (const { fullName, status } of told) expect(status, fullName).toBe(fullName.includes('(not asked: ') ? 'skipped' : 'passed')
}

/** What the catalog behind has left. */
async function namespacesLeft(): Promise<string[][]> {
  const answer = await fetch(`${world.restCatalogUri}/v1/namespaces`)
  return ((await answer.json()) as { namespaces: string[][] }).namespaces
}

const whyNot = (told: readonly Told[]) =>
  told.filter(({ status }) => status === 'skipped').map(({ fullName }) => fullName.replace(/^(\w+).*\((not asked: .*)\)$/, '$1: $2'))

test('a Unity without a warehouse is asked for the catalog that the open-source server has, and half of the credentials is no mistake of the server', async () => {
  const unity = await givenServer('UNITY', { UNITY_URL: await served('unity-open') })
  expect(unity?.options.warehouse).toBe('unity')
  const half = givenServer('POLARIS', { POLARIS_URL: 'http://127.0.0.1:8181', POLARIS_CLIENT_ID: 'root' })
  await expect(half).rejects.toThrow('of POLARIS_CLIENT_ID and POLARIS_CLIENT_SECRET only one is set')
})

describe('the suite, given the addresses of', { timeout: 600_000 }, () => {
  test('a Polaris and a Unity that do not say where files are kept, passes, writes files there, and leaves nothing behind', async () => {
    const [polaris, unity] = [await served('polaris'), await served('unity')]
    const told = await suite({
      POLARIS_URL: new URL(polaris).origin,
      POLARIS_CLIENT_ID: polarisClient.clientId,
      POLARIS_CLIENT_SECRET: polarisClient.clientSecret,
      POLARIS_WAREHOUSE: polarisWarehouse,
      POLARIS_S3_ENDPOINT: world.s3.endpoint,
      UNITY_URL: unity,
      UNITY_CLIENT_ID: unityClient.clientId,
      UNITY_CLIENT_SECRET: unityClient.clientSecret,
      UNITY_WAREHOUSE: unityWarehouse,
      UNITY_S3_ENDPOINT: world.s3.endpoint,
    })
    expectRight(told)
    const own = 'not asked: the server parses documents into classes of its own and drops the fields that those lack'
    const writes = 'not asked: it writes'
    const flat = 'not asked: it has namespaces of one level'
    expect(whyNot(told)).toEqual([`Polaris: ${writes}`, `Polaris: ${own}`, `Unity: ${writes}`, `Unity: ${flat}`, `Unity: ${own}`])
    for (const catalog of ['Polaris', 'Unity']) {
      const taken = `${catalog} (real) takes segments into a table in which every record is one row, run after run`
      expect(told.map(({ fullName }) => fullName)).toContain(taken)
    }
    expect(await namespacesLeft()).toEqual([])
  })

  test('a Unity that only reads, says so of each test that would write', async () => {
    const url = await served('unity-open')
    const told = await suite({ UNITY_URL: new URL(url).origin, UNITY_WAREHOUSE: unityWarehouse })
    expectRight(told)
    expect(told.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName)).toEqual([
      'Unity (real) keeps the contract of a catalog is opened with the profile that it is tried by',
      'Unity (real) keeps the contract of a catalog gives null for a table that does not exist',
      'Unity (real) keeps the contract of a catalog says of what would write that the endpoint only reads',
      'Unity (real) keeps the contract of a catalog lists no tables of a namespace that does not exist',
    ])
    expect(new Set(whyNot(told))).toEqual(new Set(['Unity: not asked: the server takes no writes by its Iceberg API']))
  })

  test('a Unity of the open source that writes, and has ways of its own, passes', async () => {
    const url = await served('unity-open-writes')
    const told = await suite({ UNITY_URL: new URL(url).origin, UNITY_WAREHOUSE: unityWarehouse, UNITY_S3_ENDPOINT: world.s3.endpoint })
    expectRight(told)
    expect(whyNot(told)).toEqual([
      'Unity: not asked: it writes',
      'Unity: not asked: it has namespaces of one level',
      'Unity: not asked: to the server a number that is taken is no conflict: the commit is unknown',
      'Unity: not asked: the server parses documents into classes of its own and drops the fields that those lack',
    ])
  })
})
