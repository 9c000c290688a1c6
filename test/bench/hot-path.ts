import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { carryOut } from '../../src/service/tasks/worker.ts'
import { readColumns } from './columns.ts'
import { fileSeams, openWorkload, segmentsIn, taskOf } from './workload.ts'

/** What one warm run over a directory of segments came to. */
export interface HotPathRun {
  readonly records: number
  /** Of the whole process, all its threads, while the segments became Parquet. */
  readonly cpuSeconds: number
  /** Largest resident set of the process, from its start on. */
  readonly peakMegabytes: number
  readonly bytesOut: number
}

/** Bytes of segments become bytes of Parquet: what a worker does, without stores and catalog. Warmed once, on other segments. */
async function measure(directory: string, codec: string, raw: boolean, out?: string): Promise<HotPathRun> {
  const others = await segmentsIn(join(directory, 'warm'), codec)
  const segments = await segmentsIn(directory, codec)
  const columns = raw ? null : await readColumns(join(directory, 'columns.tsv'))
  const { target, limits } = await openWorkload(columns, 1, segments[0])
  await carryOut(taskOf(others), target, limits, fileSeams().seams)

  const { seams, written } = fileSeams(out)
  const before = process.cpuUsage()
  const { parts } = await carryOut(taskOf(segments), target, limits, seams)
  const { user, system } = process.cpuUsage(before)
  return {
    records: parts[0].counts.rows,
    cpuSeconds: (user + system) / 1e6,
    peakMegabytes: (process.resourceUsage().maxRSS * 1024) / 1e6,
    bytesOut: written.bytes,
  }
}

// A process of its own, so that nothing else of the bench has warmed or littered it.
if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { codec: { type: 'string', default: 'none' }, raw: { type: 'boolean', default: false }, out: { type: 'string' } },
  })
  console.log(JSON.stringify(await measure(positionals[0], values.codec, values.raw, values.out)))
}
