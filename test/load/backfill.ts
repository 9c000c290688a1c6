import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { readColumns } from '../bench/columns.ts'
import { orderColumns } from '../bench/data.ts'
import { mebibyte, type OrderSegment, orderSegments, type OrderTopic } from '../bench/generate.ts'
import { s3Source, withS3Service } from '../bench/s3-service.ts'
import { type ProcessUsage, usagePreload } from '../bench/usage.ts'
import { createBucket, s3Client } from '../integration/servers.ts'
import { check, report } from './findings.ts'
import { type ServiceProcess, startService } from './service-process.ts'

/**
 * History of several codecs, in large and in tiny segments, is brought into a table by a backfill, beside the tail of the same table: is every
 * row there once, how far from its estimate was it, how long did the tail's records wait meanwhile, and what did it take against a run
 * that reads the same as its tail?
 */
const { values } = parseArgs({ options: { records: { type: 'string', default: '5000000' }, quiet: { type: 'string', default: '60' } } })
const bin = join(import.meta.dirname, '../../src/bin.js')
const records = Number(values.records)
const quietSeconds = Number(values.quiet)

/** By partition. */
const history: readonly OrderTopic[] = [
  { records: 0.4 * records, maxSegmentBytes: 64 * mebibyte },
  { records: 0.3 * records, maxSegmentBytes: 4 * mebibyte, codec: 'zstd', seed: 2 },
  { records: 0.1 * records, maxSegmentBytes: 4 * mebibyte, codec: 'snappy', seed: 3 },
  { records: 0.05 * records, maxSegmentBytes: 1 * mebibyte, codec: 'gzip', seed: 4 },
  { records: 0.1 * records, maxSegmentBytes: 16 * mebibyte, codec: 'lz4', seed: 5 },
  { records: 0.05 * records, maxSegmentBytes: 1, recordsPerBatch: 100, seed: 6 },
]
/** The tail's segments: one for each partition in turn. */
const tailRecords = 100
const tailEveryMs = 250

/** What `backfill --json` answers, as far as it is looked at. */
interface Answer {
  readonly ok: boolean
  readonly bill: { readonly work: { readonly segments: number; readonly bytes: number; readonly gets: number; readonly lists: number } }
  readonly report: { readonly rows: string }
  readonly requests: { readonly gets: number; readonly bytes: number; readonly lists: number }
  readonly seconds: number
}

async function put(client: S3Client, bucket: string, partition: number, { baseOffset, segment, index }: OrderSegment): Promise<void> {
  for (const [extension, Body] of [
    ['index', index],
    ['kfs', segment],
  ] as const) {
    const Key = segmentKey('', { topic: 'orders', partition }, baseOffset, extension)
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))
  }
}

/** The segments that are written meanwhile, and when the service committed them. */
class Tail {
  readonly #written: { readonly atMs: number; readonly records: number }[] = []
  readonly #committed: { readonly atMs: number; readonly records: number }[] = []
  readonly #next = history.map((topic) => topic.records)

  /** Writes until `signal` aborts, a segment for each partition in turn. */
  async write(client: S3Client, bucket: string, signal: AbortSignal): Promise<void> {
    for (let i = 0; !signal.aborted; i++) {
      const partition = i % history.length
      const firstOffset = this.#next[partition]
      const topic = { records: tailRecords, maxSegmentBytes: mebibyte, recordsPerBatch: tailRecords, firstOffset, seed: firstOffset }
      for (const segment of orderSegments(topic)) await put(client, bucket, partition, segment)
      this.#next[partition] += tailRecords
      this.#written.push({ atMs: Date.now(), records: this.records + tailRecords })
      await sleep(tailEveryMs)
    }
  }

  get records(): number {
    return this.#written.at(-1)?.records ?? 0
  }

