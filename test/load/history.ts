import { parseArgs } from 'node:util'
import { memoryCatalog } from '../../src/drivers/catalog/memory.ts'
import { virtualClock } from '../../src/drivers/clock/virtual.ts'
import { seededEntropy, seededRandom } from '../../src/drivers/entropy/seeded.ts'
import { uriFiles } from '../../src/drivers/io/uri-files.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { countingMeter } from '../../src/drivers/meter/counting.ts'
import { inProcessQueue } from '../../src/drivers/queue/in-process.ts'
import { memoryStore } from '../../src/drivers/store/memory.ts'
import { meteringStore } from '../../src/drivers/store/metering.ts'
import { currentSnapshot, type TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import { writeBatch } from '../../src/formats/kafka/write.ts'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { writeSegment } from '../../src/formats/kfs/write.ts'
import { containsOffset } from '../../src/model/offset-range.ts'
import { decidedRanges } from '../../src/model/progress.ts'
import { type TopicPartition, topicPartitionName } from '../../src/model/topic-partition.ts'
import { defaultPrices } from '../../src/pipeline/backfill/bill.ts'
import { decodeProgress } from '../../src/pipeline/commit/progress-text.ts'
import { summaryKeys } from '../../src/pipeline/commit/summary-keys.ts'
import type { Catalog } from '../../src/seams/catalog.ts'
import type { ObjectStore, WarehouseStore } from '../../src/seams/object-store.ts'
import { Backfiller } from '../../src/service/backfill/backfiller.ts'
import { Processor } from '../../src/service/feed/processor.ts'
import type { ProcessorSeams } from '../../src/service/feed/processor-seams.ts'
import { carryOut } from '../../src/service/tasks/worker.ts'
import { loadDocuments } from '../../src/spec/load.ts'
import { TableReader } from '../simulation/table-reader.ts'
import { check, report } from './findings.ts'

/**
 * 50 GB of history beside a live tail of the same table, in simulated time: real planning, decoding, writing and committing of a bucket
 * in which each byte stands for a thousand. Segments and requests are as many as they would be, sizes that the program is given (files of the target size,
 * and so tasks and commits) are a thousandth too. What takes time is the machine: two cores that
 * all tasks share in slices, and stores and a catalog that answer after a while.
 */
const { values } = parseArgs({ options: { gigabytes: { type: 'string', default: '50' } } })
const scale = 1000
const wantedBytes = (Number(values.gigabytes) * 1e9) / scale
const partitions = 8
/** Of the tail: a segment for each partition so often, ms. */
const tailEveryMs = 5000
const quietMs = 900_000
/** The machine: segments' bytes that a core turns into files a second (docs/backfill.md), and how long one works before another task has it. */
const machine = { cores: 2, bytesPerSecond: 70e6, sliceMs: 50 }
/** The network: until an answer begins, ms, and bytes a second of one request. */
const network = { getMs: 25, listMs: 60, putMs: 40, catalogMs: 80, bytesPerSecond: 80e6 }

const topic = 'orders'
const prefix = 'segments/'
const sourceId = `s3://source/${prefix}`
const clock = virtualClock()
const random = seededRandom(1)
const bucket = memoryStore({ clock })
const files = memoryStore({ clock })
const shared = memoryCatalog({ clock, entropy: seededEntropy(random.fork(), clock), warehouse: 's3://warehouse' })

/** Segments that stand for 64 MiB down to 20 KiB, most of the bytes in large ones. */
const sizes = [64_000, 16_000, 4_000, 4_000, 1_000, 400]
const next = Array.from({ length: partitions }, () => 0n)

async function writeNext(partition: number, bytes: number): Promise<number> {
  const records = Math.max(1, Math.round(bytes / 100))
  const baseOffset = next[partition]
  const value = (i: number) => Buffer.from(`${topicPartitionName({ topic, partition })} ${baseOffset + BigInt(i)} `.padEnd(90, 'x'))
  const timestampMs = BigInt(Math.floor(clock.now()))
  const rows = Array.from({ length: records }, (_, i) => ({ timestampMs, key: null, value: value(i), headers: [] }))
  const batches = [writeBatch({ baseOffset, codec: 'none', records: rows })]
  const { segment, index } = writeSegment({ baseOffset, createdMs: clock.now(), batches })
  next[partition] += BigInt(records)
  await bucket.put(segmentKey(prefix, { topic, partition }, baseOffset, 'index'), [index])
  await bucket.put(segmentKey(prefix, { topic, partition }, baseOffset, 'kfs'), [segment])
  return segment.length
}

/** Free cores, and who waits for one. */
let free = machine.cores
const waiting: (() => void)[] = []
async function work(seconds: number): Promise<void> {
  for (let leftMs = seconds * 1000; leftMs > 0; leftMs -= machine.sliceMs) {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    await clock.sleep(Math.min(leftMs, machine.sliceMs))
    const first = waiting.shift()
    if (first === undefined) free++
    else first()
  }
}

const travelMs = (firstMs: number, bytes: number) => firstMs + random.below(firstMs) + (bytes * scale * 1000) / network.bytesPerSecond

/** A store behind the network. */
function distant(store: WarehouseStore): WarehouseStore {
  return {
    ...store,
    async *list(query: Parameters<ObjectStore['list']>[0]) {
      for await (const page of store.list(query)) {
        await clock.sleep(travelMs(network.listMs, 0))
        yield page
      }
    },
    async get(key, options) {
      const bytes = await store.get(key, options)
      await clock.sleep(travelMs(network.getMs, bytes.length))
      return bytes
    },
    async put(key, chunks, options) {
      const size = await store.put(key, chunks, options)
      await clock.sleep(travelMs(network.putMs, size))
      return size
    },
  }
}

function distantCatalog(told: (metadata: TableMetadata) => void): Catalog {
  const later = () => clock.sleep(travelMs(network.catalogMs, 0))
  return {
    ...shared,
    loadTable: (table, options) => later().then(() => shared.loadTable(table, options)),
    async commitTable(table, request) {
      await later()
      const outcome = await shared.commitTable(table, request)
      if (outcome.kind === 'committed') told(outcome.table.metadata)
      return outcome
    },
  }
}

/** The tail's segments that are not committed yet, and how long the others waited. */
const open: { readonly at: TopicPartition; readonly last: bigint; readonly atMs: number }[] = []
const waits: { readonly atMs: number; readonly ms: number }[] = []
function noteCommitted(metadata: TableMetadata): void {
  const text = currentSnapshot(metadata)?.summary[summaryKeys.progress]
  if (text === undefined) return
  const progress = decodeProgress(text, 'progress')
  for (const one of open.splice(0)) {
    if (containsOffset(decidedRanges(progress, sourceId, one.at), one.last)) waits.push({ atMs: one.atMs, ms: clock.now() - one.atMs })
    else open.push(one)
  }
}

/** A process of its own, with all that it reaches over the network. */
function processSeams() {
  const meter = countingMeter()
  const seams: ProcessorSeams = {
    source: meteringStore(distant(bucket), 'source', meter),
    io: uriFiles(async () => distant(files)),
    catalog: distantCatalog(noteCommitted),
    queue: inProcessQueue(),
    async carryOut(task, target, limits, own) {
      const result = await carryOut(task, target, limits, own)
      await work((task.bytes * scale) / machine.bytesPerSecond)
      return result
    },
    clock,
    entropy: seededEntropy(random.fork(), clock),
    journal: memoryJournal(),
    meter,
  }
  return { seams, meter }
}

const [document] = loadDocuments(
  JSON.stringify({
    apiVersion: 'kafscale.io/v1',
    kind: 'IcebergProcessor',
    metadata: { name: 'history' },
    spec: {
      source: { topics: [topic], s3: { bucket: 'source', prefix }, startAt: 'latest' },
      sink: { database: 'lake' },
      processing: { parallelism: 2, commitIntervalSeconds: 10 },
      mappings: [{ topic: '*', value: { format: 'binary' } }],
    },
  }),
  'history.json',
  {},
)
const { processing } = document.spec
const scaled = {
  ...document,
  spec: { ...document.spec, processing: { ...processing, targetFileSizeBytes: Math.round(processing.targetFileSizeBytes / scale) } },
}
const identity = { id: sourceId, prefix }

const percentile = (fromMs: number, toMs: number) => {
  const own = waits.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).map(({ ms }) => ms)
  own.sort((a, b) => a - b)
  return {
    p50: (own[Math.floor(own.length / 2)] ?? Number.NaN) / 1000,
    p99: (own[Math.ceil(own.length * 0.99) - 1] ?? Number.NaN) / 1000,
    count: own.length,
  }
}
const off = (estimate: number, actual: number) => Math.abs(estimate - actual) / actual
const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`

async function story(): Promise<void> {
  let [segments, bytes] = [0, 0]
  for (let i = 0; bytes < wantedBytes; i++) {
    bytes += await writeNext(i % partitions, sizes[random.below(sizes.length)])
    segments++
  }
  const end = [...next]
  console.log(`${segments} segments of ${partitions} partitions that stand for ${((bytes * scale) / 1e9).toFixed(1)} GB`)
  await clock.sleep(60_000)

  const stop = new AbortController()
  const service = new Processor(scaled, identity, processSeams().seams).run(false, stop.signal)
  await clock.sleep(60_000)
  let isOver = false
  const writing = (async () => {
    for (let i = 0; !isOver; i++) {
      const partition = i % partitions
      await writeNext(partition, 20 + random.below(200))
      open.push({ at: { topic, partition }, last: next[partition] - 1n, atMs: clock.now() })
      await clock.sleep(tailEveryMs / partitions)
    }
  })()
  await clock.sleep(60_000)
  const beforeMs = clock.now()
  await clock.sleep(quietMs)

  const beginMs = clock.now()
  const { seams, meter } = processSeams()
  const backfiller = (await Backfiller.open(scaled, topic, { kind: 'live' }, {}, identity, seams))!
  const wish = { topic, partitions: null, from: null, to: null, missing: false, newestFirst: false }
  const { bill, backfill } = await backfiller.bill(wish, 'command', defaultPrices)
  const billed = new Map(meter.totals())
  await backfiller.ask(backfill)
  const { outcome, report: done } = await backfiller.carryOut(backfill, stop.signal, () => undefined)
  const endMs = clock.now()
  await clock.sleep(120_000)
  isOver = true
  await writing
  await clock.sleep(120_000)
  stop.abort()
  await service

  const count = (name: string) => (meter.totals().get(name) ?? 0) - (billed.get(name) ?? 0)
  const [gets, lists, read] = ['store.source.get.requests', 'store.source.list.pages', 'store.source.get.bytes'].map(count)
  const minutes = ((endMs - beginMs) / 60_000).toFixed(1)
  check(outcome === 'done', `${done.rows} rows in ${done.files} files and ${done.commits} commits, in ${minutes} simulated minutes`)
  check(
    (gets + lists) / segments <= 1.05,
    `${((gets + lists) / segments).toFixed(3)} requests to the source for a segment (${gets} GETs, ${lists} LISTs)`,
  )
  const estimated = bill.work.gets + bill.work.lists
  check(off(estimated, gets + lists) <= 0.05, `${estimated} requests were estimated, ${percent(off(estimated, gets + lists))} off`)
  check(off(bill.work.bytes, read) <= 0.05, `${bill.work.bytes * scale} bytes were estimated, ${percent(off(bill.work.bytes, read))} off`)
  const [quiet, beside] = [percentile(beforeMs, beginMs), percentile(beginMs, endMs)]
  check(
    beside.p99 <= 1.5 * quiet.p99,
    `99 of 100 segments of the tail waited ${beside.p99.toFixed(1)} s at most beside it (${beside.count}), ${quiet.p99.toFixed(1)} s before (${quiet.count}); half of them ${beside.p50.toFixed(1)} s and ${quiet.p50.toFixed(1)} s`,
  )
  check(open.length === 0, `every segment of the tail was committed, ${waits.length} of them`)

  const reader = new TableReader(uriFiles(async () => files))
  const { metadata } = (await shared.loadTable({ namespace: ['lake'], name: topic }))!
  const seen = new Map<string, Set<bigint>>()
  let [rows, twice, wrong] = [0, 0, 0]
  for (const file of await reader.liveFiles(await reader.manifestList(currentSnapshot(metadata)!))) {
    for (const { log, offset, value } of file.rows) {
      const own = seen.get(log) ?? new Set()
      seen.set(log, own)
      if (own.has(offset)) twice++
      if (!value.startsWith(`${log} ${offset} `)) wrong++
      own.add(offset)
      rows++
    }
  }
  const isWhole = next.every((length, partition) => seen.get(topicPartitionName({ topic, partition }))?.size === Number(length))
  const history = end.reduce((sum, length) => sum + length, 0n)
  check(isWhole && twice === 0 && wrong === 0, `${rows} rows, each of its offset and once: ${history} of history, and the tail's`)
}

await clock.run(story)
report()
