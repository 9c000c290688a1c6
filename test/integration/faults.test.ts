import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { parseJson, stringifyJson } from '../../src/formats/json/exact.ts'
import { audit } from './kill/audit.ts'
import { type Ended, killLeftovers, runChild, startProgram } from './kill/processes.ts'
import { intoBucket, SegmentWriter } from './kill/segments.ts'
import { makeWorld, restSink, s3Settings, type World } from './kill/world.ts'
import { type FaultProxy, faultProxy, type ProxyAnswer, type SeenRequest, type Treatment } from './proxy.ts'
import { s3Client } from './servers.ts'

const topic = 'orders'
const prefix = 'faults/'
let root = ''
let writer: SegmentWriter
const proxies: FaultProxy[] = []

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'faults-'))
  writer = new SegmentWriter(intoBucket(s3Client(inject('s3')), inject('bucket'), prefix))
  for (const partition of [0, 1]) for (let i = 0; i < 2; i++) await writer.append(topic, partition, 5, 400)
  // The store's clock has seconds only: until the next one the newest segments count as too young.
  await sleep(1100)
})
afterAll(async () => {
  killLeftovers()
  await Promise.all(proxies.map((proxy) => proxy.close()))
  await rm(root, { recursive: true, force: true })
})

interface Scene {
  /** The document, which reaches catalog and store by the proxies. */
  readonly world: World
  /** The same tables, reached without them. */
  readonly direct: World
}

/** Fresh tables of the one source, behind proxies that do as they are told. */
async function scene(treated: { catalog?: Treatment; store?: Treatment }): Promise<Scene> {
  const s3 = inject('s3')
  const [uri, bucket] = [inject('restCatalogUri'), inject('bucket')]
  const catalog = await faultProxy(uri, treated.catalog)
  const store = await faultProxy(s3.endpoint, treated.store)
  const name = `faults${proxies.push(catalog, store)}`
  const worldOf = (kind: string, catalogUri: string, access: typeof s3): Promise<World> => {
    const source = { s3: { bucket, prefix, ...s3Settings(access) } }
    return makeWorld(join(root, name, kind), {
      topics: [topic],
      source,
      sink: restSink(catalogUri, access, name),
      commitIntervalSeconds: 0.1,
    })
  }
  return {
    world: await worldOf('proxied', catalog.url, { ...s3, endpoint: store.url }),
    direct: await worldOf('direct', uri, s3),
  }
}

/** Everything is there once, nothing was deleted that a snapshot names, and the table has `snapshots` of ours. */
async function expectOnce({ direct }: Scene, snapshots: number): Promise<void> {
  const { files: _, source, ...found } = await audit(direct, writer.expected)
  expect(found).toEqual({ problems: [], missing: 0, snapshots })
  expect(source).toHaveLength(8)
}

function isCommit({ method, path }: SeenRequest): boolean {
  return method === 'POST' && /\/tables\/[^/]+$/.test(path)
}

/** Treats the first `count` commits so, and forwards everything else. */
function firstCommits(count: number, treatment: Treatment): Treatment {
  let left = count
  return (request, forward) => (isCommit(request) && left-- > 0 ? treatment(request, forward) : forward())
}

function iceberg(status: number, type: string): ProxyAnswer {
  return { status, body: JSON.stringify({ error: { message: `${type} by the test`, type, code: status } }) }
}

function messages({ log }: Ended): string[] {
  const lines = log.split('\n').filter((line) => line !== '')
  return lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
}

const lookingForIt = 'commit state unknown, looking for it'
const buildingAnew = 'commit conflict, building anew'

