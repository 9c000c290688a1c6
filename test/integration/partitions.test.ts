import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toRows } from './canonical.ts'
import { addRecords, documentFor, engines, expectRightAnswers, tables } from './parted.ts'
import type { Predicate } from './predicates.ts'
import { loadMetadata, type Place, restOnS3, runOnce, sqliteOnFiles } from './program.ts'
import { readFiles, readTable, scannedFiles, type TableName } from './readers.ts'

const database = `parted_${process.pid}`
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'partitions-'))
  await addRecords(directory)
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe('partitioned tables of a SQLite catalog', () => {
  let place: Place
  beforeAll(async () => {
    place = sqliteOnFiles(directory)
    const run = await runOnce(documentFor(place, directory, database, ['*']))
    expect(run).toMatchObject({ errors: '', ok: true })
  })

  test('give every reader the right answer to every predicate on the columns they are partitioned by', () =>
    expectRightAnswers(place, tables[4], [database, 'parted_4']))

  test.each<[number, Predicate]>([
    [0, { column: 'id', op: '=', value: '7' }],
    [1, { column: 'name', op: 'starts with', value: 'ic' }],
    [1, { column: 'at', op: '<', value: '-2000000000000000' }],
    [0, { column: 'at', op: '>=', value: '1000000000000000' }],
    [4, { column: 'name', op: 'is null' }],
    [6, { column: 'id', op: '>=', value: '200' }],
  ])('of table %s are read in part under %o', async (i, predicate) => {
    const table: TableName = [database, `parted_${i}`]
    const all = (await readFiles(place.reader, table)).length
    for (const engine of ['pyiceberg', 'duckdb'] as const) {
      const [scanned] = await scannedFiles(engine, place.reader, table, [predicate])
      expect([engine, scanned > 0, scanned < all]).toEqual([engine, true, true])
    }
  })
})

test('a REST catalog creates the partitions under its own ids, and readers read what was written', async () => {
  const place = restOnS3()
  const document = documentFor(place, directory, database, ['parted-0'])
  expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
  const { 'partition-specs': specs, schemas } = await loadMetadata(document, 'parted_0')
  const idOf = (name: string) => schemas[0].fields.find((field) => field.name === name)!.id
  expect(specs[0].fields).toEqual([
    { 'source-id': idOf('at'), 'field-id': 1000, name: 'at_day', transform: 'day' },
    { 'source-id': idOf('id'), 'field-id': 1001, name: 'id_bucket', transform: 'bucket[3]' },
  ])
  const rows = (await readFiles(place.reader, [database, 'parted_0'])).flatMap((file) => file.rows)
  expect(rows).toHaveLength(60)
  for (const engine of engines) expect(await readTable(engine, place.reader, [database, 'parted_0'])).toEqual(toRows(rows))
})
