import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openDocument } from '../../src/compose.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { resolveLayout } from '../../src/pipeline/commit/resolve-layout.ts'
import { newTable } from '../../src/pipeline/commit/new-table.ts'
import { TableCommitter } from '../../src/service/feed/committer.ts'
import type { TaskResult } from '../../src/pipeline/flow.ts'
import { limitsOf } from '../../src/service/tasks/limits.ts'
import { acceptSegments } from '../../src/pipeline/plan/accept-segments.ts'
import { listSegments } from '../../src/pipeline/plan/list-segments.ts'
import { carryOut, taskTarget } from '../../src/service/tasks/worker.ts'
import { loadDocuments } from '../../src/spec/load.ts'
import { mappingFor } from '../../src/spec/table-mapping.ts'
import type { DataFile } from '../../src/formats/iceberg/data-file.ts'
import { commitForeign, equalityDeletes, liveEntries, positionDeletes } from '../unit/service/foreign-commit.ts'
import type { World } from '../unit/service/world.ts'
import { writeOrderTopic } from './generate.ts'
import { serviceDocument, sqliteSink } from './service.ts'
import { type ProcessUsage, usagePreload } from './usage.ts'

const at = { topic: 'orders', partition: 0 }
const database = 'analytics'
const filesPerCommit = 1000
const bin = join(import.meta.dirname, '../../src/bin.js')

/** A table of `files` files of so many rows, made by the program's own worker and committer, each of one segment in a directory. */
async function makeTable(document: string, files: number, recordsPerFile: number, source: string): Promise<void> {
  await writeOrderTopic(source, at.topic, { records: files * recordsPerFile, maxSegmentBytes: 1, recordsPerBatch: recordsPerFile })
  const [loaded] = loadDocuments(document, 'bench', {})
  const opened = await openDocument(loaded, memoryJournal())
  try {
    const { seams } = opened
    const table = { namespace: [database], name: at.topic }
    const mapping = mappingFor(loaded, at.topic)
    await seams.catalog.ensureNamespace(table.namespace)
    const created = await seams.catalog.createTable(
      table,
      newTable(mapping, { value: { format: 'binary' }, properties: {}, formatVersion: 2, profile: seams.catalog.profile }),
    )
    if (created.kind !== 'created') throw new Error('the table is there before it is created')
    const { metadata } = created.table
    const target = taskTarget(metadata, resolveLayout(`${database}.orders`, metadata, mapping), { onError: 'stop' })
    const committer = new TableCommitter(opened.source.id, table, 'bench', metadata, seams)
    const limits = limitsOf(loaded.spec.processing)
    const { objects, listedAtMs } = await listSegments(seams.source, '', at, null, { maxBytes: Infinity, maxObjects: Infinity })
    const { segments } = acceptSegments(objects, listedAtMs, 0)
    let results: TaskResult[] = []
    for (const [i, segment] of segments.entries()) {
      const follows = segments[i - 1]?.baseOffset ?? null
      const part = { at, follows, segments: [segment], startOffset: 0n, decided: [], nextBaseOffset: null }
      results.push(await carryOut({ id: `task-${i}`, parts: [part], bytes: segment.size }, target, limits, seams))
      if (results.length < filesPerCommit && i < segments.length - 1) continue
      await committer.commit(results)
      results = []
    }
  } finally {
    await opened.close()
  }
}

/** Deletes half of the rows of each file: by `deleteFiles` files of positions in all, or by one file of equality deletes of offsets. */
async function deleteHalf(document: string, recordsPerFile: number, deleteFiles: number | null): Promise<void> {
  const [loaded] = loadDocuments(document, 'bench', {})
  const { seams, close } = await openDocument(loaded, memoryJournal())
  try {
    const table = async (name: string) => (await seams.catalog.loadTable({ namespace: [database], name }))!.metadata
    const world = { io: seams.io, catalog: seams.catalog, seams, table } as unknown as World
    const files = (await liveEntries(world, at.topic)).map(({ dataFile }) => dataFile)
    const deletes: DataFile[] = []
    if (deleteFiles === null) {
      const offsets = Array.from({ length: (files.length * recordsPerFile) / 2 }, (_, i) => [BigInt(2 * i)])
      deletes.push(await equalityDeletes(world, at.topic, ['kafka_offset'], offsets))
    } else {
      const each = Math.max(1, Math.round(deleteFiles / files.length))
      for (const { filePath } of files) {
        for (let n = 0; n < each; n++) {
          const positions = Array.from({ length: recordsPerFile / 2 }, (_, i) => 2 * i).filter((_, i) => i % each === n)
          deletes.push(await positionDeletes(world, filePath, positions))
        }
      }
    }
    await commitForeign(world, at.topic, { deletes })
  } finally {
    await close()
  }
}

/** Runs the command in a process of its own. */
async function verify(
  directory: string,
  ...options: string[]
): Promise<ProcessUsage & { readonly seconds: number; readonly answer: string }> {
  const usageFile = join(directory, 'usage.json')
  const startMs = performance.now()
  const answer = await new Promise<string>((resolve, reject) =>
    execFile(
      process.execPath,
      ['--import', usagePreload, bin, 'verify', '-f', join(directory, 'document.json'), '--json', ...options],
      { maxBuffer: 1 << 30, env: { ...process.env, BENCH_USAGE: usageFile } },
      // 1: there are findings.
      (error, stdout) => (error === null || error.code === 1 ? resolve(stdout) : reject(new Error(stdout, { cause: error }))),
    ),
  )
  const seconds = (performance.now() - startMs) / 1000
  return { ...(JSON.parse(await readFile(usageFile, 'utf8')) as ProcessUsage), seconds, answer }
}

// `verified-table.ts [FILES] [--rows ROWS] [--delete-files N | --equality]`: time and memory of verifying a table of that many files of so many rows, a
// hundred unless given, of which half are deleted by N files of positions, or by one file of equality deletes of as many offsets.
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string' }, 'delete-files': { type: 'string' }, equality: { type: 'boolean' } },
})
const files = Number(positionals[0] ?? 10_000)
const recordsPerFile = Number(values.rows ?? 100)
const { equality = false, 'delete-files': deleteFiles } = values
const directory = await mkdtemp(join(tmpdir(), 'verified-'))
try {
  const source = join(directory, 'source')
  const document = serviceDocument({ directory: source }, sqliteSink(directory), { columns: null, database })
  await writeFile(join(directory, 'document.json'), document)
  await makeTable(document, files, recordsPerFile, source)
  if (equality || deleteFiles !== undefined) await deleteHalf(document, recordsPerFile, equality ? null : Number(deleteFiles))
  for (const options of [[], ['--exact']]) {
    const { seconds, cpuSeconds, peakMegabytes, answer } = await verify(directory, ...options)
    const { ok, tables } = JSON.parse(answer) as { ok: boolean; tables: { counts: { files: number; rows: number } }[] }
    const { counts } = tables[0]
    const figures = `${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU time, ${peakMegabytes.toFixed(0)} MB at most`
    console.log(`${['verify', ...options].join(' ')}: ${counts.rows} rows in ${counts.files} files, clean: ${ok}; ${figures}`)
  }
} finally {
  await rm(directory, { recursive: true, force: true })
}
