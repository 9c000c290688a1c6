import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { seededRandom } from '../../src/drivers/entropy/seeded.ts'
import { audit } from './kill/audit.ts'
import { killLeftovers, runChild, startChild, twoAtATime } from './kill/processes.ts'
import { intoBucket, intoDirectory, SegmentWriter } from './kill/segments.ts'
import { makeWorld, restSink, s3Settings, sqliteSink, type World } from './kill/world.ts'
import { readTable, type ReaderCatalog } from './readers.ts'
import { s3Client } from './servers.ts'

const topic = 'orders'
let root = ''

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kill-'))
})
afterEach(killLeftovers)
afterAll(() => rm(root, { recursive: true, force: true }))

/** The worlds of a test: they share the source, and each has tables of its own. */
interface Worlds {
  readonly writer: SegmentWriter
  fresh(settings?: { commitIntervalSeconds?: number; parallelism?: number }): Promise<World>
  /** How PyIceberg opens the tables of the `n`-th world, and their namespace. */
  foreign(n: number): { catalog: ReaderCatalog; namespace: string }
}

function onDirectory(name: string): Worlds {
  const directory = join(root, name)
  const own = (n: number): string => join(directory, String(n))
  let made = 0
  return {
    writer: new SegmentWriter(intoDirectory(join(directory, 'source'))),
    fresh: (settings) => {
      const to = own(made++)
      return makeWorld(to, { topics: [topic], source: { directory: join(directory, 'source') }, sink: sqliteSink(to), ...settings })
    },
    foreign: (n) => ({
      catalog: { type: 'sql', uri: join(own(n), 'catalog.db'), warehouse: `file://${join(own(n), 'warehouse')}` },
      namespace: 'kill',
    }),
  }
}

function onServers(name: string): Worlds {
  const [s3, bucket, uri] = [inject('s3'), inject('bucket'), inject('restCatalogUri')]
  const prefix = `${name}/`
  const namespaceOf = (n: number): string => `${name}${n}`
  let made = 0
  return {
    writer: new SegmentWriter(intoBucket(s3Client(s3), bucket, prefix)),
    fresh: (settings) => {
      const n = made++
      const source = { s3: { bucket, prefix, ...s3Settings(s3) } }
      return makeWorld(join(root, name, String(n)), { topics: [topic], source, sink: restSink(uri, s3, namespaceOf(n)), ...settings })
    },
    foreign: (n) => ({ catalog: { type: 'rest', uri, s3 }, namespace: namespaceOf(n) }),
  }
}

/** Steps that every run has, or the suite would kill beside the point. */
const steps = [
  'source.list page',
  'source.get after',
  'io.write data file before',
  'io.write data file chunk',
  'io.write data file after',
  'io.write manifest after',
  'io.write manifest list after',
  'catalog.create before',
  'catalog.create after',
  'catalog.load after',
  'catalog.commit before',
  'catalog.commit after',
  'queue.claim',
  'queue.complete before',
]

/** Kills a first run at each step, each in a world of its own, and lets a second one finish. */
async function killEverywhere({ writer: { expected }, fresh, foreign }: Worlds, alsoNeeded: readonly string[]): Promise<void> {
  const model = await fresh()
  const dry = await runChild({ document: model.file, once: true, printSteps: true })
  expect(dry, dry.log).toMatchObject({ code: 0, report: { ok: true } })
  const names = new Set(dry.steps.map(nameOf))
  expect([...steps, ...alsoNeeded].filter((name) => !names.has(name))).toEqual([])
  const { source } = await audit(model, expected)

  const wrong: string[] = []
  await twoAtATime(momentsOf(dry.steps), async (step) => {
    const world = await killedAt(step, fresh)
    if (world === null) return void wrong.push(`${step}: never reached`)
    const before = await audit(world, expected)
    const restarted = await runChild({ document: world.file, once: true })
    const after = await audit(world, expected)
    const problems = [...before.problems, ...after.problems]
    if (restarted.code !== 0) problems.push(`the second run ended with ${restarted.code}: ${restarted.log}`)
    if (after.missing > 0) problems.push(`${after.missing} records are not in the table`)
    for (const file of before.files) if (!after.files.has(file)) problems.push(`no snapshot has ${file} any more`)
    if (after.source.join() !== source.join()) problems.push('the source was changed')
    wrong.push(...problems.map((problem) => `${step}: ${problem}`))
  })
  expect(wrong).toEqual([])
  const { catalog, namespace } = foreign(1)
  expect(await foreignRows(catalog, namespace)).toEqual(Array.from(expected, ([place, value]) => `${place} ${value}`).sort())
}

/** Reading changes nothing: of reads alike that follow one another the first stands for all. */
function momentsOf(all: readonly string[]): string[] {
  return all.filter((step, i) => !/^source\.|\.load |\.read /.test(step) || nameOf(step) !== nameOf(all[i - 1] ?? ''))
}

