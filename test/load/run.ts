import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { sqliteSink } from '../bench/service.ts'
import { openDocument } from '../../src/compose.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { currentSnapshot } from '../../src/formats/iceberg/table-metadata.ts'
import { writeBatch } from '../../src/formats/kafka/write.ts'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { writeSegment } from '../../src/formats/kfs/write.ts'
import { loadDocuments } from '../../src/spec/load.ts'
import { check, report } from './findings.ts'
import { usedBy } from './process-usage.ts'
import { startRedis } from '../integration/fleet/redis.ts'
import { loadDocument, type ServiceProcess, startService } from './service-process.ts'

/**
 * Very many small segments of very many topic-partitions, in a directory: does one process finish, or a fleet of
 * `--workers` with a planner and a committer over Redis: within their memory, fairly, with few files, every row once in the tables?
 * The first topic has half of all segments, and small files make many tasks of them: it must not keep the others waiting.
 */
const { values } = parseArgs({
  options: {
    topics: { type: 'string', default: '20' },
    partitions: { type: 'string', default: '50' },
    segments: { type: 'string', default: '100' },
    workers: { type: 'string', default: '0' },
  },
})
const [topics, partitions, workers] = [Number(values.topics), Number(values.partitions), Number(values.workers)]
const recordsPerSegment = 20
const half = (topics * Number(values.segments)) / 2
/** Of each partition of a topic. */
const segmentsOf = (topic: number) => Math.ceil(topic === 0 ? half : half / (topics - 1))
const segments = partitions * (segmentsOf(0) + (topics - 1) * segmentsOf(1))
const records = segments * recordsPerSegment
const memoryLimitBytes = 1024 ** 3
const targetFileSizeBytes = 1024 ** 2
/** Of segments: what a task reads at most. */
const taskBytes = 4 * targetFileSizeBytes

/** No row comes for so long: something is wrong, ms. */
const stuckMs = 300_000
/** Between two looks at the tables, ms. */
const lookMs = 1000

