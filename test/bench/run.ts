import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { createBucket } from '../integration/servers.ts'
import { type FigureName, figures, machine, reportLines } from './figures.ts'
import { mebibyte, writeOrderTopic } from './generate.ts'
import type { HotPathResult } from './hot-path.ts'
import { nativeRawRecords } from './native.ts'
import { countRequests } from './requests.ts'
import { s3Settings, upload, withS3 } from './s3-service.ts'
import { runService, serviceDocument, sqliteSink } from './service.ts'

const { values: options } = parseArgs({ options: { json: { type: 'string' }, native: { type: 'boolean', default: false } } })

const hotPathSegments = 2
const largeRecords = 1_000_000
const mediumRecords = 400_000
const smallSegments = 600
const manySegments = 2_000
const recordsPerSmallSegment = 100
const firstRowSegments = 100

const scratch = await mkdtemp(join(tmpdir(), 'bench-'))
const measured = new Map<string, number>()
const record = (name: FigureName, value: number) => measured.set(name, value)
/** A fresh directory for one run's catalog and files. */
const place = () => mkdtemp(join(scratch, 'run-'))
const say = (sentence: string) => console.log(`${(performance.now() / 1000).toFixed(0).padStart(4)} s  ${sentence}`)

async function hotPath(large: string): Promise<void> {
  say(`hot path: ${hotPathSegments} segments of 64 MiB to Parquet, in memory`)
  const program = join(import.meta.dirname, 'hot-path.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [program, large, String(hotPathSegments)])
  const { recordsPerCpuSecond } = JSON.parse(stdout) as HotPathResult
  record('hot-path-raw-records', recordsPerCpuSecond)
  if (!options.native) return
  const folder = join(large, 'orders', '0')
  const names = (await readdir(folder)).filter((name) => name.endsWith('.kfs')).toSorted()
  const native = await nativeRawRecords(
    names.slice(0, hotPathSegments).map((name) => join(folder, name)),
    scratch,
  )
  if (native === null) say('no cargo here: not compared with the native program')
  else
    say(
      `native program, mode raw: ${native} records per CPU second; the hot path does ${(recordsPerCpuSecond / native).toFixed(2)} of that`,
    )
}

async function service(large: string): Promise<void> {
  say(`service: ${largeRecords} records in segments of 64 MiB, from a directory to a SQLite catalog`)
  const directory = await place()
  const run = await runService(directory, serviceDocument({ directory: large }, sqliteSink(directory)), largeRecords)
  record('service-records', largeRecords / run.cpuSeconds)
  record('worker-peak-memory', run.peakMegabytes)
  await rm(directory, { recursive: true })
}

async function small(): Promise<void> {
  say(`small segments: ${manySegments} and ${firstRowSegments} of ${recordsPerSmallSegment} records`)
  const directory = await place()
  const many = await smallTopic(manySegments)
  const run = await runService(
    directory,
    serviceDocument({ directory: many }, sqliteSink(directory)),
    manySegments * recordsPerSmallSegment,
  )
  record('small-segments-cpu', (manySegments * recordsPerSmallSegment) / run.cpuSeconds)
  const few = await smallTopic(firstRowSegments)
  const second = await place()
  const first = await runService(second, serviceDocument({ directory: few }, sqliteSink(second)), firstRowSegments * recordsPerSmallSegment)
  record('first-row', first.firstRowSeconds)
}

async function overS3(): Promise<void> {
  const medium = join(scratch, 'medium')
  await writeOrderTopic(medium, 'orders', { records: mediumRecords, maxSegmentBytes: 4 * mebibyte })
  const few = await smallTopic(smallSegments)
  await withS3(async (s3) => {
    say(`service: ${mediumRecords} records in segments of 4 MiB, from S3 to S3, SQLite catalog`)
    const source = { s3: { bucket: await upload(s3, medium), ...s3Settings(s3) }, graceSeconds: 0 }
    const directory = await place()
    const warehouse = `s3://${await createBucket(s3, 'tables')}/warehouse`
    const sink = { ...sqliteSink(directory, warehouse), storage: s3Settings(s3) }
    const run = await runService(directory, serviceDocument(source, sink), mediumRecords)
    record('service-s3-records', mediumRecords / run.cpuSeconds)

    say(`requests: ${smallSegments} segments of ${recordsPerSmallSegment} records, from S3`)
    const bucket = await upload(s3, few)
    const counted = await countRequests(serviceDocument({ s3: { bucket, ...s3Settings(s3) }, graceSeconds: 0 }, sqliteSink(await place())))
    record('requests-per-segment', counted.gets / smallSegments)
    record('object-requests-per-segment', counted.all / smallSegments)
    record('small-segments-files', counted.files)
  })
}

async function smallTopic(segments: number): Promise<string> {
  const directory = join(scratch, `small-${segments}`)
  const records = segments * recordsPerSmallSegment
  await writeOrderTopic(directory, 'orders', { records, maxSegmentBytes: 1, recordsPerBatch: recordsPerSmallSegment })
  return directory
}

console.log(machine())
console.log(['node', 'test/bench/run.ts', ...process.argv.slice(2)].join(' '))
try {
  say(`input: ${largeRecords} order events`)
  const large = join(scratch, 'large')
  await writeOrderTopic(large, 'orders', { records: largeRecords, maxSegmentBytes: 64 * mebibyte })
  await hotPath(large)
  await service(large)
  await rm(large, { recursive: true })
  await small()
  await overS3()
  const all = figures(measured)
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(all, null, 2)}\n`)
  console.log(`\n${reportLines(all).join('\n')}`)
} finally {
  await rm(scratch, { recursive: true, force: true })
}
