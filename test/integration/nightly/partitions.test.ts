import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addRecords, documentFor, expectRightAnswers, tables } from '../parted.ts'
import { type Place, runOnce, sqliteOnFiles } from '../program.ts'

const database = `parted_${process.pid}`
let directory: string
let place: Place
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'partitions-'))
  await addRecords(directory)
  place = sqliteOnFiles(directory)
  expect(await runOnce(documentFor(place, directory, database, ['*']))).toMatchObject({ errors: '', ok: true })
})
afterAll(() => rm(directory, { recursive: true, force: true }))

test.each(tables.map((by, i) => ({ by, table: [database, `parted_${i}`] as const })))(
  'tables by $by give every reader the right answer to every predicate on the columns they are partitioned by',
  ({ by, table }) => expectRightAnswers(place, by, table),
)
