import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { openDocument } from '../../../src/compose.ts'
import { seededRandom } from '../../../src/drivers/entropy/seeded.ts'
import { memoryJournal } from '../../../src/drivers/journal/memory.ts'
import { compactTables } from '../../../src/service/maintain/compact-tables.ts'
import { expireTables } from '../../../src/service/maintain/expire-tables.ts'
import type { ProcessorDocument } from '../../../src/spec/document.ts'
import { requestFaults } from '../../chaos/faults.ts'
import { type UnreliableServer, unreliable } from '../../chaos/unreliable.ts'
import { addSegment, documentOf, type DocumentParts, loadMetadata, restOnS3, runUntil, s3Settings } from '../program.ts'
import { readTable } from '../readers.ts'
import { type Spark, startSpark } from '../spark.ts'
import { verify } from '../verified.ts'

const topic = 'at_once'
const database = `at_once_${process.pid}`
const perSegment = 4
const leastSegments = 40
const mostSegments = 200

let directory: string
let spark: Spark
let catalog: UnreliableServer
let store: UnreliableServer
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'at-once-'))
  spark = await startSpark(inject('s3'), inject('restCatalogUri'))
  catalog = await unreliable(inject('restCatalogUri'), seededRandom(1))
  store = await unreliable(inject('s3').endpoint, seededRandom(2))
}, 30 * 60_000)
afterAll(async () => {
  await spark?.stop()
  await Promise.all([catalog?.close(), store?.close()])
  await rm(directory, { recursive: true, force: true })
})

test('a writer, a compactor, expiry and Spark work on one table at once while requests fail, and it has every row once', async () => {
  const source = { directory: join(directory, 'bucket') }
  const direct = restOnS3()
  const properties = { 'write.delete.mode': 'merge-on-read' }
  const parts: DocumentParts = { place: direct, source, database, tables: { properties }, processing: { commitIntervalSeconds: 0.5 } }
  const spoiled = {
    ...direct,
    sink: {
      catalog: { type: 'rest', endpoint: catalog.url },
      storage: s3Settings({ ...inject('s3'), endpoint: store.url }),
    },
  }
  const plain = documentOf({ ...parts, place: spoiled })
  const expiry = { maxAgeHours: 0.002, minSnapshots: 3, maxSnapshots: 20 }
  const document: ProcessorDocument = { ...plain, spec: { ...plain.spec, maintenance: { compaction: { enabled: false }, expiry } } }
  const table = `ice.${database}.${topic}`
  const counts = { compacted: 0, expired: 0, appended: 0, deleted: 0, rewritten: 0 }

  async function add(segment: number): Promise<void> {
    const records = Array.from({ length: perSegment }, (_, i) => ({ value: Buffer.from(`v${segment * perSegment + i}`) }))
    await addSegment(source.directory, { topic, partition: 0 }, BigInt(segment * perSegment), records)
  }
  await add(0)
  const stop = new AbortController()
  const service = runUntil(stop.signal, plain)
  const isThere = () =>
    loadMetadata(plain, topic).then(
      () => true,
      () => false,
    )
  await vi.waitUntil(isThere, { timeout: 60_000, interval: 500 })

  const others = new AbortController()
  async function again(everyMs: number, work: () => Promise<void>): Promise<void> {
    while (!others.signal.aborted) {
      await work()
      await sleep(everyMs)
    }
  }
  const next = new Map<UnreliableServer, number>()
  /** In every way in turn. */
  async function spoil(server: UnreliableServer): Promise<void> {
    const turn = next.get(server) ?? 0
    next.set(server, turn + 1)
    server.fault = requestFaults[turn % requestFaults.length]
    await sleep(1000)
    server.fault = null
  }
  const happened = () => ({
    ...counts,
    ...Object.fromEntries(
      Object.entries({ catalog, store }).flatMap(([name, { struckBy }]) =>
        Object.entries(struckBy).map(([fault, times]) => [`${name} ${fault}`, times] as const),
      ),
    ),
  })
  /** Spark gives up where somebody else commits first, and where a file went with the snapshot that it reads. */
  const done = (statement: string) =>
    spark.sql(statement).then(
      () => 1,
      () => 0,
    )
  const opened = await openDocument(document, memoryJournal())
  try {
    const working = [
      again(1500, () => spoil(catalog)),
      again(1500, () => spoil(store)),
      again(100, async () => {
        // Where Spark is slow, it would never be the first to replace a file.
        if (counts.compacted > 0 && counts.rewritten === 0) return
        const [outcome] = await compactTables(document, undefined, opened.source, opened.seams, { dryRun: false })
        counts.compacted += outcome?.done?.report?.committed ?? 0
      }),
      again(100, async () => {
        const [outcome] = await expireTables(document, undefined, opened.source, opened.seams, { dryRun: false })
        counts.expired += outcome?.done?.snapshots.length ?? 0
      }),
      again(100, async () => {
        counts.appended += await done(`INSERT INTO ${table} VALUES ('by-hand', -1, ${-1 - counts.appended}, NULL, NULL, NULL, NULL)`)
        if (counts.appended > counts.deleted + 1)
          counts.deleted += await done(`DELETE FROM ${table} WHERE kafka_topic = 'by-hand' AND kafka_offset = ${-1 - counts.deleted}`)
        counts.rewritten += await done(
          `CALL ice.system.rewrite_data_files(table => '${database}.${topic}', options => map('rewrite-all', 'true'))`,
        )
      }),
    ]
    let segments = 1
    while (segments < leastSegments || (Object.values(happened()).includes(0) && segments < mostSegments)) {
      await add(segments++)
      await sleep(1000)
    }
    others.abort()
    await Promise.all(working)
    const end = segments * perSegment
    const isDecided = async () => {
      const { snapshots = [] } = await loadMetadata(documentOf(parts), topic)
      return snapshots.some(({ summary }) => summary['kafscale.processor.progress']?.includes(`[[0,${end}]]`))
    }
    await vi.waitUntil(isDecided, { timeout: 120_000, interval: 500 })
    stop.abort()
    expect(await service).toMatchObject({ ok: true })
    console.log({ segments, ...happened() })
    for (const [what, times] of Object.entries(happened())) expect(times, what).toBeGreaterThan(0)

    const expected = Array.from({ length: end }, (_, i) => `{"kafka_offset":"${i}"}`).toSorted()
    expect(await spark.sql(`SELECT kafka_offset FROM ${table} WHERE kafka_partition = 0`)).toEqual(expected)
    const ours = { select: ['kafka_offset'], where: { column: 'kafka_partition', op: '=', value: '0' } } as const
    expect(await readTable('pyiceberg', direct.reader, [database, topic], ours)).toEqual(expected)
    const theirs = await spark.sql(`SELECT kafka_offset FROM ${table} WHERE kafka_topic = 'by-hand'`)
    expect(theirs).toHaveLength(counts.appended - counts.deleted)
    expect(await verify(parts, '--exact')).toMatchObject({ code: 0, ok: true, findings: [] })
    const { snapshots = [] } = await loadMetadata(documentOf(parts), topic)
    for (const snapshot of snapshots) {
      const [counted] = await spark.sql(`SELECT count(value) AS n FROM ${table} VERSION AS OF ${String(snapshot['snapshot-id'])}`)
      expect(counted).toMatch(/"n":"\d+"/)
    }
  } finally {
    others.abort()
    stop.abort()
    await opened.close()
    await service
  }
})
