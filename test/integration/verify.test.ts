import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { currentSnapshot } from '../../src/formats/iceberg/table-metadata.ts'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { goldenBucket, goldenTopics } from './golden.ts'
import {
  addSegment,
  documentOf,
  loadMetadata,
  restOnS3,
  runOnce,
  s3Settings,
  sqliteOnFiles,
  sqliteOnS3,
  uploadDirectory,
  type DocumentParts,
  type Place,
} from './program.ts'
import { type TableName, writeTable, type WriteStep } from './readers.ts'
import { verify } from './verified.ts'

const database = `verify_${process.pid}`

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verify-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** Both ways of verifying must come to the same. */
async function expectFindings(parts: DocumentParts, findings: readonly string[]): Promise<void> {
  for (const options of [[], ['--exact']]) {
    const { code, ok, findings: found, tables } = await verify(parts, ...options)
    expect(tables.map(({ problem }) => problem).filter((problem) => problem !== null)).toEqual([])
    expect(found, options.join(' ')).toEqual(findings)
    expect({ code, ok }).toEqual(findings.length === 0 ? { code: 0, ok: true } : { code: 1, ok: false })
  }
}

/** A topic of two partitions with three data files of ten rows for each of them. */
interface World {
  readonly topic: string
  readonly table: TableName
  readonly bucket: string
  readonly parts: DocumentParts
  run(): Promise<void>
  add(partition: number, base: number, count: number): Promise<void>
  write(...steps: WriteStep[]): Promise<(string | null)[]>
}

async function world(topic: string, place?: Place, source?: (bucket: string) => Promise<object>): Promise<World> {
  const own = await mkdtemp(join(directory, `${topic}-`))
  const bucket = join(own, 'bucket')
  const where = place ?? sqliteOnFiles(own)
  const add = (partition: number, base: number, count: number) =>
    addSegment(
      bucket,
      { topic, partition },
      BigInt(base),
      Array.from({ length: count }, (_, i) => ({ value: Buffer.from(`v${base + i}`) })),
    )
  await mkdir(bucket, { recursive: true })
  const parts: DocumentParts = {
    place: where,
    source: { topics: [topic], ...(await (source?.(bucket) ?? { directory: bucket })) },
    database,
    name: topic.replaceAll('_', '-'),
  }
  const run = async () => {
    expect(await runOnce(documentOf(parts))).toMatchObject({ errors: '', ok: true })
  }
  const table: TableName = [database, topic]
  const write = async (...steps: WriteStep[]) => (await writeTable(where.reader, table, steps)).map(({ snapshotId }) => snapshotId)
  return { topic, table, bucket, parts, run, add, write }
}

/** The same with three runs behind it: `[0, 10)`, `[10, 20)` and `[20, 30)` of both partitions. */
async function filled(topic: string, place?: Place): Promise<World> {
  const made = await world(topic, place)
  for (const base of [0, 10, 20]) {
    for (const partition of [0, 1]) await made.add(partition, base, 10)
    await made.run()
  }
  return made
}

