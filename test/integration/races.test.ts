import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { audit } from './kill/audit.ts'
import { killLeftovers, runChild, startChild } from './kill/processes.ts'
import { intoBucket, intoDirectory, SegmentWriter } from './kill/segments.ts'
import { makeWorld, restSink, s3Settings, sqliteSink, type World } from './kill/world.ts'
import { s3Client } from './servers.ts'

const topic = 'orders'
let root = ''
let scenes = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'races-'))
})
afterEach(killLeftovers)
afterAll(() => rm(root, { recursive: true, force: true }))

interface Scene {
  readonly world: World
  readonly writer: SegmentWriter
}

async function inSqlite(): Promise<Scene> {
  const directory = join(root, String(scenes++))
  const source = join(directory, 'source')
  const writer = new SegmentWriter(intoDirectory(source))
  await writer.append(topic, 0)
  return { writer, world: await makeWorld(directory, { ...settings, source: { directory: source }, sink: sqliteSink(directory) }) }
}

async function inRest(): Promise<Scene> {
  const [s3, bucket, name] = [inject('s3'), inject('bucket'), `races${scenes++}`]
  const writer = new SegmentWriter(intoBucket(s3Client(s3), bucket, `${name}/`))
  await writer.append(topic, 0)
  const source = { s3: { bucket, prefix: `${name}/`, ...s3Settings(s3) } }
  return { writer, world: await makeWorld(join(root, name), { ...settings, source, sink: restSink(inject('restCatalogUri'), s3, name) }) }
}

const settings = { topics: [topic], commitIntervalSeconds: 0.05, parallelism: 2 }

describe('processes that race on the same table', () => {
  test.each<[string, () => Promise<Scene>, number[]]>([
    ['two in a SQLite catalog', inSqlite, [20, 70]],
    ['three in a SQLite catalog', inSqlite, [0, 30, 110]],
    ['two in a REST catalog', inRest, [0, 60]],
    ['three in a REST catalog', inRest, [0, 40, 130]],
  ])('%s meet conflicts, and each offset is there once', async (_, begin, pauses) => {
    const { world, writer } = await begin()
    const racers = pauses.map((commitPauseMs) => startChild({ document: world.file, once: false, commitPauseMs }))
    await Promise.race(racers.map((racer) => racer.logged(/"msg":"committed"/)))
    for (let i = 0; i < 60; i++) {
      await writer.append(topic, i % 3, 2)
      await sleep(40)
    }
    for (const racer of racers) racer.kill('SIGTERM')
    let conflicts = 0
    for (const racer of racers) {
      const ended = await racer.ended
      expect(ended, ended.log).toMatchObject({ code: 0, report: { ok: true } })
      conflicts += ended.report?.totals['commit.conflict'] ?? 0
      if (ended.report?.totals['commit.conflict'] !== undefined) expect(ended.log).toContain('commit conflict, building anew')
    }
    expect(conflicts).toBeGreaterThan(0)
    expect((await audit(world, writer.expected)).problems).toEqual([])
    const last = await runChild({ document: world.file, once: true })
    expect(last, last.log).toMatchObject({ code: 0 })
    expect(await audit(world, writer.expected)).toMatchObject({ problems: [], missing: 0 })
  })
})

describe('a process that sleeps through the commits of another', () => {
  test.each<[string, string, () => Promise<Scene>]>([
    ['before it created the table', 'catalog.create before #1', inSqlite],
    ['with a claimed task', 'queue.claim #1', inSqlite],
    ['before its metadata document takes its place', 'sqlite UPDATE before #1', inSqlite],
    ['with its data file written', 'io.write data file after #1', inRest],
    ['before its commit', 'catalog.commit before #1', inRest],
    ['when its commit was sent', 'POST table sent #1', inRest],
  ])('%s adds nothing twice when it wakes up', async (_, step, begin) => {
    const { world, writer } = await begin()
    await writer.append(topic, 1, 10)
    const sleeper = startChild({ document: world.file, once: true, fate: { step, signal: 'SIGSTOP' } })
    await sleeper.logged(/the step is reached/)
    await writer.append(topic, 0, 3)
    const other = await runChild({ document: world.file, once: true })
    expect(other, other.log).toMatchObject({ code: 0 })
    expect(await audit(world, writer.expected)).toMatchObject({ problems: [], missing: 0 })
    sleeper.kill('SIGCONT')
    const ended = await sleeper.ended
    expect(ended, ended.log).toMatchObject({ code: 0, report: { ok: true } })
    expect(await audit(world, writer.expected)).toMatchObject({ problems: [], missing: 0 })
  })
})
