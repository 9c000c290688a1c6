import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { toRows } from '../canonical.ts'
import { goldenBucket, goldenRows, goldenTopics, tableOf } from '../golden.ts'
import { pasted } from '../pasted.ts'
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

test('Trino answers what connect prints, with bytes as text', async () => {
  const [properties, sql] = await pasted('trino', restOnS3(), `${database}_connect`)
  const { accessKeyId, secretAccessKey } = inject('s3')
  const own = properties.split('\n').filter((line) => !/^(?:#|connector\.name=)/.test(line))
  const all = [...own, `s3.aws-access-key=${accessKeyId}`, `s3.aws-secret-key=${secretAccessKey}`]
  const quoted = all.map((line) => line.replace(/^([^=]+)=(.*)$/, `"$1" = '$2'`))
  await trino.sql(`CREATE CATALOG kafscale USING iceberg WITH (${quoted.join(', ')})`)
  let answer: readonly string[] = []
  for (const statement of sql.split(';\n')) answer = await trino.sql(statement.replace(/;$/, ''))
  expect(answer.map((row) => JSON.parse(row) as object)).toMatchObject([{ kafka_key_text: 'grüezi', value_text: 'wohl' }])
})
