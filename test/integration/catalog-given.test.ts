import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { givenServer, noDirectoryAt } from './catalogs/given.ts'
import { polarisClient, polarisWarehouse } from './catalogs/polaris.ts'
import type { Serving } from './catalogs/serve.ts'
import { startVendingWorld, type VendingWorld } from './catalogs/servers.ts'
import { unityClient, unityWarehouse } from './catalogs/unity.ts'
import { startRestCatalogOnFiles } from './servers.ts'

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
async function served(product: Serving['product'], restCatalogUri = world.restCatalogUri): Promise<string> {
  const serving: Serving = { product, restCatalogUri, s3: world.s3 }
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

const titles = (told: readonly Told[]) => told.map(({ fullName }) => fullName)
const taken = 'Polaris (real) takes segments into a table in which every record is one row, run after run'

function polarisAt(url: string): Record<string, string> {
  return {
    POLARIS_URL: new URL(url).origin,
    POLARIS_CLIENT_ID: polarisClient.clientId,
    POLARIS_CLIENT_SECRET: polarisClient.clientSecret,
    POLARIS_WAREHOUSE: polarisWarehouse,
  }
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

test('directories are written to where they can be made', async () => {
  expect(await noDirectoryAt('s3://lake/t')).toBeUndefined()
  expect(await noDirectoryAt(`file://${directory}/t`)).toBe('')
  await writeFile(join(directory, 'file'), '')
  expect(await noDirectoryAt(`file://${directory}/file/t`)).toBe("its tables' directories can not be written to from here (ENOTDIR)")
})

const own = 'not asked: the server parses documents into classes of its own and drops the fields that those lack'
const writes = 'not asked: it writes'
const flat = 'not asked: it has namespaces of one level'
const noWrites = 'Unity: not asked: the server takes no writes by its Iceberg API'

describe('the suite, given the addresses of', { timeout: 600_000 }, () => {
  test('a Polaris and a Unity that do not say where files are kept, passes, writes files there, and leaves nothing behind', async () => {
    const [polaris, unity] = [await served('polaris'), await served('unity')]
    const told = await suite({
      ...polarisAt(polaris),
      POLARIS_S3_ENDPOINT: world.s3.endpoint,
      UNITY_URL: unity,
      UNITY_CLIENT_ID: unityClient.clientId,
      UNITY_CLIENT_SECRET: unityClient.clientSecret,
      UNITY_WAREHOUSE: unityWarehouse,
      UNITY_S3_ENDPOINT: world.s3.endpoint,
    })
    expectRight(told)
    expect(whyNot(told)).toEqual([`Polaris: ${writes}`, `Polaris: ${own}`, `Unity: ${writes}`, `Unity: ${flat}`, `Unity: ${own}`])
    expect(titles(told)).toEqual(expect.arrayContaining([taken, taken.replace('Polaris', 'Unity')]))
    expect(await namespacesLeft()).toEqual([])
  })

  test('a Polaris that can not be reached, and of half of the credentials of a Unity, fails in each test with the reason', async () => {
    const told = await suite({ ...polarisAt('http://127.0.0.1:9'), UNITY_URL: 'http://127.0.0.1:9', UNITY_CLIENT_ID: 'who' })
    const asked = told.filter(({ fullName }) => !fullName.includes('(not asked: '))
    for (const { fullName, status, failureMessages } of asked) {
      expect(status, fullName).toBe('failed')
      const reason = fullName.startsWith('Polaris') ? 'ECONNREFUSED' : 'of UNITY_CLIENT_ID and UNITY_CLIENT_SECRET only one is set'
      expect(failureMessages.join('\n'), fullName).toContain(reason)
    }
    expect(new Set(asked.map(({ fullName }) => fullName.split(' ')[0]))).toEqual(new Set(['Polaris', 'Unity']))
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
    expect(new Set(whyNot(told))).toEqual(new Set([noWrites]))
  })

  test('a Unity of the open source that writes, and has ways of its own, passes', async () => {
    const url = await served('unity-open-writes')
    const told = await suite({ UNITY_URL: new URL(url).origin, UNITY_WAREHOUSE: unityWarehouse, UNITY_S3_ENDPOINT: world.s3.endpoint })
    expectRight(told)
    expect(whyNot(told)).toEqual([
      `Unity: ${writes}`,
      `Unity: ${flat}`,
      'Unity: not asked: to the server a number that is taken is no conflict: the commit is unknown',
      `Unity: ${own}`,
    ])
  })

  test('a Polaris whose principal may not touch data, and a Unity whose writes are switched off, says so', async () => {
    const [polaris, unity] = [await served('polaris-no-data'), await served('unity-open-off')]
    const told = await suite({ ...polarisAt(polaris), UNITY_URL: unity, UNITY_WAREHOUSE: unityWarehouse })
    expectRight(told)
    const keys =
      /^Polaris: not asked: the server gives no keys to files to who lacks the right: it answered 403 \(ForbiddenException: .*not authorized for op CREATE_TABLE_DIRECT_WITH_WRITE_DELEGATION\), and AWS_ACCESS_KEY_ID is not set$/
    const [first, second, third, ...ofUnity] = whyNot(told)
    expect([first, second, third]).toEqual([`Polaris: ${writes}`, `Polaris: ${own}`, expect.stringMatching(keys)])
    expect(new Set(ofUnity)).toEqual(new Set([noWrites]))
  })

  test('a Polaris over storage without an STS writes files by the keys of the environment, and a Unity without a place for tables says so', async () => {
    const [polaris, unity] = [await served('polaris-no-sts'), await served('unity-open-nowhere')]
    const { accessKeyId, secretAccessKey, endpoint } = world.s3
    const told = await suite({
      ...polarisAt(polaris),
      POLARIS_S3_ENDPOINT: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      UNITY_URL: unity,
      UNITY_WAREHOUSE: unityWarehouse,
    })
    expectRight(told)
    const [first, second, third, ...ofUnity] = whyNot(told)
    expect([first, second, third]).toEqual([`Polaris: ${writes}`, `Polaris: ${own}`, `Unity: ${writes}`])
    const nowhere =
      'Unity: not asked: the server makes no tables as it is configured: it answered 400 (BaseException: None of catalog, schema or storage-root.tables server property has managed location configured.)'
    expect(new Set(ofUnity)).toEqual(new Set([nowhere]))
    expect(titles(told)).toContain(`${taken} (by the environment's keys: the server gives no keys to files)`)
  })

  test('a Polaris over directories writes files there', async () => {
    const warehouse = join(directory, 'warehouse')
    const catalog = await startRestCatalogOnFiles(warehouse)
    try {
      const told = await suite(polarisAt(await served('polaris-files', catalog.uri)))
      expectRight(told)
      expect(whyNot(told)).toEqual([`Polaris: ${writes}`, `Polaris: ${own}`])
      expect(titles(told)).toContain(`${taken} (in directories of this machine)`)
    } finally {
      await catalog.stop()
    }
  })
})
