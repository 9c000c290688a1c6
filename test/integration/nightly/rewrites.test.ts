import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { Row } from '../canonical.ts'
import { documentOf, restOnS3 } from '../program.ts'
import { type Engine, readTable } from '../readers.ts'
import { rewriteTable, type RewriteWish } from '../rewritten.ts'
import { type Spark, startSpark } from '../spark.ts'

const database = `rewrites_${process.pid}`
let spark: Spark
const document = () => documentOf({ place: restOnS3(), source: { directory: import.meta.dirname }, database })
beforeAll(async () => {
  spark = await startSpark(inject('s3'), inject('restCatalogUri'))
  await spark.sql(`CREATE NAMESPACE ice.${database}`)
}, 30 * 60_000)
afterAll(async () => {
  await spark?.stop()
})

/** Runs statements on a table, which they call `t`. */
async function onTable(name: string, ...statements: readonly string[]): Promise<Row[]> {
  let answer: Row[] = []
  for (const statement of statements) answer = await spark.sql(statement.replaceAll(/\bt\b/g, `ice.${database}.${name}`))
  return answer
}

/** The rows, which a rewrite must leave as they are for Spark and for others. */
async function expectSame(name: string, query: string, engines: readonly Engine[], wish: RewriteWish = {}): Promise<void> {
  const before = await onTable(name, query)
  const { outputFiles } = await rewriteTable(document(), name, wish)
  expect(outputFiles).toBeGreaterThan(0)
  expect(await onTable(name, query), 'spark').toEqual(before)
  const all = await onTable(name, 'SELECT * FROM t')
  for (const engine of engines) expect(await readTable(engine, restOnS3().reader, [database, name]), engine).toEqual(all)
}

const lineage = 'SELECT _row_id, _last_updated_sequence_number, * FROM t'
const numbers = (from: number, end: number) => `SELECT id, concat('name ', id % 7) AS name, id * 1.5D AS amount FROM range(${from}, ${end})`

test('rows of tables of version 3 keep their ids and the numbers of their last changes, through deletes, changes, sorting and a rewrite of the rewrite', async () => {
  await onTable(
    'lineage',
    `CREATE TABLE t (id BIGINT, name STRING, amount DOUBLE) USING iceberg TBLPROPERTIES ('format-version' = '3',
      'write.delete.mode' = 'merge-on-read', 'write.update.mode' = 'merge-on-read', 'write.merge.mode' = 'merge-on-read')`,
    `INSERT INTO t ${numbers(0, 100)}`,
    `INSERT INTO t ${numbers(100, 250)}`,
    `DELETE FROM t WHERE id % 10 = 3`,
    `UPDATE t SET name = 'changed' WHERE id % 10 = 4`,
  )
  await expectSame('lineage', lineage, ['duckdb'])
  expect(await onTable('lineage', `SELECT count(DISTINCT _row_id) AS ids, count(*) AS n FROM t`)).toEqual(['{"ids":"225","n":"225"}'])
  await onTable('lineage', `INSERT INTO t ${numbers(250, 300)}`, `UPDATE t SET amount = 0 WHERE id % 10 = 5`)
  await expectSame('lineage', lineage, ['duckdb'], {
    sortBy: [{ 'source-id': 2, transform: 'identity', direction: 'desc', 'null-order': 'nulls-last' }],
    memoryLimitBytes: 1,
  })
  await onTable('lineage', `INSERT INTO t ${numbers(300, 310)}`, `DELETE FROM t WHERE id = 305`)
  await expectSame('lineage', lineage, ['duckdb'])
  expect(await onTable('lineage', `SELECT count(DISTINCT _row_id) AS ids, count(*) AS n FROM t`)).toEqual(['{"ids":"284","n":"284"}'])
})

test('a table that became one of version 3 late gets ids for the rows from before', async () => {
  await onTable(
    'upgraded',
    `CREATE TABLE t (id BIGINT, name STRING, amount DOUBLE) USING iceberg TBLPROPERTIES ('format-version' = '2', 'write.delete.mode' = 'merge-on-read')`,
    `INSERT INTO t ${numbers(0, 50)}`,
    `DELETE FROM t WHERE id = 3`,
    `ALTER TABLE t SET TBLPROPERTIES ('format-version' = '3')`,
    `INSERT INTO t ${numbers(50, 70)}`,
    `DELETE FROM t WHERE id IN (4, 51)`,
  )
  await expectSame('upgraded', 'SELECT * FROM t', ['duckdb'])
  expect(await onTable('upgraded', `SELECT count(DISTINCT _row_id) AS ids, count(*) AS n FROM t`)).toEqual(['{"ids":"67","n":"67"}'])
})

