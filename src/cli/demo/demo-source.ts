import { cp, readdir, utimes } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { WorkError } from '../../model/failure.ts'

/** The sample segments that come with the program, in a clone and in the package alike. */
const sample = 'test/golden/bucket/prod'

/** Copies the sample segments into `directory`, as old as if they had been written an hour ago: past their grace age. Returns how many. */
export async function copySampleSegments(directory: string, nowMs: number): Promise<number> {
  await cp(join(packageRoot(), sample), directory, { recursive: true, preserveTimestamps: false })
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const written = new Date(nowMs - 3_600_000)
  await Promise.all(files.map((entry) => utimes(join(entry.parentPath, entry.name), written, written)))
  return files.filter((entry) => entry.name.endsWith('.kfs')).length
}

function packageRoot(): string {
  for (let directory = import.meta.dirname; ; directory = dirname(directory)) {
    if (existsSync(join(directory, sample))) return directory
    if (directory === dirname(directory))
      throw new WorkError(`the sample segments (${sample}) are missing beside the program; install it again`, { retry: 'never' })
  }
}