describe.each([
  { catalog: 'a SQLite catalog', suffix: '', placeOf: () => undefined },
  { catalog: "Iceberg's REST catalog on S3", suffix: '_rest', placeOf: () => restOnS3() },
])('in $catalog', { timeout: 300_000 }, ({ suffix, placeOf }) => {
  test('a table as it was made is clean, also after another engine rewrote it', async () => {
    const table = await filled(`clean${suffix}`, placeOf())
    await expectFindings(table.parts, [])
    await table.write({ compact: true })
    await expectFindings(table.parts, [])
    await table.run()
    await expectFindings(table.parts, [])
  })

  test('rows that another writer deleted are missing, with the snapshot that did it', async () => {
    const table = await filled(`deleted${suffix}`, placeOf())
    const [some] = await table.write({ delete: { column: 'kafka_offset', op: 'in', value: ['3', '4', '17'] } })
    const all = [0, 1].flatMap((p) => [`missing ${table.topic}/${p} [3, 5) ${some}`, `missing ${table.topic}/${p} [17, 18) ${some}`])
    await expectFindings(table.parts, all)
    // Whatever is committed afterwards, it is known who did it; and what is gone is gone once.
    await table.add(0, 30, 10)
    await table.run()
    const [, last] = await table.write({ compact: true }, { delete: { column: 'kafka_offset', op: '>=', value: '25' } })
    await expectFindings(table.parts, [
      ...all.slice(0, 2),
      `missing ${table.topic}/0 [25, 40) ${last}`,
      ...all.slice(2),
      `missing ${table.topic}/1 [25, 30) ${last}`,
    ])
  })

  test('what was accepted is reported no more, also when the snapshot that did it is expired', async () => {
    const table = await filled(`accepted${suffix}`, placeOf())
    const [meant, other] = await table.write(
      { delete: { column: 'kafka_offset', op: 'in', value: ['3', '4'] } },
      { delete: { column: 'kafka_offset', op: 'in', value: ['8'] } },
    )
    const left = [0, 1].map((p) => `missing ${table.topic}/${p} [8, 9) ${other}`)
    expect(await verify(table.parts, '--accept', meant!)).toMatchObject({ code: 1, findings: left })
    await expectFindings(table.parts, left)
    await table.run()
    await table.write({ expire: [meant!, other!] })
    await expectFindings(
      table.parts,
      left.map((finding) => finding.replace(other!, 'null')),
    )
    expect((await verify(table.parts)).tables[0].counts).toMatchObject({ rows: 54, decided: 60, accepted: 4 })
    expect(await verify(table.parts, '--accept', '1')).toMatchObject({ code: 2, ok: false })
  })

  test('rows that another writer appended again, and a file that it registered again, are there twice', async () => {
    const table = await filled(`twice${suffix}`, placeOf())
    const [rows] = await table.write({ repeat: { column: 'kafka_offset', op: 'in', value: ['5', '6'] } })
    await expectFindings(
      table.parts,
      [0, 1].map((p) => `duplicate ${table.topic}/${p} [5, 7) ${rows}`),
    )
    const second = await filled(`registered${suffix}`, placeOf())
    const [file] = await second.write({ register: 0 })
    const { findings } = await verify(second.parts)
    expect(findings).toHaveLength(2)
    for (const finding of findings) expect(finding).toMatch(new RegExp(`^duplicate ${second.topic}/[01] \\[\\d+, \\d+\\) ${file}$`))
    await expectFindings(second.parts, findings)
  })

  test('rows of another writer’s own are none of our business', async () => {
    const table = await filled(`others${suffix}`, placeOf())
    const own = {
      kafka_topic: 'by-hand',
      kafka_partition: '-1',
      kafka_offset: '-1',
      kafka_timestamp: null,
      kafka_key: null,
      kafka_headers: [],
    }
    await table.write({ append: [{ ...own, value: null }] })
    await expectFindings(table.parts, [])
    expect((await verify(table.parts)).tables[0].counts).toMatchObject({ rows: 60, decided: 60, others: 1 })
  })
})

test('a segment that comes late is a hole, and one that never came a gap', async () => {
  const table = await world('holes')
  await table.add(0, 0, 10)
  await table.add(0, 20, 10)
  await table.add(0, 40, 10)
  await table.run()
  await expectFindings(table.parts, ['gap holes/0 [10, 20) null', 'gap holes/0 [30, 40) null'])
  await table.add(0, 13, 4)
  await expectFindings(table.parts, [
    'gap holes/0 [10, 13) null',
    'hole holes/0 [13, 17) null',
    'gap holes/0 [17, 20) null',
    'gap holes/0 [30, 40) null',
  ])
  const ours = currentSnapshot(await loadMetadata(documentOf(table.parts), 'holes'))!['snapshot-id']
  expect(await verify(table.parts, '--accept', String(ours))).toMatchObject({ code: 1, findings: ['hole holes/0 [13, 17) null'] })
  await table.add(0, 50, 10)
  await table.run()
  await expectFindings(table.parts, ['hole holes/0 [13, 17) null'])
})

test('a segment that was written again is reported with what was read from it, the last one too', async () => {
  const table = await filled('rewritten')
  await table.add(1, 10, 10)
  await table.add(0, 20, 12)
  await expectFindings(table.parts, ['rewritten rewritten/0 [20, 30) null', 'rewritten rewritten/1 [10, 20) null'])
})