describe.concurrent('unknown commit outcome: rows are neither added twice nor lost, and no file is deleted', () => {
  const afterCommit = (answer: ProxyAnswer | null): Treatment => {
    return firstCommits(1, async (_, forward) => {
      await forward()
      return answer
    })
  }

  test.each<[string, Treatment, string]>([
    ['the answer is lost', afterCommit(null), lookingForIt],
    ['500 though it was carried out', afterCommit(iceberg(500, 'InternalServerError')), lookingForIt],
    ['502 from a gateway though it was carried out', afterCommit({ status: 502, body: '<html>Bad Gateway</html>' }), lookingForIt],
    ['503 though it was carried out', afterCommit(iceberg(503, 'SlowDownException')), lookingForIt],
    ['504 though it was carried out', afterCommit(iceberg(504, 'CommitStateUnknownException')), lookingForIt],
    ['409 though it was carried out', afterCommit(iceberg(409, 'CommitFailedException')), buildingAnew],
    ['200 with half of the answer', firstCommits(1, async (_, forward) => ({ ...(await forward()), cutAfter: 100 })), lookingForIt],
  ])('%s: the commit is found among the ancestors', async (_, treatment, says) => {
    const one = await scene({ catalog: treatment })
    const ended = await runChild({ document: one.world.file, once: true })
    expect(ended, ended.log).toMatchObject({ code: 0, report: { ok: true, totals: { 'commit.found-landed': 1 } } })
    expect(messages(ended)).toContain(says)
    await expectOnce(one, 1)
  })

  test.each<[string, Treatment, string]>([
    ['500 and it was not carried out', firstCommits(1, async () => iceberg(500, 'InternalServerError')), lookingForIt],
    ['a reset and it was not carried out', firstCommits(1, async () => null), lookingForIt],
    ['409 and it was not carried out', firstCommits(2, async () => iceberg(409, 'CommitFailedException')), buildingAnew],
  ])('%s: it is committed anew', async (_, treatment, says) => {
    const one = await scene({ catalog: treatment })
    const ended = await runChild({ document: one.world.file, once: true })
    expect(ended, ended.log).toMatchObject({ code: 0, report: { ok: true, totals: { 'commit.committed': 1 } } })
    expect(ended.report?.totals).not.toHaveProperty('commit.found-landed')
    expect(messages(ended)).toContain(says)
    await expectOnce(one, 1)
  })

  test('the answer comes after the client stopped waiting', async () => {
    const one = await scene({
      catalog: firstCommits(1, async (_, forward) => {
        const answer = await forward()
        await sleep(12_000)
        return answer
      }),
    })
    const ended = await runChild({ document: one.world.file, once: true, catalogTimeoutMs: 8000 })
    expect(ended, ended.log).toMatchObject({ code: 0, report: { ok: true, totals: { 'commit.found-landed': 1 } } })
    expect(ended.log).toContain('no answer within 8000 ms')
    await expectOnce(one, 1)
  })

  test('an old commit lands late, after its retry was committed: only one of the two counts', async () => {
    const late = lateOriginal()
    const one = await scene({ catalog: late.treatment })
    const ended = await runChild({ document: one.world.file, once: true, catalogTimeoutMs: 8000 })
    expect(ended, ended.log).toMatchObject({ code: 0, report: { ok: true, totals: { 'commit.unknown': 1, 'commit.committed': 1 } } })
    expect((await late.land()).status).toBe(409)
    await expectOnce(one, 1)
  })

  test('an old commit lands late, before its retry arrives: the retry meets the conflict', async () => {
    const late = lateOriginal()
    let commits = 0
    const one = await scene({
      async catalog(request, forward) {
        if (isCommit(request) && ++commits === 2) expect((await late.land()).status).toBe(200)
        return late.treatment(request, forward)
      },
    })
    const ended = await runChild({ document: one.world.file, once: true, catalogTimeoutMs: 8000 })
    expect(ended, ended.log).toMatchObject({
      code: 0,
      report: { totals: { 'commit.unknown': 1, 'commit.conflict': 1, 'commit.found-landed': 1 } },
    })
    expect(messages(ended)).toEqual(expect.arrayContaining([lookingForIt, buildingAnew]))
    await expectOnce(one, 1)
  })

  test('an old commit of a dead process lands late, after the next process has committed', async () => {
    const late = lateOriginal()
    const one = await scene({ catalog: late.treatment })
    const dead = await runChild({ document: one.world.file, once: true, fate: { step: 'POST table sent #1', signal: 'SIGKILL' } })
    expect(dead.signal).toBe('SIGKILL')
    const ended = await runChild({ document: one.world.file, once: true })
    expect(ended, ended.log).toMatchObject({ code: 0 })
    expect((await late.land()).status).toBe(409)
    await expectOnce(one, 1)
  })

  /** Holds the first commit back until it is told to let it through. */
  function lateOriginal(): { treatment: Treatment; land(): Promise<ProxyAnswer> } {
    const held = Promise.withResolvers<() => Promise<ProxyAnswer>>()
    return {
      treatment: firstCommits(1, (_, forward) => {
        held.resolve(forward)
        return new Promise<null>(() => undefined)
      }),
      land: async () => (await held.promise)(),
    }
  }
})

describe.concurrent('catalog says success and the commit is not there', () => {
  /** The answer of a catalog that forgot: 200, and the table as it was. */
  async function tableNow({ path }: SeenRequest): Promise<ProxyAnswer> {
    const answer = await fetch(inject('restCatalogUri') + path)
    return { status: 200, body: await answer.text() }
  }

  test('and its answer shows that: the commit is made again', async () => {
    const one = await scene({ catalog: firstCommits(1, tableNow) })
    const ended = await runChild({ document: one.world.file, once: true })
    expect(ended, ended.log).toMatchObject({ code: 0, report: { ok: true } })
    expect(messages(ended)).toContain('the catalog confirmed a commit that its answer does not show')
    await expectOnce(one, 1)
  })

  test('and its answer hides that: the next look at the table tells, and nothing is lost in the end', async () => {
    const one = await scene({
      catalog: firstCommits(1, async (request) => {
        const answer = parseJson(String((await tableNow(request)).body), 'table') as { metadata: Record<string, unknown> }
        const { updates } = parseJson(request.body.toString(), 'commit') as {
          updates: { action: string; snapshot?: Record<string, unknown> }[]
        }
        const snapshot = updates.find(({ action }) => action === 'add-snapshot')?.snapshot
        const main = { 'snapshot-id': snapshot?.['snapshot-id'], type: 'branch' }
        Object.assign(answer.metadata, { snapshots: [snapshot], 'current-snapshot-id': main['snapshot-id'], refs: { main } })
        return { status: 200, body: stringifyJson(answer) }
      }),
    })
    await runChild({ document: one.world.file, once: true })
    const again = await runChild({ document: one.world.file, once: true })
    expect(again, again.log).toMatchObject({ code: 0, report: { ok: true } })
    await expectOnce(one, 1)
  })
})

