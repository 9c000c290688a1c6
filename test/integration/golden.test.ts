import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, afterAll, describe, expect, inject, test } from 'vitest'
import { runDocuments } from '../../src/compose.ts'
import { toRows } from './canonical.ts'
import { goldenBucket, goldenRows, goldenTopics, tableOf } from './golden.ts'
import { documentOf, documentText, restOnS3, runOnce, s3Settings, sqliteOnFiles, sqliteOnS3, uploadDirectory } from './program.ts'
import type { DocumentParts, Place, Run } from './program.ts'
import { type Engine, readTable, readTables, type TableName } from './readers.ts'

const engines: Engine[] = ['pyiceberg', 'duckdb', 'pyarrow']
const database = 'golden'
const sourceBucket = `golden-${Date.now()}-${process.pid}`

let directory: string
let segments = 0
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'golden-'))
  const keys = await uploadDirectory(inject('s3'), sourceBucket, goldenBucket)
  segments = keys.filter((key) => key.endsWith('.kfs')).length
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const onS3 = () => ({ topics: ['g-*'], graceSeconds: 1, s3: { bucket: sourceBucket, prefix: 'prod/', ...s3Settings(inject('s3')) } })
const inDirectory = () => ({ topics: ['g-*'], directory: join(goldenBucket, 'prod') })

/** Each engine's rows of each golden table, against the consumer's dump. */
async function expectGoldenRows(place: Place): Promise<void> {
  const tables = goldenTopics.map((topic): TableName => [database, tableOf(topic)])
  const read = await Promise.all(engines.map((engine) => readTables(engine, place.reader, tables)))
  for (const [i, topic] of goldenTopics.entries()) {
    const expected = toRows(goldenRows(topic))
    expect(new Set(expected).size, `${topic}: rows of the dump differ from each other`).toBe(expected.length)
    for (const [j, engine] of engines.entries()) expect(read[j][i], `${topic} read by ${engine}`).toEqual(expected)
  }
}

test('golden data is there', () => {
  expect(goldenTopics.length).toBeGreaterThanOrEqual(7)
  expect(goldenTopics.flatMap(goldenRows).length).toBeGreaterThan(1500)
})

describe.each([
  {
    source: 'a directory',
    into: 'a SQLite catalog with files',
    name: 'files',
    parts: inDirectory,
    place: () => sqliteOnFiles(join(directory, 'files')),
  },
  {
    source: 'S3',
    into: 'a SQLite catalog with S3',
    name: 's3',
    parts: onS3,
    place: () => sqliteOnS3(join(directory, 's3'), 'golden-sqlite'),
  },
  { source: 'S3', into: "Iceberg's REST catalog on S3", name: 'rest', parts: onS3, place: restOnS3 },
])('golden segments from $source into $into', ({ name, parts, place: placeOf }) => {
  let place: Place
  let document: DocumentParts
  let run: Run
  beforeAll(async () => {
    await mkdir(join(directory, name), { recursive: true })
    place = placeOf()
    document = { place, source: parts(), database, name: `golden-${name}` }
    run = await runOnce(documentOf(document))
  })

  test('are read back, every record and no row twice, by every engine', async () => {
    expect(run.errors).toBe('')
    expect(run.ok).toBe(true)
    await expectGoldenRows(place)
  })

  test('cost one GET a segment and few LISTs', () => {
    const { totals } = run
    expect(totals.get('store.source.get.requests')).toBe(segments)
    expect(totals.get('store.source.get.failures') ?? 0).toBe(0)
    const partitions = 12
    expect(totals.get('store.source.list.pages')).toBeLessThanOrEqual(6 * partitions)
  })

  test('a second run adds nothing and fetches nothing', async () => {
    const again = await runOnce(documentOf(document))
    expect(again.ok).toBe(true)
    expect(again.totals.get('store.source.get.requests') ?? 0).toBe(0)
    expect(again.totals.get('rows.committed') ?? 0).toBe(0)
    const [rows] = await readTable('pyiceberg', place.reader, [database, 'g_none'], { aggregate: 'count' })
    expect(rows).toBe(JSON.stringify({ count: String(goldenRows('g-none').length) }))
  })
})

test('runDocuments serves several documents side by side', async () => {
  const own = await mkdtemp(join(directory, 'several-'))
  const place = sqliteOnFiles(own)
  const of = (topic: string) => documentOf({ place, source: { ...inDirectory(), topics: [topic] }, database, name: topic })
  const { ok } = await runDocuments([of('g-edge'), of('g-txn')], {
    role: 'run',
    once: true,
    logLevel: 'error',
    signal: new AbortController().signal,
    json: false,
  })
  expect(ok).toBe(true)
  for (const topic of ['g-edge', 'g-txn']) {
    expect(await readTable('pyiceberg', place.reader, [database, tableOf(topic)])).toEqual(toRows(goldenRows(topic)))
  }
})

test('the command line does the same, and says so with its exit code', async () => {
  const own = await mkdtemp(join(directory, 'cli-'))
  const place = sqliteOnFiles(own)
  const file = join(own, 'document.json')
  await writeFile(file, documentText({ place, source: { ...inDirectory(), topics: ['g-java', 'g-twobatch'] }, database }))
  const bin = join(import.meta.dirname, '../../src/bin.js')
  // A failing exit code rejects.
  await promisify(execFile)(process.execPath, [bin, 'run', '--once', '-f', file], { cwd: own })
  for (const topic of ['g-java', 'g-twobatch']) {
    const rows = await readTable('duckdb', place.reader, [database, tableOf(topic)])
    expect(rows).toEqual(toRows(goldenRows(topic)))
  }
})
