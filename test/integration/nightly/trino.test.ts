import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { toRows } from '../canonical.ts'
import { goldenBucket, goldenRows, goldenTopics, tableOf } from '../golden.ts'
import { documentOf, restOnS3, runOnce } from '../program.ts'
import { startTrino, type Trino } from '../trino.ts'

const database = `trino_${process.pid}`
let trino: Trino
beforeAll(async () => {
  trino = await startTrino(inject('s3'), inject('restCatalogUri'))
}, 30 * 60_000)
afterAll(() => trino?.stop())

test('Trino reads every golden table as the consumer’s dump says', async () => {
  const document = documentOf({ place: restOnS3(), source: { topics: ['g-*'], directory: join(goldenBucket, 'prod') }, database })
  expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
  for (const topic of goldenTopics) {
    expect(await trino.sql(`SELECT * FROM ice.${database}.${tableOf(topic)}`), topic).toEqual(toRows(goldenRows(topic)))
  }
})
