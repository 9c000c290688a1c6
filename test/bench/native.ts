import { execFile } from 'node:child_process'
import { cp, mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installDirectory } from '../integration/servers.ts'

const execute = promisify(execFile)

/**
 * Records per CPU second of the native program in its mode `raw` on the same segments; null where there is no cargo.
 * Built outside of the checkout. Throws an Error where it does not build or run.
 */
export async function nativeRawRecords(segments: readonly string[], scratch: string): Promise<number | null> {
  const hasCargo = await execute('cargo', ['--version']).then(
    () => true,
    () => false,
  )
  if (!hasCargo) return null
  const build = join(installDirectory(), 'bench-native')
  await mkdir(build, { recursive: true })
  await cp(join(import.meta.dirname, 'native'), build, { recursive: true })
  await execute('cargo', ['build', '--release', '--quiet'], { cwd: build })
  const input = join(scratch, 'native')
  await mkdir(input)
  for (const [i, path] of segments.entries()) await symlink(path, join(input, `none-${String(i).padStart(2, '0')}.kfs`))
  const { stdout } = await execute(join(build, 'target/release/native'), [input, 'none', 'raw'])
  await rm(input, { recursive: true })
  const found = /rec\/s\/core=(\d+)/.exec(stdout)
  if (found === null) throw new Error(`the native program printed no records per second: ${stdout.slice(0, 200)}`)
  return Number(found[1])
}
