import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { readColumns } from '../bench/columns.ts'
import { orderColumns } from '../bench/data.ts'
import { mebibyte, orderSegments } from '../bench/generate.ts'
import { medians } from '../bench/rounds.ts'
import { builtProgram, sqliteSink } from '../bench/service.ts'
import { startRedis } from '../integration/fleet/redis.ts'
import { intoDirectory } from '../integration/kill/segments.ts'
import { check, report } from './findings.ts'

/**
 * The same order events, JSON in zstd, with one worker process and with two, each on a core of its own: seconds from the start of the planner to the last commit.
 * A worker uses as many threads as there are cores, so that without its own core one process would do what two do. Enough
 * records that what each process does once (it starts, and V8 compiles what runs hot) does not count, and files small
 * enough that the last of them do not leave one worker without any.
 */
const { values } = parseArgs({ options: { records: { type: 'string', default: '4000000' } } })
const [partitions, records] = [8, Number(values.records)]
const rows = partitions * records
const columns = await readColumns(orderColumns)

const program = await builtProgram()
const directory = await mkdtemp(join(tmpdir(), 'two-processes-'))
const redis = await startRedis()
const children: ChildProcess[] = []

function start(role: string, document: string, core?: number): ChildProcess {
  const command = [process.execPath, program, role, '-f', document]
  const [file, ...args] = core === undefined ? command : ['taskset', '-c', String(core), ...command]
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  children.push(child)
  return child
}

async function measure(workers: number): Promise<number> {
  const home = await mkdtemp(join(directory, 'run-'))
  const document = join(home, 'document.json')
  const spec = {
    source: { topics: ['orders'], directory: join(directory, 'source'), graceSeconds: 0 },
    sink: sqliteSink(home),
    queue: { redis: redis.url },
    processing: { parallelism: 8, commitIntervalSeconds: 1, targetFileSizeBytes: 16 * mebibyte },
    mappings: [{ topic: '*', value: { format: 'json', columns } }],
  }
  await writeFile(
    document,
    JSON.stringify({ apiVersion: 'kafscale.io/v1', kind: 'IcebergProcessor', metadata: { name: basename(home).toLowerCase() }, spec }),
  )
  for (let core = 0; core < workers; core++) start('worker', document, core)
  start('committer', document)
  // Until they are there.
  await sleep(5000)
  const planner = start('planner', document)
  const startedMs = performance.now()
  let left = rows
  for await (const line of createInterface({ input: planner.stderr! })) {
    const { msg, rows: committed } = JSON.parse(line) as { msg: string; rows?: string }
    if (msg === 'committed') left -= Number(committed)
    if (left === 0) break
  }
  const seconds = (performance.now() - startedMs) / 1000
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(home, { recursive: true })
  return seconds
}

try {
  const put = intoDirectory(join(directory, 'source'))
  // A segment does not say of which partition it is: the same bytes serve all.
  for (const { baseOffset, segment, index } of orderSegments({ records, maxSegmentBytes: 4 * mebibyte, codec: 'zstd' })) {
    for (let partition = 0; partition < partitions; partition++) {
      const key = (extension: 'kfs' | 'index') => segmentKey('', { topic: 'orders', partition }, baseOffset, extension)
      await put(key('kfs'), segment)
      await put(key('index'), index)
    }
  }
  const { one, two } = await medians(3, { one: () => measure(1), two: () => measure(2) })
  console.log(`${rows} records: ${one.toFixed(1)} s with one worker process, ${two.toFixed(1)} s with two on two cores`)
  check(one / two >= 1.8, `${(one / two).toFixed(2)} times as fast, at least 1.8`)
  report()
} finally {
  for (const child of children) child.kill('SIGKILL')
  await redis.stop()
  await rm(directory, { recursive: true, force: true })
}
