import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openDocument } from '../../src/compose.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import type { DataFile } from '../../src/formats/iceberg/data-file.ts'
import type { TableUpdate } from '../../src/formats/iceberg/table-update.ts'
import { readRows } from '../../src/formats/parquet/read-rows.ts'
import { compactTables } from '../../src/service/maintain/compact-tables.ts'
import { expireTables } from '../../src/service/maintain/expire-tables.ts'
import { liveEntries, manifestsOf } from '../../src/pipeline/maintain/unreached-files.ts'
import { everything } from '../../src/pipeline/verify/scope.ts'
import type { ProcessorSeams } from '../../src/service/feed/processor-seams.ts'
import { verifyDocument } from '../../src/service/verify/verifier.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import { commitForeign, type ForeignWorld, liveEntries as filesOf, positionDeletes } from '../unit/service/foreign-commit.ts'
import { theirs } from './canonical.ts'
import { addSegment, documentOf, type DocumentParts, loadMetadata, runUntil, sqliteOnFiles } from './program.ts'
import { readTable, type TableName, writeTable } from './readers.ts'
import { verify } from './verified.ts'

/** Enough for each to have its turn; more are written where a machine gave one of them none. */
const [fewestSegments, mostSegments] = [50, 400]
const perSegment = 4
const topic = 'busy'
const orders = { namespace: ['upkeep'], name: topic }

/**
 * Another engine, which merges on read: it deletes rows of its own by their places in files, rewrites files, and keeps the snapshot that it found
 * first under a tag. It gives up where somebody else commits first.
 */
class Merger {
  /** The values of rows that are deleted, or not to be touched. */
  readonly #gone: Set<string>
  /** Files out of which it deleted rows: to rewrite them is not its business. */
  readonly #marked = new Set<string>()
  readonly #seams: ProcessorSeams
  tagged: bigint | null = null

  constructor(seams: ProcessorSeams, spared: string) {
    this.#seams = seams
    this.#gone = new Set([spared])
  }

  /** Deletes a row. How many that were. */
  deleteOne(): Promise<number> {
    return this.#change(async (world, files) => {
      for (const { filePath } of files) {
        const rows = await readRows(await world.io.read(filePath), 1e6)
        const at = rows.findIndex((row) => textOf(row['kafka_topic']) === 'by-hand' && !this.#gone.has(textOf(row['value'])))
        if (at < 0) continue
        await commitForeign(world, topic, { deletes: [await positionDeletes(world, filePath, [at])] })
        this.#gone.add(textOf(rows[at]['value']))
        this.#marked.add(filePath)
        return 1
      }
      return 0
    })
  }

  /** Puts another file with the same rows in the place of one. How many that were. */
  rewriteOne(): Promise<number> {
    return this.#change(async (world, files) => {
      const file = files.find(({ filePath }) => !this.#marked.has(filePath))
      if (file === undefined) return 0
      const filePath = file.filePath.replace(/[^/]*$/, `theirs-${this.#seams.entropy.uuid()}.parquet`)
      await world.io.write(filePath, [await world.io.read(file.filePath)])
      await commitForeign(world, topic, { remove: [file.filePath], add: [{ ...file, filePath }] })
      return 1
    })
  }

  async #change(change: (world: ForeignWorld, files: readonly DataFile[]) => Promise<number>): Promise<number> {
    const { catalog, io } = this.#seams
    const loaded = await catalog.loadTable(orders, { fresh: true })
    if (loaded === null) return 0
    const { metadata } = loaded
    const parent = metadata['current-snapshot-id']!
    const world: ForeignWorld = {
      io,
      seams: this.#seams,
      table: async () => metadata,
      catalog: { ...catalog, commitTable: (_table, { updates, idempotencyKey }) => this.#commit(parent, updates, idempotencyKey) },
    }
    try {
      const files = (await filesOf(world, topic)).map(({ dataFile }) => dataFile)
      return await change(
        world,
        files.filter(({ content }) => content === 0),
      )
    } catch {
      // What it read was expired, or others committed.
      return 0
    }
  }

  async #commit(parent: bigint, updates: readonly TableUpdate[], idempotencyKey: string) {
    const tag = { action: 'set-snapshot-ref', 'ref-name': 'audit', type: 'tag', 'snapshot-id': parent } as const
    const outcome = await this.#seams.catalog.commitTable(orders, {
      requirements: [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': parent }],
      updates: this.tagged === null ? [...updates, tag] : updates,
      idempotencyKey,
    })
    if (outcome.kind === 'committed') this.tagged ??= parent
    return outcome
  }
}

const textOf = (value: unknown) => (value === null ? '' : Buffer.from(value as Uint8Array | string).toString())

