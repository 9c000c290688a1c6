import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { addSegment, documentOf, restOnS3, runOnce, runUntil } from './program.ts'
import { type FaultProxy, faultProxy } from './proxy.ts'

let directory: string
let proxy: FaultProxy
/** What the catalog was asked, without the names. */
const asked: string[] = []
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'catalog-requests-'))
  proxy = await faultProxy(inject('restCatalogUri'), async ({ method, path }, forward) => {
    const answer = await forward()
    asked.push(`${kindOf(method, path)} ${answer.status}`)
    return answer
  })
})
afterAll(async () => {
  await proxy?.close()
  await rm(directory, { recursive: true, force: true })
})

function kindOf(method: string, path: string): string {
  if (path.startsWith('/v1/config')) return 'config'
  if (/\/tables\/./.test(path)) return method === 'GET' ? 'load' : 'commit'
  if (path.endsWith('/tables')) return 'create table'
  return method === 'GET' ? 'load namespace' : 'create namespace'
}

test('the catalog is asked for what a run needs and no more, and for nothing where nothing is new', async () => {
  const place = restOnS3()
  const sink = { ...place.sink, catalog: { type: 'rest', endpoint: proxy.url } }
  const topic = 'asked'
  const source = join(directory, 'segments')
  const documentWith = (processing: object) =>
    documentOf({
      place: { ...place, sink },
      source: { directory: source, topics: [topic] },
      database: `requests_${process.pid}`,
      processing,
    })
  const add = (from: number) => addSegment(source, { topic, partition: 0 }, BigInt(from), [{ value: Buffer.from(`v${from}`) }])
  const once = async () => {
    asked.length = 0
    expect(await runOnce(documentWith({}))).toMatchObject({ errors: '', ok: true })
    return [...asked]
  }

  await add(0)
  const made = ['load namespace 404', 'create namespace 200', 'create table 200']
  // One load and one commit; in the end a look at whether the table has what was committed, and upkeep's.
  const committed = ['load 200', 'commit 200', 'load 200', 'load 304']
  expect(await once()).toEqual(['config 200', 'load 404', ...made, ...committed])
  await add(1)
  expect(await once()).toEqual(['config 200', ...committed])
  // Nothing is new.
  const opened = ['config 200', 'load 200']
  expect(await once()).toEqual(opened)

  asked.length = 0
  const stop = new AbortController()
  const running = runUntil(stop.signal, documentWith({ commitIntervalSeconds: 1 }))
  const commits = () => asked.filter((one) => one === 'commit 200').length
  await vi.waitUntil(() => asked.length === opened.length, { timeout: 200_000 })
  for (let i = 1; i <= 3; i++) {
    // Some rounds in which nothing is new.
    await new Promise((resolve) => setTimeout(resolve, 3000))
    expect(commits()).toBe(i - 1)
    await add(i + 1)
    await vi.waitUntil(() => commits() === i, { timeout: 200_000 })
  }
  stop.abort()
  expect(await running).toMatchObject({ errors: '', ok: true })
  const each = [0, 1, 2].flatMap((i) => [i === 0 ? 'load 304' : 'load 200', 'commit 200'])
  expect(asked).toEqual([...opened, ...each])
})
