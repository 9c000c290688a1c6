import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { openDocument } from '../../src/compose.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { type ColumnMetrics, dataFileMetrics } from '../../src/formats/iceberg/column-metrics.ts'
import type { DataFile } from '../../src/formats/iceberg/data-file.ts'
import { metricsModes } from '../../src/formats/iceberg/metrics-config.ts'
import { currentSchema } from '../../src/formats/iceberg/table-metadata.ts'
import { appended } from '../../src/pipeline/commit/file-change.ts'
import { CommitLoop } from '../../src/service/feed/commit-loop.ts'
import { loadDocuments } from '../../src/spec/load.ts'
import type { TableOutcome } from '../../src/service/maintain/work-on-tables.ts'
import type { Compaction } from '../../src/service/maintain/compact-tables.ts'
import { createBucket, install, python, startRestCatalog, startS3 } from '../integration/servers.ts'
import { type Spark, startSpark } from '../integration/spark.ts'
import { startTrino, type Trino } from '../integration/trino.ts'
import { machine } from './figures.ts'
import { type OrderFile, orderFields, orderFiles } from './order-files.ts'
import { builtProgram } from './service.ts'
import { type ProcessUsage, usagePreload } from './usage.ts'

/** What rewriting many small files costs us and Spark in the same run, and what queries take before and after (docs/rewriting.md). */
const { values: options } = parseArgs({
  options: {
    files: { type: 'string', default: '10000' },
    bytes: { type: 'string', default: '100000' },
    partitions: { type: 'string', default: '64' },
  },
})
const [count, bytes, partitions] = [options.files, options.bytes, options.partitions].map(Number)
const database = 'bench'
/** All three begin with the same files; the last one stays as it was. */
const tables = ['ours', 'theirs', 'before'] as const
const queries = [
  'SELECT count(*), sum(amount), max(kafka_timestamp) FROM t',
  'SELECT status, count(*), avg(discount) FROM t WHERE p = 17 GROUP BY status',
  'SELECT count(*), min(order_id) FROM t WHERE customer = 4711',
]
const execute = promisify(execFile)

