import { execFile } from 'node:child_process'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installDirectory } from '../integration/servers.ts'
import type { Comparison } from './ratios.ts'

const execute = promisify(execFile)

/** Builds the native program outside of the checkout and returns its path. Throws an Error where there is no cargo, or it does not build. */
export async function buildNative(): Promise<string> {
  const build = join(installDirectory(), 'bench-native')
  await mkdir(build, { recursive: true })
  await cp(join(import.meta.dirname, 'native'), build, { recursive: true, preserveTimestamps: true })
  await execute('cargo', ['build', '--release', '--quiet'], { cwd: build })
  return join(build, 'target/release/native')
}

/**
 * Records per CPU second of the native program on the files CODEC-NN.kfs of a data set, by its own account: JSON into columns with its
 * default dictionaries, or (`raw`) values kept whole; zstd level 1. Its Parquet files are dropped, or kept in the directory `out`.
 */
export async function runNative({ native, set, codec = 'none', raw = false }: Comparison, out = '-'): Promise<number> {
  const { stdout } = await execute(native, [set.directory, codec, raw ? 'raw' : 'zstd1', out, set.columns])
  const found = /rec\/s\/core=(\d+)/.exec(stdout)
  if (found === null) throw new Error(`the native program printed no records per second: ${stdout.slice(0, 200)}`)
  return Number(found[1])
}
