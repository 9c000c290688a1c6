import { spawn } from 'node:child_process'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { currentSnapshot } from '../../src/formats/iceberg/table-metadata.ts'
import {
  addSegment,
  documentOf,
  type DocumentParts,
  documentText,
  loadMetadata,
  type Place,
  restOnS3,
  runOnce,
  sqliteOnFiles,
} from './program.ts'
import { type Engine, readTable } from './readers.ts'
import { verify } from './verified.ts'

const bin = join(import.meta.dirname, '../../src/bin.js')
const engines: Engine[] = ['pyiceberg', 'duckdb']
const database = `backfill_${process.pid}`
const segments = 40
const recordsPerSegment = 25

let scratch: string
beforeAll(async () => {
  scratch = await realpath(await mkdtemp(join(tmpdir(), 'backfill-')))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

/** Runs the command; `killAfterMs`: until then at most. Resolves with its exit code, null where it was killed. */
function backfill(file: string, killAfterMs: number | null, ...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, 'backfill', '-f', file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    const timer = killAfterMs === null ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ code, output })
    })
  })
}

const places: readonly (readonly [string, () => Place])[] = [
  ['the REST catalog', restOnS3],
  ['SQLite', () => sqliteOnFiles(scratch)],
]

describe.each(places)('in %s', (where, placeOf) => {
  const topic = where === 'SQLite' ? 'sqlite' : 'rest'
  const directory = () => join(scratch, topic)
  const parts = (more: Partial<DocumentParts> = {}): DocumentParts => ({
    place: placeOf(),
    database,
    source: { topics: [topic], directory: directory(), startAt: 'latest' },
    ...more,
  })
  const write = (partition: number, segment: number) =>
    addSegment(
      directory(),
      { topic, partition },
      BigInt(segment * recordsPerSegment),
      Array.from({ length: recordsPerSegment }, (_, i) => ({ value: Buffer.from(`v${segment * recordsPerSegment + i}`) })),
    )
  const rows = async (ref?: string) =>
    Number(currentSnapshot(await loadMetadata(documentOf(parts()), topic), ref)?.summary['total-records'] ?? 0)
  const history = 2 * segments * recordsPerSegment

  test('commands that are killed bring history in once; then the table is made anew on a branch, which takes its place', async () => {
    for (const partition of [0, 1]) for (let segment = 0; segment < segments; segment++) await write(partition, segment)
    expect((await runOnce(documentOf(parts()))).ok).toBe(true)
    expect(await rows()).toBe(0)
    const file = join(scratch, `${topic}.json`)
    await writeFile(file, documentText(parts()))
    const bill = await backfill(file, null, '--topic', topic, '--all', '--dry-run', '--json')
    expect(bill.code).toBe(0)
    expect(JSON.parse(bill.output)).toMatchObject({ bill: { work: { segments: 2 * segments } }, report: null })
    for (const ms of [700, 1400, 2100]) await backfill(file, ms, '--topic', topic, '--all', '--yes')
    expect(await backfill(file, null, '--topic', topic, '--all', '--yes')).toMatchObject({ code: 0 })
    expect(await rows()).toBe(history)
    expect(await verify(parts(), '--exact')).toMatchObject({ code: 0, findings: [] })

    await backfill(file, 1600, '--topic', topic, '--rebuild', '--yes')
    await write(0, segments)
    expect((await runOnce(documentOf(parts()))).ok).toBe(true)
    const rebuilt = await backfill(file, null, '--topic', topic, '--rebuild', '--yes')
    expect(rebuilt.output).toContain('which ended')
    expect(rebuilt.code).toBe(0)
    await write(1, segments)
    expect((await runOnce(documentOf(parts()))).ok).toBe(true)
    expect(await rows()).toBe(history + 2 * recordsPerSegment)
    expect(await verify(parts(), '--exact')).toMatchObject({ code: 0, findings: [] })
    for (const engine of engines) {
      expect(new Set(await readTable(engine, placeOf().reader, [database, topic])).size).toBe(history + 2 * recordsPerSegment)
    }

    await write(0, segments + 1)
    expect((await runOnce(documentOf(parts({ tables: { branch: 'audit' } })))).ok).toBe(true)
    expect([await rows(), await rows('audit')]).toEqual([history + 2 * recordsPerSegment, history + 3 * recordsPerSegment])
  })
})
