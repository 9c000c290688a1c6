import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { memoryJournal } from '../../../src/drivers/journal/memory.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { addSegment, documentOf, type DocumentParts, loadMetadata, restOnS3, runOnce, runUntil } from '../program.ts'
import { readTable } from '../readers.ts'
import { type Spark, startSpark } from '../spark.ts'
import { startTrino, type Trino } from '../trino.ts'
import { verify } from '../verified.ts'

const database = `foreign_engines_${process.pid}`
const progressKey = 'kafscale.processor.progress'
let directory: string
let spark: Spark
let trino: Trino
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'foreign-engines-'))
  ;[spark, trino] = await Promise.all([
    startSpark(inject('s3'), inject('restCatalogUri')),
    startTrino(inject('s3'), inject('restCatalogUri')),
  ])
}, 30 * 60_000)
afterAll(async () => {
  await Promise.all([spark?.stop(), trino?.stop()])
  await rm(directory, { recursive: true, force: true })
})

/** What an engine is told to do to a table, named `db.table`. */
interface Foreigner {
  readonly name: string
  sql(statement: string): Promise<readonly string[]>
  compact(table: string): string
  expire(table: string): string
  rollback(table: string, snapshot: string): string
}

const foreigners: Foreigner[] = [
  {
    name: 'spark',
    sql: (statement) => spark.sql(statement),
    compact: (table) => `CALL ice.system.rewrite_data_files(table => '${table}', options => map('rewrite-all', 'true'))`,
    expire(table) {
      const now = new Date(Date.now() + 60_000).toISOString().replace('T', ' ').replace('Z', '')
      return `CALL ice.system.expire_snapshots(table => '${table}', older_than => TIMESTAMP '${now}', retain_last => 1)`
    },
    rollback: (table, snapshot) => `CALL ice.system.rollback_to_snapshot('${table}', ${snapshot})`,
  },
  {
    name: 'trino',
    sql: (statement) => trino.sql(statement),
    compact: (table) => `ALTER TABLE ice.${table} EXECUTE optimize`,
    expire: (table) => `ALTER TABLE ice.${table} EXECUTE expire_snapshots(retention_threshold => '0s')`,
    rollback: (table, snapshot) => `ALTER TABLE ice.${table} EXECUTE rollback_to_snapshot(${snapshot})`,
  },
]

const counted = (from: number, end: number) => Array.from({ length: end - from }, (_, i) => from + i)

test.each(foreigners)(
  'while the service runs, $name appends, deletes, compacts and expires, and every row is there once; where it rolls back, the table stops until that is accepted',
  { timeout: 600_000 },
  async ({ name, sql, compact, expire, rollback }) => {
    const bucket = join(directory, name)
    const parts: DocumentParts = {
      place: restOnS3(),
      source: { directory: bucket, topics: [name] },
      database,
      name,
      processing: { commitIntervalSeconds: 1 },
    }
    const document = documentOf(parts)
    const table = `${database}.${name}`
    const current = async () => currentSnapshot(await loadMetadata(document, name))
    const idNow = async () => String((await current())?.['snapshot-id'])
    let end = 0
    /** The service goes on: a segment of four records is committed. */
    const goesOn = async () => {
      await addSegment(
        bucket,
        { topic: name, partition: 0 },
        BigInt(end),
        counted(end, end + 4).map((offset) => ({ value: Buffer.from(`v${offset}`) })),
      )
      end += 4
      await vi.waitUntil(
        async () => {
          const snapshot = await current().catch(() => null)
          return snapshot?.summary[progressKey]?.includes(`[[0,${end}]]`) === true
        },
        { timeout: 60_000, interval: 200 },
      )
    }
    const offsetsBy = (ask: Foreigner['sql']) => ask(`SELECT kafka_offset FROM ice.${table} WHERE kafka_partition = 0`)
    const expectRows = async (offsets: readonly number[]) => {
      const expected = offsets.map((offset) => `{"kafka_offset":"${offset}"}`).toSorted()
      expect(await offsetsBy((statement) => spark.sql(statement)), 'spark').toEqual(expected)
      expect(await offsetsBy((statement) => trino.sql(statement)), 'trino').toEqual(expected)
      const ours = { select: ['kafka_offset'], where: { column: 'kafka_partition', op: '=', value: '0' } } as const
      expect(await readTable('pyiceberg', parts.place.reader, [database, name], ours), 'pyiceberg').toEqual(expected)
    }

    await mkdir(bucket)
    const stop = new AbortController()
    const journal = memoryJournal()
    const running = runUntil(stop.signal, document, { journal })
    try {
      await goesOn()
      await sql(`INSERT INTO ice.${table} VALUES ('by-hand', -1, -1, NULL, NULL, NULL, NULL)`)
      await goesOn()
      await expectRows(counted(0, 8))
      expect(await verify(parts)).toMatchObject({ code: 0, findings: [], tables: [{ counts: { rows: 8, others: 1 } }] })

      await sql(`DELETE FROM ice.${table} WHERE kafka_offset IN (1, 2, 6)`)
      const deleted = await idNow()
      await goesOn()
      const kept = [0, 3, 4, 5]
      await expectRows([...kept, ...counted(7, 12)])
      const missing = [`missing ${name}/0 [1, 3) ${deleted}`, `missing ${name}/0 [6, 7) ${deleted}`]
      expect(await verify(parts)).toMatchObject({ code: 1, findings: missing })
      expect(await verify(parts, '--accept', deleted)).toMatchObject({ code: 0, findings: [] })

      await sql(compact(table))
      expect((await current())?.summary).toMatchObject({ operation: 'replace', 'total-data-files': '1' })
      await goesOn()
      await expectRows([...kept, ...counted(7, 16)])
      expect(await verify(parts)).toMatchObject({ code: 0, findings: [] })

      // What is left is a snapshot of the engine's own: the progress is found in the properties.
      await spark.sql(`ALTER TABLE ice.${table} SET TBLPROPERTIES ('history.expire.min-snapshots-to-keep' = '1')`)
      await sql(compact(table))
      await sql(expire(table))
      const { snapshots = [] } = await loadMetadata(document, name)
      expect(snapshots.map(({ summary }) => summary[progressKey])).toEqual([undefined])
      await goesOn()
      await expectRows([...kept, ...counted(7, 20)])
      expect(await verify(parts)).toMatchObject({ code: 0, findings: [] })

      const before = await idNow()
      await goesOn()
      await sql(rollback(table, before))
      await addSegment(bucket, { topic: name, partition: 0 }, BigInt(end), [{ value: Buffer.from('after') }])
      const error = await vi.waitUntil(() => journal.lines.find(({ level }) => level === 'error')?.fields['error'], {
        timeout: 60_000,
        interval: 200,
      })
      stop.abort()
      expect(await running).toMatchObject({ ok: false })
      expect(String(error)).toContain(`table ${table} is stopped`)
      expect(String(error)).toContain(`${name}/0 [20, 24)`)
      expect(String(error)).toContain('--accept-rollback')
      await expectRows([...kept, ...counted(7, 20)])
      expect(await verify(parts)).toMatchObject({ code: 1, tables: [{ problem: expect.stringContaining('--accept-rollback') }] })

      // Who accepts it gets what was rolled back again, and what came since.
      expect(await runOnce(document, {}, { acceptRollback: true })).toMatchObject({ errors: '', ok: true })
      await expectRows([...kept, ...counted(7, 25)])
      expect(await verify(parts)).toMatchObject({ code: 0, findings: [] })
    } finally {
      stop.abort()
      await running
    }
  },
)
