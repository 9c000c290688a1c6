import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openDocument } from '../../src/compose.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { compactTables } from '../../src/service/maintain/compact-tables.ts'
import { expireTables } from '../../src/service/maintain/expire-tables.ts'
import { liveEntries, manifestsOf } from '../../src/pipeline/maintain/unreached-files.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import { theirs } from './canonical.ts'
import { addSegment, documentOf, type DocumentParts, loadMetadata, runUntil, sqliteOnFiles } from './program.ts'
import { readTable, type TableName, writeTable } from './readers.ts'
import { verify } from './verified.ts'

const segments = 50
const perSegment = 4
const topic = 'busy'

test('a writer, a compactor, expiry and PyIceberg work on one table at once, and it has every row once', { timeout: 240_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'at-once-'))
  const bucket = join(directory, 'bucket')
  const place = sqliteOnFiles(directory)
  const parts: DocumentParts = { place, source: { directory: bucket }, database: 'upkeep', processing: { commitIntervalSeconds: 0.3 } }
  const table: TableName = ['upkeep', topic]
  const plain = documentOf(parts)
  const expiry = { maxAgeHours: 0.0005, minSnapshots: 3, maxSnapshots: 10 }
  const document: ProcessorDocument = { ...plain, spec: { ...plain.spec, maintenance: { compaction: { enabled: false }, expiry } } }
  const stop = new AbortController()
  const counts = { compacted: 0, expired: 0, appended: 0, deleted: 0 }
  await addSegment(bucket, { topic, partition: 0 }, 0n, records(0))
  const service = runUntil(stop.signal, plain)

  const others = new AbortController()
  async function again(work: () => Promise<void>): Promise<void> {
    while (!others.signal.aborted) {
      await work()
      await sleep(100)
    }
  }
  const opened = await openDocument(document, memoryJournal())
  const { source, seams } = opened
  try {
    const working = [
      again(async () => {
        const [outcome] = await compactTables(document, undefined, source, seams, { dryRun: false })
        counts.compacted += outcome?.done?.report?.committed ?? 0
      }),
      again(async () => {
        const [outcome] = await expireTables(document, undefined, source, seams, { dryRun: false })
        counts.expired += outcome?.done?.snapshots.length ?? 0
      }),
      again(async () => {
        // It gives up when somebody else commits first.
        const value = `theirs ${counts.appended}`
        const done = (step: Promise<unknown>) => step.then(() => 1).catch(() => 0)
        counts.appended += await done(writeTable(place.reader, table, [{ append: theirs(value) }]))
        if (counts.appended > 0 && counts.deleted === 0) {
          counts.deleted += await done(
            writeTable(place.reader, table, [{ delete: { column: 'value', op: '=', value: theirs('theirs 0')[0].value } }]),
          )
        }
      }),
    ]
    for (let i = 1; i < segments; i++) {
      await addSegment(bucket, { topic, partition: 0 }, BigInt(i * perSegment), records(i))
      await sleep(200)
    }
    others.abort()
    await Promise.all(working)
    await sleep(2000)
    stop.abort()
    expect(await service).toMatchObject({ errors: '', ok: true })

    expect(counts.compacted).toBeGreaterThan(0)
    expect(counts.expired).toBeGreaterThan(0)
    const offsets = Array.from({ length: segments * perSegment }, (_, i) => String(i))
    for (const engine of ['pyiceberg', 'duckdb'] as const) {
      const rows = (await readTable(engine, place.reader, table)).map((row) => JSON.parse(row) as Record<string, string>)
      const ours = rows.filter((row) => row['kafka_topic'] === topic).map((row) => row['kafka_offset'])
      expect(
        ours.toSorted((a, b) => Number(a) - Number(b)),
        engine,
      ).toEqual(offsets)
      expect(rows.length - ours.length, engine).toBe(counts.appended - counts.deleted)
    }
    expect(await verify(parts, '--exact')).toMatchObject({ code: 0, ok: true, findings: [] })
    for (const snapshot of (await loadMetadata(plain, topic)).snapshots ?? []) {
      for (const manifest of await manifestsOf(snapshot, seams.io)) {
        for (const { dataFile } of await liveEntries(manifest, seams.io)) expect(existsSync(fileURLToPath(dataFile.filePath))).toBe(true)
      }
    }
  } finally {
    others.abort()
    stop.abort()
    await opened.close()
    await rm(directory, { recursive: true, force: true })
  }
})

function records(segment: number) {
  return Array.from({ length: perSegment }, (_, i) => ({ value: Buffer.from(`v${segment * perSegment + i}`) }))
}