const directory = mkdtempSync(join(tmpdir(), 'load-'))
try {
  const startedMs = performance.now()
  const bytes = writeSegments(join(directory, 'segments'))
  console.log(
    `${topics * partitions} topic-partitions, ${segments} segments, ${(bytes / 1e6).toFixed(0)} MB, made in ${since(startedMs)} s`,
  )

  const peakMegabytes = new Map<ServiceProcess, number>()
  const runMs = performance.now()
  const redis = workers === 0 ? null : await startRedis()
  const processing = { parallelism: 4, memoryLimitBytes, targetFileSizeBytes, ...(redis !== null && { commitIntervalSeconds: 1 }) }
  const sink = sqliteSink(directory)
  const document = loadDocument(['*'], { directory: join(directory, 'segments') }, sink, processing)
  if (redis !== null) Object.assign(document.spec as object, { queue: { redis: redis.url } })
  const roles = redis === null ? [['run', '--once']] : [...Array.from({ length: workers }, () => ['worker']), ['committer'], ['planner']]
  const services: ServiceProcess[] = []
  for (const role of roles) services.push(await startService(role, directory, document))
  const watch = setInterval(() => {
    for (const service of services) {
      try {
        // Of a process that has just ended nothing is told.
        peakMegabytes.set(service, Math.max(peakMegabytes.get(service) ?? 0, usedBy(service.pid).peakMegabytes || 0))
      } catch {
        // It is gone.
      }
    }
  }, 500)
  const endings = Promise.all(services.map(({ ended }) => ended))
  const { isStuck, shareOfFirst } = await untilFilled(document, endings)
  // A fleet goes on until it is stopped; one that dies says so by its exit code.
  if (redis !== null || isStuck) for (const { kill } of services) kill('SIGTERM')
  const killing = setTimeout(() => services.forEach(({ kill }) => kill('SIGKILL')), stuckMs)
  const codes = await endings
  clearTimeout(killing)
  clearInterval(watch)
  const seconds = (performance.now() - runMs) / 1000
  const failed = services.find((_, i) => codes[i] !== 0)
  check(
    failed === undefined,
    `${roles.length} process(es) finished in ${seconds.toFixed(0)} s with exit codes ${codes.join(', ')}${failed === undefined ? '' : `:\n${failed.tail()}`}`,
  )
  if (redis !== null) {
    const keys = Number(await redis.cli('DBSIZE'))
    check(keys <= 40, `${keys} keys are left in Redis, whatever was done`)
    await redis.stop()
  }
  // Asked anew: what was under way when the last row came has ended.
  const { rows, files } = await inTables(document)
  const stuck = isStuck ? `, and for ${stuckMs / 1000} s none came` : ''
  check(sum(rows) === records, `${sum(rows)} rows are in the tables, ${records} expected${stuck}`)
  const verify = await startService(
    ['verify'],
    directory,
    loadDocument(['*'], { directory: join(directory, 'segments') }, sink, processing),
  )
  const verdict = await verify.ended
  check(verdict === 0, `verify ended with ${verdict}${verdict === 0 ? '' : `:\n${verify.tail()}`}`)
  for (const [i, [role]] of roles.entries()) {
    const peak = peakMegabytes.get(services[i]) ?? Infinity
    check(peak * 1e6 <= memoryLimitBytes, `${role}: ${peak.toFixed(0)} MB at most, within memoryLimitBytes`)
  }
  check(
    shareOfFirst < 0.75,
    `all other tables were complete when ${(100 * shareOfFirst).toFixed(0)} % of the large one were there, at most 75`,
  )
  // A task makes one file; the last of a round of planning, and of each table, may be small.
  const enough = 2 * topics + Math.ceil((2 * bytes) / taskBytes)
  check(files <= enough, `${files} data files, at most ${enough}`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
report()

function writeSegments(root: string): number {
  let written = 0
  const value = Buffer.from(JSON.stringify({ event: 'load', text: 'some words that a small event may hold' }))
  for (let segment = 0; segment < segmentsOf(0); segment++) {
    const baseOffset = BigInt(segment * recordsPerSegment)
    const made = Array.from({ length: recordsPerSegment }, () => ({ timestampMs: 1_767_225_600_000n, key: null, headers: [], value }))
    const batch = writeBatch({ baseOffset, codec: 'none', records: made })
    const { segment: kfs, index } = writeSegment({ baseOffset, batches: [batch], createdMs: 1_767_225_600_000 })
    for (let i = 0; i < topics * partitions; i++) {
      if (segment >= segmentsOf(i % topics)) continue
      const at = { topic: `load-${i % topics}`, partition: Math.floor(i / topics) }
      const path = join(root, segmentKey('', at, baseOffset, 'kfs'))
      if (segment === 0) mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, kfs)
      writeFileSync(join(root, segmentKey('', at, baseOffset, 'index')), index)
      written += kfs.length
    }
  }
  return written
}

/**
 * Waits until the tables have every row, whatever was heard of a commit, until the processes ended, or until no row has come for `stuckMs`. Resolves with
 * how much of the first topic was there when every other table was complete.
 */
async function untilFilled(document: object, endings: Promise<unknown>): Promise<{ isStuck: boolean; shareOfFirst: number }> {
  let hasEnded = false
  void endings.then(() => (hasEnded = true))
  let shareOfFirst = 1
  for (let [most, cameMs] = [0, performance.now()]; ; await sleep(lookMs)) {
    const ended = hasEnded
    const { rows } = await inTables(document)
    const [first, ...others] = rows
    if (shareOfFirst === 1 && sum(others) === rowsIn(1) * (topics - 1)) shareOfFirst = first / rowsIn(0)
    if (sum(rows) > most) [most, cameMs] = [sum(rows), performance.now()]
    const isStuck = performance.now() - cameMs > stuckMs
    if (ended || isStuck || most >= records) return { isStuck, shareOfFirst }
  }
}

/** Rows and data files by the newest snapshots; rows of each table, in the order of the topics. */
async function inTables(document: object): Promise<{ rows: number[]; files: number }> {
  const [parsed] = loadDocuments(JSON.stringify(document), 'load', {})
  const { seams, close } = await openDocument(parsed, memoryJournal())
  try {
    const rows: number[] = []
    let files = 0
    for (let topic = 0; topic < topics; topic++) {
      const loaded = await seams.catalog.loadTable({ namespace: ['load'], name: `load_${topic}` })
      const summary = (loaded === null ? null : currentSnapshot(loaded.metadata))?.summary ?? {}
      rows.push(Number(summary['total-records'] ?? 0))
      files += Number(summary['total-data-files'] ?? 0)
    }
    return { rows, files }
  } finally {
    await close()
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

/** Of a table. */
function rowsIn(topic: number): number {
  return partitions * segmentsOf(topic) * recordsPerSegment
}

function since(ms: number): string {
  return ((performance.now() - ms) / 1000).toFixed(0)
}