test(
  'a writer, a compactor, expiry, PyIceberg and one that merges on read work on one table at once, and it has every row once',
  { timeout: 240_000 },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'at-once-'))
    const bucket = join(directory, 'bucket')
    const place = sqliteOnFiles(directory)
    const parts: DocumentParts = { place, source: { directory: bucket }, database: 'upkeep', processing: { commitIntervalSeconds: 0.3 } }
    const table: TableName = ['upkeep', topic]
    const plain = documentOf(parts)
    const expiry = { maxAgeHours: 0.0005, minSnapshots: 3, maxSnapshots: 10 }
    const document: ProcessorDocument = { ...plain, spec: { ...plain.spec, maintenance: { compaction: { enabled: false }, expiry } } }
    const stop = new AbortController()
    const counts = { compacted: 0, expired: 0, appended: 0, deleted: 0, merged: 0, rewritten: 0, verified: 0 }
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
    const merger = new Merger(seams, 'theirs 0')
    let submitted = 0
    /** After a rewrite was planned, and before it is begun, others change its files now and then. */
    const submit: typeof seams.queue.submit = async (...asked) => {
      submitted++
      // On a busy machine there are few turns, and others nearly always commit first.
      for (let tries = 0, done = 0; tries < 10 && done === 0; tries++) {
        if (submitted % 3 === 1) counts.merged += done = await merger.deleteOne()
        if (submitted % 3 === 2) counts.rewritten += done = await merger.rewriteOne()
      }
      return seams.queue.submit(...asked)
    }
    const queue = { ...seams.queue, submit }
    const between = { ...seams, queue }
    let expiries = 0
    /** After an expiry has chosen what goes, and before it commits that. */
    const commitTable: typeof seams.catalog.commitTable = async (...asked) => {
      if (expiries++ % 3 === 1) counts.rewritten += await merger.rewriteOne()
      return seams.catalog.commitTable(...asked)
    }
    const beforeExpiry = { ...seams, catalog: { ...seams.catalog, commitTable } }
    const snapshotsNow = async () => (await seams.catalog.loadTable(orders, { fresh: true }))?.metadata.snapshots ?? []
    try {
      const working = [
        again(async () => {
          const [outcome] = await compactTables(document, undefined, source, between, { dryRun: false })
          counts.compacted += outcome?.done?.report?.committed ?? 0
        }),
        again(async () => {
          const [outcome] = await expireTables(document, undefined, source, beforeExpiry, { dryRun: false })
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
      working.push(
        again(async () => {
          for (const snapshot of await snapshotsNow()) {
            try {
              await manifestsOf(snapshot, seams.io)
            } catch {
              const isThere = (await snapshotsNow()).some((one) => one['snapshot-id'] === snapshot['snapshot-id'])
              expect(isThere, 'a snapshot that can not be read').toBe(false)
            }
          }
        }),
        again(async () => {
          const quiet = { table: null, tell: () => undefined, progress: () => undefined }
          const asked = { exact: true, accept: null, retract: null, values: null, scope: everything, ...quiet }
          const { tables } = await verifyDocument(plain, source, seams, asked)
          // Files of the snapshot that it reads may be gone before it is done.
          if (tables.some(({ problem }) => problem !== null)) return
          expect(tables.flatMap(({ findings }) => findings)).toEqual([])
          counts.verified++
        }),
      )
      let segments = 1
      const isMissing = () => Object.values(counts).includes(0)
      for (; segments < fewestSegments || (isMissing() && segments < mostSegments); segments++) {
        await addSegment(bucket, { topic, partition: 0 }, BigInt(segments * perSegment), records(segments))
        await sleep(200)
      }
      others.abort()
      await Promise.all(working)
      await sleep(2000)
      stop.abort()
      expect(await service).toMatchObject({ errors: '', ok: true })

      for (const [what, times] of Object.entries(counts)) expect(times, what).toBeGreaterThan(0)
      const offsets = Array.from({ length: segments * perSegment }, (_, i) => String(i))
      for (const engine of ['pyiceberg', 'duckdb'] as const) {
        const rows = (await readTable(engine, place.reader, table)).map((row) => JSON.parse(row) as Record<string, string>)
        const ours = rows.filter((row) => row['kafka_topic'] === topic).map((row) => row['kafka_offset'])
        expect(
          ours.toSorted((a, b) => Number(a) - Number(b)),
          engine,
        ).toEqual(offsets)
        expect(rows.length - ours.length, engine).toBe(counts.appended - counts.deleted - counts.merged)
      }
      expect(await verify(parts, '--exact')).toMatchObject({ code: 0, ok: true, findings: [] })
      const { snapshots = [], refs } = await loadMetadata(plain, topic)
      expect(refs?.['audit']).toMatchObject({ 'snapshot-id': merger.tagged })
      expect(snapshots.some((one) => one['snapshot-id'] === merger.tagged)).toBe(true)
      for (const snapshot of snapshots) {
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
  },
)

function records(segment: number) {
  return Array.from({ length: perSegment }, (_, i) => ({ value: Buffer.from(`v${segment * perSegment + i}`) }))
}
