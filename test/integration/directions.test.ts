import { cp, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pauseInDocuments } from '../../src/compose.ts'
import { currentSnapshot } from '../../src/formats/iceberg/table-metadata.ts'
import { addSegment, documentOf, loadMetadata, type Place, restOnS3, runOnce, sqliteOnFiles, withCatalog } from './program.ts'
import { type Engine, readTable } from './readers.ts'

const engines: Engine[] = ['pyiceberg', 'duckdb']
const database = `directions_${process.pid}`

let scratch: string
beforeAll(async () => {
  scratch = await realpath(await mkdtemp(join(tmpdir(), 'directions-')))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const places: readonly (readonly [string, () => Place])[] = [
  ['the REST catalog', restOnS3],
  ['SQLite', () => sqliteOnFiles(scratch)],
]

describe.each(places)('in %s', (where, placeOf) => {
  const topic = where === 'SQLite' ? 'sqlite' : 'rest'
  const at = { topic, partition: 0 }
  const records = (count: number) => Array.from({ length: count }, (_, i) => ({ value: Buffer.from(`v${i}`) }))
  const document = (name: string) => documentOf({ place: placeOf(), database, source: { directory: join(scratch, topic, name) } })
  const rows = async () => currentSnapshot(await loadMetadata(document('first'), topic))?.summary['total-records']

  test('a table is paused before it is there, rolled back, moved and restarted, and engines read the rows that should be there', async () => {
    const first = join(scratch, topic, 'first')
    await addSegment(first, at, 0n, records(3))
    await addSegment(first, { topic, partition: 1 }, 0n, records(2))
    await pauseInDocuments([document('first')], 'pause', topic)
    expect(await runOnce(document('first'))).toMatchObject({ ok: true, errors: '' })
    expect(await rows()).toBeUndefined()
    await pauseInDocuments([document('first')], 'resume', undefined)
    await runOnce(document('first'))
    expect(await rows()).toBe('5')

    const before = (await loadMetadata(document('first'), topic))['current-snapshot-id']!
    await addSegment(first, at, 3n, records(3))
    await runOnce(document('first'))
    await withCatalog(document('first'), (catalog) =>
      catalog.commitTable(
        { namespace: [database], name: topic },
        {
          requirements: [],
          updates: [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': before }],
          idempotencyKey: '0198c0de-0000-7000-8000-000000000000',
        },
      ),
    )
    expect((await runOnce(document('first'))).errors).toContain('--accept-rollback')
    expect((await runOnce(document('first'), {}, { acceptRollback: true })).ok).toBe(true)
    expect((await runOnce(document('first'))).ok).toBe(true)
    expect(await rows()).toBe('8')

    const second = join(scratch, topic, 'second')
    await cp(first, second, { recursive: true })
    expect((await runOnce(document('second'))).errors).toContain('--source-moved')
    const sourceMoved = `${pathToFileURL(first).href}/`
    expect((await runOnce(document('second'), {}, { sourceMoved })).ok).toBe(true)
    expect(await rows()).toBe('8')

    await rm(join(second, topic, '0'), { recursive: true })
    await addSegment(second, at, 0n, records(2))
    expect((await runOnce(document('second'))).errors).toContain('--source-restarted')
    expect(await runOnce(document('second'), {}, { sourceRestarted: true })).toMatchObject({ ok: true, errors: '' })
    expect((await runOnce(document('second'))).ok).toBe(true)
    expect(await rows()).toBe('10')
    for (const engine of engines) {
      const found = (await readTable(engine, placeOf().reader, [database, topic])).filter((row) => /"kafka_incarnation":"?2/.test(row))
      expect(found).toHaveLength(2)
    }
  })
})