test('files of older schemas, in any codec and with any deletes, are rewritten to the schema of today', async () => {
  const values = (n: number) => `named_struct('x', ${n}, 'y', 'y${n}')`
  await onTable(
    'evolved',
    `CREATE TABLE t (id INT, f FLOAT, d DECIMAL(9, 2), gone STRING, s STRUCT<x: INT, y: STRING>, l ARRAY<STRUCT<x: INT, y: STRING>>, m MAP<STRING, INT>, day DATE)
      USING iceberg PARTITIONED BY (bucket(2, id)) TBLPROPERTIES ('format-version' = '2', 'write.delete.mode' = 'merge-on-read', 'write.update.mode' = 'merge-on-read',
      'write.parquet.compression-codec' = 'snappy', 'write.parquet.dict-size-bytes' = '100', 'write.parquet.bloom-filter-enabled.column.gone' = 'true')`,
    `INSERT INTO t SELECT id, float(id) / 3, decimal(id * 1.25), concat('gone ', id), ${values(1)}, array(${values(2)}, NULL), map('k', id, 'n', NULL), DATE '2024-01-01' FROM range(0, 40)`,
    `ALTER TABLE t ALTER COLUMN id TYPE BIGINT`,
    `ALTER TABLE t ALTER COLUMN f TYPE DOUBLE`,
    `ALTER TABLE t ALTER COLUMN d TYPE DECIMAL(38, 2)`,
    `ALTER TABLE t ALTER COLUMN s.x TYPE BIGINT`,
    `ALTER TABLE t ALTER COLUMN l.element.x TYPE BIGINT`,
    `ALTER TABLE t ALTER COLUMN m.value TYPE BIGINT`,
    `ALTER TABLE t SET TBLPROPERTIES ('write.parquet.compression-codec' = 'gzip')`,
    `INSERT INTO t SELECT id, id / 7, 99999999999999999999999999.25, NULL, NULL, array(), map(), NULL FROM range(40, 60)`,
    `ALTER TABLE t ADD COLUMN s.z ARRAY<INT>`,
    `ALTER TABLE t ADD COLUMN l.element.z STRING`,
    `ALTER TABLE t ADD COLUMN added TIMESTAMP FIRST`,
    `ALTER TABLE t RENAME COLUMN gone TO renamed`,
    `ALTER TABLE t DROP COLUMN day`,
    `ALTER TABLE t ADD COLUMN day STRING AFTER id`,
    `ALTER TABLE t SET TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'write.parquet.page-row-limit' = '7')`,
    `INSERT INTO t SELECT TIMESTAMP '2024-05-06 07:08:09.123456', id, 'new', double('NaN'), -1.5, 'kept', named_struct('x', 3, 'y', 'y', 'z', array(1, NULL)),
      array(named_struct('x', 9000000000, 'y', 'y', 'z', 'z')), map('long', 9000000000) FROM range(60, 80)`,
    `DELETE FROM t WHERE id % 5 = 1`,
    `UPDATE t SET renamed = 'updated' WHERE id % 7 = 2`,
  )
  await expectSame('evolved', 'SELECT * FROM t', ['pyiceberg', 'duckdb'])
  await onTable(
    'evolved',
    `ALTER TABLE t DROP COLUMN renamed`,
    `INSERT INTO t VALUES (NULL, 100, NULL, NULL, 1.00, NULL, NULL, NULL)`,
    `DELETE FROM t WHERE id = 77`,
  )
  // PyIceberg gives an empty list for a null one of structs.
  await expectSame('evolved', 'SELECT * FROM t', ['duckdb'], {
    sortBy: [{ 'source-id': 3, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
    memoryLimitBytes: 1,
  })
  // What the statistics say of the new files leaves no row out.
  for (const where of ['id = 59', 'f < 5', `d > 1000`, 's.x = 1', 'added IS NULL', `isnan(f)`, `day = 'new'`, 's.x IS NULL', 'd < 0']) {
    const whole = await onTable('evolved', `SELECT * FROM t WHERE ${where}`)
    const other = await onTable('evolved', `SELECT * FROM (SELECT /*+ REPARTITION(1) */ * FROM t LIMIT 1000) WHERE ${where}`)
    expect(whole, where).toEqual(other)
  }
})

test('a table without rows, a file whose rows are all deleted, and partitions that changed', async () => {
  await onTable(
    'hollow',
    `CREATE TABLE t (id INT, p STRING) USING iceberg PARTITIONED BY (p) TBLPROPERTIES ('format-version' = '2', 'write.delete.mode' = 'merge-on-read')`,
    `INSERT INTO t SELECT id, 'a' FROM range(0, 20)`,
    `INSERT INTO t SELECT id, 'b' FROM range(20, 40)`,
    `INSERT INTO t SELECT id, NULL FROM range(40, 60)`,
    `DELETE FROM t WHERE p = 'a' AND id >= 0 AND id % 2 = 0`,
    `DELETE FROM t WHERE p = 'a' AND id % 2 = 1 AND id < 100`,
    `DELETE FROM t WHERE id = 25`,
    `ALTER TABLE t REPLACE PARTITION FIELD p WITH truncate(1, p)`,
    `INSERT INTO t SELECT id, 'bb' FROM range(60, 70)`,
    `DELETE FROM t WHERE id IN (26, 61)`,
  )
  await expectSame('hollow', 'SELECT * FROM t', ['pyiceberg', 'duckdb'])
  expect(await onTable('hollow', `SELECT count(*) AS n FROM t.delete_files`)).toEqual(['{"n":"0"}'])
  await onTable('hollow', `DELETE FROM t WHERE id >= 0`)
  await rewriteTable(document(), 'hollow')
  expect(await onTable('hollow', `SELECT * FROM t`)).toEqual([])
})
