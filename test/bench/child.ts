import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Runs a program of this directory in a process of its own and parses the JSON that it prints. */
export async function runProgram<Result>(script: string, args: readonly string[]): Promise<Result> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, script), ...args])
  return JSON.parse(stdout) as Result
}