await install('versitygw', 'rest-catalog', 'pyiceberg', 'spark', 'trino')
const scratch = await mkdtemp(join(tmpdir(), 'bench-rewrites-'))
process.env.INTEROP_RUN = scratch
const s3 = await startS3()
const catalog = await startRestCatalog(s3, await createBucket(s3))
const { endpoint, region, accessKeyId, secretAccessKey } = s3
const document = JSON.stringify({
  apiVersion: 'kafscale.io/v1',
  kind: 'IcebergProcessor',
  metadata: { name: 'bench' },
  spec: {
    source: { topics: tables, directory: scratch },
    sink: {
      catalog: { type: 'rest', endpoint: catalog.uri },
      storage: { endpoint, region, accessKeyId, secretAccessKey, pathStyle: true },
      database,
    },
    mappings: [{ topic: '*', value: { format: 'binary' } }],
  },
})
const documentFile = join(scratch, 'bench.json')
await writeFile(documentFile, document)
let spark: Spark | undefined
let trino: Trino | undefined
try {
  spark = await startSpark(s3, catalog.uri)
  console.log(`${machine()}\nnode test/bench/rewrites.ts --files ${count} --bytes ${bytes} --partitions ${partitions}\n`)
  await spark.sql(`CREATE NAMESPACE ice.${database}`)
  for (const table of tables) {
    await spark.sql(`CREATE TABLE ice.${database}.${table} (kafka_topic STRING, kafka_partition INT, kafka_offset BIGINT, kafka_timestamp TIMESTAMP,
      kafka_key BINARY, order_id STRING, customer BIGINT, status STRING, amount DECIMAL(12, 2), discount DOUBLE, note STRING, tags ARRAY<STRING>, p INT)
      USING iceberg PARTITIONED BY (p)`)
  }
  const rows = await fill()
  console.log(`the table: ${await filesOf('ours')} in ${partitions} partitions, ${rows} rows\n`)
  const { usage, inputBytes } = await rewriteOurs()
  const cpuBefore = await cpuSecondsOf(spark.pid)
  const started = performance.now()
  await spark.sql(`CALL ice.system.rewrite_data_files(table => '${database}.theirs')`)
  const theirs = { cpuSeconds: (await cpuSecondsOf(spark.pid)) - cpuBefore, seconds: (performance.now() - started) / 1000 }
  const rate = (cpuSeconds: number) => inputBytes / 1e6 / cpuSeconds
  console.log(`                    CPU s   MB a CPU s   s       peak MB`)
  console.log(
    `this program       ${usage.cpuSeconds.toFixed(1).padStart(6)}   ${rate(usage.cpuSeconds).toFixed(2).padStart(10)}   ${usage.seconds.toFixed(0).padStart(5)}   ${usage.peakMegabytes.toFixed(0).padStart(7)}   ${await filesOf('ours')}`,
  )
  console.log(
    `rewrite_data_files ${theirs.cpuSeconds.toFixed(1).padStart(6)}   ${rate(theirs.cpuSeconds).toFixed(2).padStart(10)}   ${theirs.seconds.toFixed(0).padStart(5)}   ${'–'.padStart(7)}   ${await filesOf('theirs')}`,
  )
  const ratio = theirs.cpuSeconds / usage.cpuSeconds
  console.log(
    `bytes per CPU second: ${ratio.toFixed(2)} × Spark’s (goal: >= 2); peak memory ${usage.peakMegabytes.toFixed(0)} MB (goal: <= 500)\n`,
  )
  const sums = await Promise.all(
    ['ours', 'theirs'].map((table) =>
      spark!.sql(
        `SELECT count(*) AS n, sum(customer) AS c, sum(amount) AS a, sum(crc32(encode(concat_ws('|', order_id, note, kafka_offset), 'utf-8'))) AS h FROM ice.${database}.${table}`,
      ),
    ),
  )
  if (sums[0][0] !== sums[1][0]) throw new Error(`the tables differ: ${sums.join(' and ')}`)
  console.log(`both tables have the same rows: ${sums[0][0]}\n`)

  await spark.stop()
  trino = await startTrino(s3, catalog.uri)
  const after = await queryTimes(trino, 'ours')
  const before = await queryTimes(trino, 'before')
  console.log('seconds, the least of two:   before      after')
  for (const engine of ['duckdb', 'trino'] as const) {
    for (const [i, query] of queries.entries()) {
      console.log(`${engine.padEnd(7)} ${before[engine][i].toFixed(2).padStart(25)} ${after[engine][i].toFixed(2).padStart(10)}   ${query}`)
    }
  }
  if (ratio < 2 || usage.peakMegabytes > 500) process.exitCode = 1
} finally {
  await Promise.all([spark?.stop(), trino?.stop()])
  await catalog.stop()
  await s3.stop()
  await rm(scratch, { recursive: true, force: true })
}

/** The same files in each of the tables, committed at once. Returns how many rows. */
async function fill(): Promise<number> {
  const { seams, close } = await openDocument(loadDocuments(document, 'bench', {})[0], memoryJournal())
  try {
    const modes = metricsModes({ fields: orderFields }, {}, new Set())
    const files: DataFile[] = []
    const first = await seams.catalog.loadTable({ namespace: [database], name: tables[0] })
    const ids = (fields: ReturnType<typeof currentSchema>['fields']) => JSON.stringify(fields.map(({ id, name }) => [id, name]))
    if (ids(currentSchema(first!.metadata).fields) !== ids(orderFields)) throw new Error('the catalog gave other ids to the columns')
    const waiting = orderFiles(count, bytes, partitions)
    const upload = async (): Promise<void> => {
      for (const file of waiting) {
        const path = `${first!.metadata.location}/data/p=${file.partition}/${String(files.length).padStart(5, '0')}-${seams.entropy.uuid()}.parquet`
        files.push(dataFile(path, file, modes))
        await seams.io.write(path, [file.bytes])
      }
    }
    await Promise.all(Array.from({ length: 8 }, upload))
    for (const name of tables) {
      const table = { namespace: [database], name }
      const { metadata } = (await seams.catalog.loadTable(table))!
      const loop = new CommitLoop('bench', table, 'bench', { 'table-uuid': metadata['table-uuid'] }, seams)
      await loop.commit([], (state) => ({ what: files, change: appended(files, 0), state }))
    }
    return files.reduce((sum, { recordCount }) => sum + Number(recordCount), 0)
  } finally {
    await close()
  }
}

