import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installDirectory } from '../integration/servers.ts'

const execute = promisify(execFile)

const packages = ['crc32c==2.9.post0', 'lz4==4.4.5', 'pyarrow==26.0.1', 'zstandard==0.25.0']

/** Runs a Python script of this directory with the packages it needs, which are installed on first use; returns what it prints. */
export async function runPython(script: string, args: readonly string[]): Promise<string> {
  const home = join(installDirectory(), 'bench-py')
  const python = join(home, 'bin', 'python')
  const installed = join(home, 'installed.txt')
  const wanted = packages.join('\n')
  if ((await readFile(installed, 'utf8').catch(() => null)) !== wanted) {
    await execute('python3', ['-m', 'venv', home])
    await execute(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages])
    await writeFile(installed, wanted)
  }
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }
  const { stdout } = await execute(python, [join(import.meta.dirname, script), ...args], { env })
  return stdout
}
