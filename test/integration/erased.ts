import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openDocument } from '../../src/compose.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { readRows } from '../../src/formats/parquet/read-rows.ts'
import { compactTables } from '../../src/service/maintain/compact-tables.ts'
import { expireTables } from '../../src/service/maintain/expire-tables.ts'
import { sweepTables } from '../../src/service/maintain/sweep-tables.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import { addSegment, documentOf, type DocumentParts, loadMetadata, restOnS3, runOnce } from './program.ts'
import { verify } from './verified.ts'

/** The topic, and its table: that of the page. */
const topic = 'orders'
const person = 42

/** The statements that docs/erasing.md tells people to run: the deletion, and Spark's own rewrite. */
async function statements(database: string): Promise<{ readonly deletion: string; readonly rewrite: string }> {
  const page = await readFile(join(import.meta.dirname, '../../docs/erasing.md'), 'utf8')
  const [deletion, rewrite] = [/`(DELETE FROM analytics\.orders[^`]*)`/, /`(CALL system\.rewrite_data_files[^`]*)`/].map((sought) => {
    const found = sought.exec(page)?.[1]
    if (found === undefined) throw new Error(`docs/erasing.md has no ${sought.source}`)
    return found.replaceAll(/\s+/g, ' ')
  })
  // There people have set the catalog, and the table is another one.
  return {
    deletion: deletion.replace('analytics.orders', `ice.${database}.${topic}`),
    rewrite: rewrite.replace('CALL system.', 'CALL ice.system.').replace('analytics.orders', `${database}.${topic}`),
  }
}

export interface Erasure {
  readonly database: string
  readonly directory: string
  readonly sql: (statement: string) => Promise<readonly string[]>
  readonly properties?: Readonly<Record<string, string>>
  /** Who rewrites files that have deletes: our `compact`, or Spark as the page says. */
  readonly rewrite: 'ours' | 'theirs'
}

/**
 * Erases a person's rows from a table as docs/erasing.md says, with an engine's SQL, and expects that no file of the table has them any more, that everything
 * else is there, and that they do not come back.
 */
export async function expectErased({ database, directory, sql, properties = {}, rewrite }: Erasure): Promise<void> {
  const parts: DocumentParts = {
    place: restOnS3(),
    source: { directory },
    database,
    tables: { properties },
    mappings: [
      {
        topic: '*',
        value: {
          format: 'json',
          columns: [
            { name: 'customer_id', type: 'long' },
            { name: 'note', type: 'string' },
          ],
        },
      },
    ],
  }
  const plain = documentOf(parts)
  const maintenance = { expiry: { maxAgeHours: 1e-6, minSnapshots: 1 } }
  const document: ProcessorDocument = { ...plain, spec: { ...plain.spec, maintenance } }
  const feed = async (base: number, customers: readonly number[]) => {
    const values = customers.map((customer, i) => ({ value: Buffer.from(JSON.stringify({ customer_id: customer, note: `n${base + i}` })) }))
    await addSegment(directory, { topic, partition: 0 }, BigInt(base), values)
    expect(await runOnce(plain)).toMatchObject({ errors: '', ok: true })
  }
  await feed(0, [1, 2, person])
  await feed(3, [person, 5, 6])
  await feed(6, [7, 8, 9])

  const { deletion, rewrite: theirRewrite } = await statements(database)
  await sql(deletion)
  const thief = String((await loadMetadata(plain, topic)).snapshots!.at(-1)!['snapshot-id'])
  expect(await verify(parts)).toMatchObject({ findings: [`missing orders/0 [2, 4) ${thief}`] })
  expect(await verify(parts, '--accept', thief)).toMatchObject({ ok: true, findings: [] })
  if (rewrite === 'theirs') await sql(theirRewrite)

  const { source, seams, close } = await openDocument(document, memoryJournal())
  try {
    if (rewrite === 'ours') {
      const done = await compactTables(document, topic, source, seams, { dryRun: false, deleteFileThreshold: 1 })
      expect(done).toMatchObject([{ problem: null, done: { report: { failed: 0, refused: 0 } } }])
    }
    // So that there is a snapshot of ours after the deletion.
    await feed(9, [10])
    expect(await expireTables(document, topic, source, seams, { dryRun: false })).toMatchObject([
      { problem: null, done: { kept: 1, left: 0 } },
    ])
    const swept = await sweepTables(document, topic, source, seams, { olderThanHours: undefined, remove: true })
    expect(swept).toMatchObject([{ problem: null, done: { left: 0 } }])

    const { location } = await loadMetadata(plain, topic)
    const found: unknown[] = []
    for await (const { files } of seams.io.list(`${location}/`)) {
      for (const { uri } of files.filter((file) => file.uri.endsWith('.parquet'))) {
        for (const row of await readRows(await seams.io.read(uri), 1_000_000)) found.push(row['customer_id'])
      }
    }
    expect(found.map(Number).toSorted((a, b) => a - b)).toEqual([1, 2, 5, 6, 7, 8, 9, 10])
  } finally {
    await close()
  }
  expect(await sql(`SELECT count(*) AS n, count_if(customer_id = ${person}) AS p FROM ice.${database}.${topic}`)).toEqual([
    '{"n":"8","p":"0"}',
  ])
  expect(await verify(parts, '--exact')).toMatchObject({ ok: true, findings: [] })
}