function dataFile(filePath: string, { partition, encoded }: OrderFile, modes: ReturnType<typeof metricsModes>): DataFile {
  const columns = new Map<number, ColumnMetrics>()
  for (const [id, { compressedBytes: columnSize, valueCount, nullCount, range }] of encoded.leaves) {
    columns.set(id, { columnSize, valueCount, nullCount, ...range })
  }
  return {
    content: 0,
    filePath,
    fileFormat: 'PARQUET',
    partition: [partition],
    recordCount: encoded.rowCount,
    fileSizeInBytes: encoded.size,
    ...dataFileMetrics({ fields: orderFields }, modes, columns),
    splitOffsets: encoded.splitOffsets,
  }
}

/**
 * The command `compact` as it is installed, with what it does by default: as many rewrites at once as the machine has cores, up to what memory is for. In a
 * process of its own, whose CPU time and memory are all that it took: to start, to plan, to rewrite and to commit.
 */
async function rewriteOurs(): Promise<{ usage: ProcessUsage & { readonly seconds: number }; inputBytes: number }> {
  const program = await builtProgram()
  const started = performance.now()
  const file = join(scratch, 'usage.json')
  const env = { ...process.env, BENCH_USAGE: file }
  const args = ['--import', usagePreload, program, 'compact', '-f', documentFile, '--json', 'ours']
  const { stdout } = await execute(process.execPath, args, { env })
  const usage = JSON.parse(await readFile(file, 'utf8')) as ProcessUsage
  const [{ done }] = (JSON.parse(stdout) as { tables: readonly TableOutcome<Compaction>[] }).tables
  return { usage: { ...usage, seconds: (performance.now() - started) / 1000 }, inputBytes: Number(done!.report!.inputBytes) }
}

/** What a process and all that it started have used so far, seconds. Spark started long before: its start is not counted. */
async function cpuSecondsOf(root: number): Promise<number> {
  const parents = new Map<number, number>()
  const ticks = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // After the name of the program, in parentheses: state, parent, …; user and system time are the 14th and 15th field of all.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields.length < 15) continue
    parents.set(Number(name), Number(fields[1]))
    ticks.set(Number(name), Number(fields[11]) + Number(fields[12]))
  }
  const isUnder = (pid: number | undefined): boolean => pid !== undefined && pid !== 0 && (pid === root || isUnder(parents.get(pid)))
  return [...ticks].reduce((sum, [pid, own]) => sum + (isUnder(pid) ? own / 100 : 0), 0)
}

async function filesOf(table: string): Promise<string> {
  const [row] = await spark!.sql(`SELECT count(*) AS n, sum(file_size_in_bytes) AS b FROM ice.${database}.${table}.files`)
  const { n, b } = JSON.parse(row) as { n: string; b: string }
  return `${n} files, ${(Number(b) / 1e6).toFixed(0)} MB`
}

async function queryTimes(engine: Trino, table: (typeof tables)[number]): Promise<Record<'duckdb' | 'trino', readonly number[]>> {
  const readers = join(import.meta.dirname, '../integration/readers')
  const place = [catalog.uri, endpoint, accessKeyId, secretAccessKey, region, database, table]
  const { stdout } = await execute(python, [join(import.meta.dirname, 'query_duckdb.py'), readers, ...place, ...queries])
  const times: number[] = []
  for (const query of queries) {
    let least = Infinity
    for (let run = 0; run < 2; run++) {
      const started = performance.now()
      await engine.sql(query.replaceAll(/\bt\b/g, `ice.${database}.${table}`))
      least = Math.min(least, (performance.now() - started) / 1000)
    }
    times.push(least)
  }
  return { duckdb: JSON.parse(stdout) as number[], trino: times }
}