describe.concurrent('a store that fails: each offset is there once', () => {
  /** Every second request that matches is treated so. */
  function everySecond(matches: (request: SeenRequest) => boolean, treatment: Treatment): Treatment {
    let seen = 0
    return (request, forward) => (matches(request) && ++seen % 2 === 1 ? treatment(request, forward) : forward())
  }
  const slowDown: ProxyAnswer = {
    status: 503,
    headers: { 'content-type': 'application/xml' },
    body: '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
  }
  const isSegment = ({ method, path }: SeenRequest): boolean => method === 'GET' && path.includes('.kfs')
  const isWrite = ({ method }: SeenRequest): boolean => method === 'PUT'

  test.each<[string, Treatment]>([
    ['segments are cut short', everySecond(isSegment, async (_, forward) => ({ ...(await forward()), cutAfter: 50 }))],
    ['segments are reset', everySecond(isSegment, async () => null)],
    ['segments are answered SlowDown', everySecond(isSegment, async () => slowDown)],
    ['writes are answered SlowDown', everySecond(isWrite, async () => slowDown)],
    ['writes are reset before they arrive', everySecond(isWrite, async () => null)],
    [
      'the answers to writes are lost',
      everySecond(isWrite, async (_, forward) => {
        await forward()
        return null
      }),
    ],
  ])('%s', async (_, treatment) => {
    const one = await scene({ store: treatment })
    const ended = await runChild({ document: one.world.file, once: true })
    expect(ended, ended.log).toMatchObject({ code: 0, report: { ok: true } })
    expect(ended.report?.totals['store.s3.retries']).toBeGreaterThan(1)
    await expectOnce(one, 1)
  })

  test('a catalog that is overloaded for reads too', async () => {
    let seen = 0
    const one = await scene({ catalog: async (_, forward) => (++seen % 3 === 0 ? iceberg(503, 'ServiceUnavailableException') : forward()) })
    let ended = await runChild({ document: one.world.file, once: true })
    for (let run = 2; ended.code !== 0 && run <= 4; run++) ended = await runChild({ document: one.world.file, once: true })
    expect(ended, ended.log).toMatchObject({ code: 0 })
    await expectOnce(one, 1)
  })
})

describe.concurrent('signals, while the catalog holds its answer back', () => {
  test('the first SIGTERM waits for the commit and ends well', async () => {
    const slow = slowCommit(1500)
    const one = await scene({ catalog: slow.treatment })
    const program = startProgram(one.world.file)
    await slow.carriedOut
    program.kill('SIGTERM')
    const ended = await program.ended
    expect(ended, ended.log).toMatchObject({ code: 0, signal: null })
    await expectOnce(one, 1)
  })

  test('the second SIGTERM ends at once; what was sent is found by the next run', async () => {
    const slow = slowCommit(30_000)
    const one = await scene({ catalog: slow.treatment })
    const program = startProgram(one.world.file)
    await slow.carriedOut
    program.kill('SIGTERM')
    const stillThere = await Promise.race([program.ended.then(() => false), sleep(500, true)])
    expect(stillThere, 'it waits for the commit').toBe(true)
    const killedMs = Date.now()
    program.kill('SIGTERM')
    expect(await program.ended).toMatchObject({ code: 143 })
    // The commit takes half a minute.
    expect(Date.now() - killedMs).toBeLessThan(20_000)
    const last = await runChild({ document: one.direct.file, once: true })
    expect(last, last.log).toMatchObject({ code: 0 })
    await expectOnce(one, 1)
  })

  /** Carries the first commit out at once and answers `ms` later. */
  function slowCommit(ms: number): { treatment: Treatment; carriedOut: Promise<void> } {
    const carriedOut = Promise.withResolvers<void>()
    return {
      carriedOut: carriedOut.promise,
      treatment: firstCommits(1, async (_, forward) => {
        const answer = await forward()
        carriedOut.resolve()
        await sleep(ms, undefined, { ref: false })
        return answer
      }),
    }
  }
})
