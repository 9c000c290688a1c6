import { join } from 'node:path'
import { writeBucket } from './bucket.ts'
import { runProgram } from './child.ts'
import { type DataSet, orderColumns, orders, others } from './data.ts'
import type { FigureName } from './figures.ts'
import { mebibyte } from './generate.ts'
import type { GetResult } from './get-8kb.ts'
import { buildNative } from './native.ts'
import { type Comparison, ratioOf } from './ratios.ts'
import { medians, shown } from './rounds.ts'
import { firstRowSeconds, smallSegments } from './small-segments.ts'
import type { PoolRun } from './two-workers.ts'
import { peakMegabytes, serviceRatios } from './whole-service.ts'

export interface BenchOptions {
  /** A directory for everything that need not be kept. */
  readonly scratch: string
  /** Draws the second workload's columns. */
  readonly seed: number
  readonly records: number
}

const poolRounds = 5

/** How each figure is measured. What several of them need is made once, by the first that asks for it. */
export function measurements({ scratch, seed, records }: BenchOptions): Readonly<Record<FigureName, () => Promise<number>>> {
  const native = once(buildNative)
  const main = once(() => orders(records, 'orders', '--codecs', 'none,zstd,lz4'))
  const ratio = async (comparison: Omit<Comparison, 'native'>) => ratioOf({ native: await native(), ...comparison }, scratch)
  const hotPath = once(async () => ratio({ set: await main() }))
  const bucket = (name: string, maxSegmentBytes: number) =>
    once(async () => {
      const directory = join(scratch, name)
      await writeBucket((await main()).directory, directory, maxSegmentBytes)
      return directory
    })
  const large = bucket('large', 64 * mebibyte)
  const medium = bucket('medium', 4 * mebibyte)
  const service = once(async () =>
    serviceRatios({ native: await native(), set: await main(), records }, await large(), await medium(), scratch),
  )
  const small = once(() => smallSegments(scratch))
  return {
    'hot-path': hotPath,
    'hot-path-shuffled': async () => ratio({ set: await orders(records, 'shuffled', '--shuffle') }),
    'hot-path-unknown-fields': async () => ratio({ set: await orders(records, 'unknown-fields', '--unknown', '10') }),
    'hot-path-zstd': async () => ratio({ set: await main(), codec: 'zstd' }),
    'hot-path-lz4': async () => ratio({ set: await main(), codec: 'lz4' }),
    'hot-path-raw': async () => ratio({ set: await main(), raw: true }),
    'hot-path-other': async () => (await ratio({ set: await others(records, seed) })) / (await hotPath()),
    'worker-peak-memory': async () => peakMegabytes(await large(), records, scratch),
    'two-workers': async () => speedup(await medium(), await main(), records),
    'service-64mib': async () => (await service()).large,
    'service-4mib': async () => (await service()).medium,
    'small-segments-cpu': async () => (await small()).cpuSeconds,
    'small-segments-requests': async () => (await small()).requestsPerSegment,
    'small-segments-files': async () => (await small()).files,
    'get-8kb': getCost,
    'first-row': () => firstRowSeconds(scratch),
  }
}

/** How much sooner two threads are done than one. */
async function speedup(directory: string, { warm }: DataSet, records: number): Promise<number> {
  const run = async (threads: number) => {
    const folder = join(directory, 'orders', '0')
    const done = await runProgram<PoolRun>('two-workers.ts', [folder, warm, orderColumns, String(threads)])
    if (done.records !== records) throw new Error(`${threads} threads made ${done.records} rows, and ${records} were expected`)
    return done.seconds
  }
  const seconds = await medians(poolRounds, { one: () => run(1), two: () => run(2) })
  return seconds.one / seconds.two
}

/** The figure is that of a server which ends each connection after an answer, as ours does unless it is told otherwise. */
async function getCost(): Promise<number> {
  const { keptAlive, ...ended } = await runProgram<GetResult & { keptAlive: GetResult }>('get-8kb.ts', [])
  const line = (what: string, { cpuMilliseconds, sdkCpuMilliseconds }: GetResult) =>
    console.log(`  connections ${what}: ${shown(cpuMilliseconds)}, the SDK's own client ${shown(sdkCpuMilliseconds)}`)
  line('ended', ended)
  line('kept', keptAlive)
  return ended.cpuMilliseconds
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
