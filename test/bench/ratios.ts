import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from './child.ts'
import type { DataSet } from './data.ts'
import type { HotPathRun } from './hot-path.ts'
import { runNative } from './native.ts'
import { runPython } from './python.ts'
import { medians, shown } from './rounds.ts'

const rounds = 5
/** How many times the native program's files ours may take. */
const maxSizeRatio = 1.1

/** What the hot path and the native program both do: the files of a codec, as columns or kept whole. */
export interface Comparison {
  /** The native program. */
  readonly native: string
  readonly set: DataSet
  readonly codec?: 'none' | 'zstd' | 'lz4'
  readonly raw?: boolean
}

/** What `compare.py` prints. */
interface Equality {
  readonly rows: number
  readonly columns: number
  readonly ourBytes: number
  /** Those of the rescue column, which the native program does not have: it drops what has no column. */
  readonly rescueBytes: number
  readonly nativeBytes: number
}

/**
 * Records per CPU second of the hot path by those of the native program, in turn on the same segments. Throws an Error with the
 * first difference where pyarrow does not read the same values from both.
 */
export async function ratioOf(comparison: Comparison, scratch: string): Promise<number> {
  const { ours, native } = await medians(rounds, {
    ours: async () => {
      const { records, cpuSeconds } = await runHotPath(comparison)
      return records / cpuSeconds
    },
    native: () => runNative(comparison),
  })
  await compareFiles(comparison, await mkdtemp(join(scratch, 'files-')))
  return ours / native
}

async function compareFiles(comparison: Comparison, scratch: string): Promise<void> {
  const [ours, native] = [join(scratch, 'ours'), join(scratch, 'native')]
  await mkdir(ours)
  await runHotPath(comparison, ours)
  await runNative(comparison, native)
  const printed = await runPython('compare.py', [ours, native, comparison.raw ? '-' : comparison.set.columns])
  await rm(scratch, { recursive: true })
  const { rows, columns, ourBytes, rescueBytes, nativeBytes } = JSON.parse(printed) as Equality
  const comparable = (ourBytes - rescueBytes) / nativeBytes
  console.log(`  equal by pyarrow: ${columns} columns of ${shown(rows)} rows`)
  console.log(
    `  size: ${shown(ourBytes / nativeBytes)} × native, ${shown(comparable)} without the rescue column${comparable > maxSizeRatio ? `: MISSED, <= ${maxSizeRatio}` : ''}`,
  )
}

function runHotPath({ set, codec = 'none', raw = false }: Comparison, out?: string): Promise<HotPathRun> {
  const keep = out === undefined ? [] : ['--out', out]
  return runProgram('hot-path.ts', [set.directory, '--codec', codec, ...(raw ? ['--raw'] : []), ...keep])
}