  get isCommitted(): boolean {
    return (this.#committed.at(-1)?.records ?? 0) >= this.records
  }

  hear(rows: number): void {
    this.#committed.push({ atMs: Date.now(), records: (this.#committed.at(-1)?.records ?? 0) + rows })
  }

  /** How long 99 of 100 segments that were written in this time waited for their commit at most, s. */
  waited(fromMs: number, toMs: number): number {
    const waits = this.#written
      .filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
      .map(({ atMs, records: sum }) => (this.#committed.find((commit) => commit.records >= sum)?.atMs ?? Infinity) - atMs)
      .toSorted((a, b) => a - b)
    return (waits[Math.ceil(waits.length * 0.99) - 1] ?? Number.NaN) / 1000
  }
}

/** A command of the program to its end: what it printed, and what it used. */
async function command(
  directory: string,
  args: readonly string[],
): Promise<ProcessUsage & { readonly code: number; readonly text: string }> {
  const usageFile = join(directory, 'usage.json')
  const { code, text } = await new Promise<{ code: number; text: string }>((resolve) =>
    execFile(
      process.execPath,
      ['--import', usagePreload, bin, ...args],
      { cwd: directory, env: { ...process.env, BENCH_USAGE: usageFile }, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : 1, text: stdout === '' ? stderr : stdout }),
    ),
  )
  return { code, text, ...(JSON.parse(await readFile(usageFile, 'utf8')) as ProcessUsage) }
}

const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`
const off = (estimate: number, actual: number) => Math.abs(estimate - actual) / actual

const directory = await mkdtemp(join(tmpdir(), 'load-backfill-'))
try {
  await withS3Service(async ({ s3, sink }) => {
    const client = s3Client(s3)
    const bucket = await createBucket(s3, 'load')
    let segments = 0
    let bytes = 0
    for (const [partition, topic] of history.entries()) {
      for (const segment of orderSegments(topic)) {
        await put(client, bucket, partition, segment)
        segments++
        bytes += segment.segment.length
      }
    }
    console.log(`${records} records of history in ${segments} segments of ${history.length} partitions, ${(bytes / 1e6).toFixed(0)} MB`)

    const columns = await readColumns(orderColumns)
    const document = (name: string, source: object, processing: object) => ({
      apiVersion: 'kafscale.io/v1',
      kind: 'IcebergProcessor',
      metadata: { name },
      spec: {
        source: { topics: ['orders'], ...s3Source(s3, bucket), ...source },
        sink: { ...sink, database: name },
        processing,
        mappings: [{ topic: 'orders', value: { format: 'json', columns } }],
      },
    })
    const write = async (name: string, value: object): Promise<string> => {
      const file = join(directory, `${name}.json`)
      await writeFile(file, JSON.stringify(value))
      return file
    }

    // The same records, read by the tail of a table of its own: what a core does of them.
    const whole = await command(directory, ['run', '--once', '-f', await write('whole', document('whole', {}, {}))])
    check(whole.code === 0, `the same by a run: ${Math.round(records / whole.cpuSeconds)} records a CPU second`)

    const tail = new Tail()
    const live = document('beside', { startAt: 'latest' }, { commitIntervalSeconds: 2 })
    const file = await write('beside', live)
    // The table says where its tail begins: behind what is there now.
    check((await command(directory, ['run', '--once', '-f', file])).code === 0, 'the table is made')
    const service = await startService(['run'], directory, live, ({ msg, table, rows }) => {
      if (msg === 'committed' && table === 'orders') tail.hear(Number(rows))
    })
    const stop = new AbortController()
    try {
      const writing = tail.write(client, bucket, stop.signal)
      // Until it has warmed up.
      await sleep(10_000)
      const quietMs = Date.now()
      await sleep(quietSeconds * 1000)
      const backfillMs = Date.now()
      const { text, cpuSeconds, peakMegabytes } = await command(directory, [
        'backfill',
        '-f',
        file,
        '--topic',
        'orders',
        '--all',
        '--yes',
        '--json',
      ])
      const endMs = Date.now()
      stop.abort()
      await writing
      for (let i = 0; i < 600 && !tail.isCommitted; i++) await sleep(100)
      const answer = JSON.parse(text) as Answer
      const { bill, requests } = answer
      check(
        answer.ok && BigInt(answer.report.rows) === BigInt(records),
        `${answer.report.rows} rows brought in, in ${answer.seconds.toFixed(0)} s, with ${peakMegabytes.toFixed(0)} MB at most`,
      )
      const asked = requests.gets + requests.lists
      check(
        asked / segments <= 1.05,
        `${(asked / segments).toFixed(3)} requests to the source for a segment (${requests.gets} GETs, ${requests.lists} LISTs)`,
      )
      const estimated = bill.work.gets + bill.work.lists
      check(off(estimated, asked) <= 0.05, `${estimated} requests were estimated, ${percent(off(estimated, asked))} off`)
      check(
        off(bill.work.bytes, requests.bytes) <= 0.05,
        `${bill.work.bytes} bytes were estimated, ${percent(off(bill.work.bytes, requests.bytes))} off`,
      )
      const ratio = whole.cpuSeconds / cpuSeconds
      check(ratio >= 0.9, `${Math.round(records / cpuSeconds)} records a CPU second, ${ratio.toFixed(2)} times a run's`)
      const [before, during] = [tail.waited(quietMs, backfillMs), tail.waited(backfillMs, endMs)]
      check(
        during <= 1.5 * before,
        `99 of 100 records of the tail waited ${during.toFixed(1)} s at most beside it, ${before.toFixed(1)} s before`,
      )
      check(tail.isCommitted, `${tail.records} records of the tail were written meanwhile`)
      await endService(service)
      const { code, text: verified } = await command(directory, ['verify', '--exact', '-f', file, '--json'])
      const rows = (JSON.parse(verified) as { tables: { counts: { rows: number | string } }[] }).tables[0].counts.rows
      check(code === 0 && Number(rows) === records + tail.records, `verify --exact finds nothing in ${rows} rows`)
    } finally {
      stop.abort()
      service.kill('SIGKILL')
    }
    client.destroy()
  })
} finally {
  await rm(directory, { recursive: true, force: true })
}
report()

async function endService(service: ServiceProcess): Promise<void> {
  service.kill('SIGTERM')
  const code = await service.ended
  check(code === 0, 'the service ended in good order')
}