test('segments that went with time are nothing to report', async () => {
  const table = await filled('expired')
  for (const partition of [0, 1]) await rm(join(table.bucket, segmentKey('', { topic: 'expired', partition }, 0n, 'kfs')))
  await expectFindings(table.parts, [])
})

/** The data files of a table in a directory, oldest first. */
function dataFiles({ parts, topic }: World): string[] {
  const { reader } = parts.place
  if (reader.type !== 'sql') throw new Error('a table in a directory was expected')
  const data = join(fileURLToPath(reader.warehouse), database, topic, 'data')
  return readdirSync(data)
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => join(data, name))
}

test('a data file that is gone leaves its rows missing, and one that is damaged or was exchanged is altered', async () => {
  const table = await world('files')
  for (const base of [0, 10, 20]) {
    await table.add(0, base, 10)
    await table.run()
  }
  const files = dataFiles(table).map((path) => ({ path, bytes: readFileSync(path) }))
  await rm(files[0].path)
  const gone = await verify(table.parts)
  expect(gone.findings).toHaveLength(1)
  expect(gone.findings[0]).toMatch(/^missing files\/0 \[\d*0, \d0\) null$/)
  await expectFindings(table.parts, gone.findings)

  await writeFile(files[0].path, files[0].bytes.subarray(0, 600))
  const range = /\[.*\)/.exec(gone.findings[0])![0]
  const cut = await verify(table.parts)
  expect(cut.findings).toEqual([expect.stringMatching(/^altered /)])
  expect(cut.findings[0]).toContain(range)
  await expectFindings(table.parts, cut.findings)
  await writeFile(files[0].path, files[0].bytes)
  await expectFindings(table.parts, [])
})

describe('golden segments', () => {
  test.each([
    {
      source: 'a directory',
      of: async () => ({ directory: join(goldenBucket, 'prod') }),
      place: async () => sqliteOnFiles(await mkdtemp(join(directory, 'golden-'))),
    },
    {
      source: 'S3',
      of: async () => {
        const bucket = `verify-${Date.now()}-${process.pid}`
        await uploadDirectory(inject('s3'), bucket, goldenBucket)
        return { s3: { bucket, prefix: 'prod/', ...s3Settings(inject('s3')) } }
      },
      place: async () => sqliteOnS3(await mkdtemp(join(directory, 'golden-')), `verify-${process.pid}`),
    },
  ])('from $source are all there: every codec, control records, overlaps', async ({ of, place }) => {
    const parts: DocumentParts = { place: await place(), source: { topics: ['g-*'], ...(await of()) }, database, name: 'golden' }
    expect(await runOnce(documentOf(parts))).toMatchObject({ errors: '', ok: true })
    await expectFindings(parts, [])
    const { tables } = await verify(parts)
    expect(tables).toHaveLength(goldenTopics.length)
    expect(tables.find(({ table }) => table.endsWith('g_txn'))?.counts).toMatchObject({ rows: 4, decided: 6, control: 2 })
  })
})

test('what onError skips has no row and is counted', async () => {
  const table = await world('skipped')
  await table.add(0, 0, 10)
  await table.add(0, 10, 10)
  await table.add(0, 20, 10)
  const path = join(table.bucket, segmentKey('', { topic: 'skipped', partition: 0 }, 10n, 'kfs'))
  const bytes = readFileSync(path)
  bytes[100] ^= 1
  await writeFile(path, bytes)
  const parts = { ...table.parts, mappings: [{ topic: '*', onError: 'skip', value: { format: 'binary' } }] }
  expect(await runOnce(documentOf(parts))).toMatchObject({ errors: '', ok: true })
  await expectFindings(parts, [])
  expect((await verify(parts)).tables[0].counts).toMatchObject({ rows: 20, decided: 30, skipped: 10 })
})

test('a document that is wrong exits with 2', async () => {
  const table = await world('wrong')
  expect(await verify({ ...table.parts, name: 'Not A Name' })).toMatchObject({ code: 2, ok: false })
})