function nameOf(step: string): string {
  return step.replace(/ #\d+$/, '')
}

/** A world whose run died at the step; two tasks at once may change their order, and a run then misses it. */
async function killedAt(step: string, fresh: () => Promise<World>): Promise<World | null> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    const world = await fresh()
    const { signal } = await runChild({ document: world.file, once: true, fate: { step, signal: 'SIGKILL' } })
    if (signal === 'SIGKILL') return world
  }
  return null
}

/** The place and the value of each row that PyIceberg finds. */
async function foreignRows(catalog: ReaderCatalog, namespace: string): Promise<string[]> {
  const rows = await readTable('pyiceberg', catalog, [namespace, topic], { select: ['kafka_partition', 'kafka_offset', 'value'] })
  return rows
    .map((row) => {
      const { kafka_partition: partition, kafka_offset: offset, value } = JSON.parse(row) as Record<string, string>
      return `${topic}/${partition}/${offset} ${Buffer.from(value, 'base64').toString()}`
    })
    .sort()
}

describe('SIGKILL at every step between listing and the answer to a commit, then a restart: each offset is there once', () => {
  test('in a SQLite catalog and a directory, several tasks and commits', { timeout: 400_000 }, async () => {
    const worlds = onDirectory('fresh')
    // More than four target sizes: two tasks, two files, two commits.
    for (const partition of [0, 1, 2]) for (let i = 0; i < 2; i++) await worlds.writer.append(topic, partition, 4, 220_000)
    const inside = [
      'sqlite INSERT after',
      'sqlite UPDATE before',
      'sqlite UPDATE after',
      'rename metadata after',
      'rename data file before',
      'queue.claim',
    ]
    await killEverywhere(worlds, inside)
  })

  test('in a REST catalog and S3', { timeout: 400_000 }, async () => {
    const worlds = onServers('everywhere')
    for (const partition of [0, 1]) await worlds.writer.append(topic, partition, 4, 2000, 'zstd')
    await worlds.writer.append(topic, 0, 3)
    // The store's clock has seconds only: until the next one the newest segments count as too young.
    await sleep(1100)
    await killEverywhere(worlds, [
      'POST table sent',
      'POST table answered',
      'PUT data file sent',
      'PUT manifest list answered',
      'POST tables sent',
    ])
  })

  test('and again at the next step, without a run in peace between them, while the source grows', { timeout: 200_000 }, async () => {
    const worlds = [onDirectory('grows-0'), onDirectory('grows-1')]
    let reached = 0
    let ran = 0
    await twoAtATime(worlds, async ({ writer, fresh }) => {
      const world = await fresh()
      await writer.append(topic, 0)
      await runChild({ document: world.file, once: true })
      await writer.append(topic, 1)
      const dry = await runChild({ document: world.file, once: true, printSteps: true })
      for (const step of dry.steps.filter((_, i) => i % 2 === worlds.findIndex((one) => one.writer === writer))) {
        await writer.append(topic, ran % 3, 2)
        const { signal } = await runChild({ document: world.file, once: true, fate: { step, signal: 'SIGKILL' } })
        ran++
        if (signal === 'SIGKILL') reached++
        expect((await audit(world, writer.expected)).problems, step).toEqual([])
      }
      expect(await runChild({ document: world.file, once: true })).toMatchObject({ code: 0 })
      expect(await audit(world, writer.expected)).toMatchObject({ problems: [], missing: 0 })
    })
    expect(ran).toBeGreaterThan(20)
    expect(reached).toBe(ran)
  })
})

describe('SIGKILL at random times while the source grows: each offset is there once', () => {
  const seed = Number(process.env.KILL_SEED ?? randomInt(2 ** 31))

  test.each<[string, () => Worlds]>([
    ['in a SQLite catalog', () => onDirectory('random')],
    ['in a REST catalog', () => onServers('random')],
  ])(`%s (KILL_SEED=${seed})`, { timeout: 200_000 }, async (_, worldsOf) => {
    const random = seededRandom(seed)
    const { writer, fresh } = worldsOf()
    await writer.append(topic, 0)
    const world = await fresh({ commitIntervalSeconds: 0.05, parallelism: 2 })
    for (let round = 1; round <= 10; round++) {
      const process = startChild({ document: world.file, once: false })
      // Every second process lives until it has committed something, however slow the machine is.
      const delayMs = random.below(round % 2 === 0 ? 300 : 1200)
      const begin = round % 2 === 0 ? process.logged(/"msg":"committed"/) : Promise.resolve()
      const life = { over: false }
      const end = begin.then(() => sleep(delayMs)).then(() => void (life.over = true))
      while (!life.over) {
        await writer.append(topic, random.below(3), 1 + random.below(5), random.pick([10, 5000]), random.pick(['none', 'gzip', 'zstd']))
        await sleep(random.below(60))
      }
      await end
      process.kill('SIGKILL')
      const { signal, log } = await process.ended
      expect(signal, log).toBe('SIGKILL')
      expect((await audit(world, writer.expected)).problems, `round ${round}`).toEqual([])
    }
    const last = await runChild({ document: world.file, once: true })
    expect(last, last.log).toMatchObject({ code: 0 })
    expect(await audit(world, writer.expected)).toMatchObject({ problems: [], missing: 0 })
  })
})
