import { execFile, spawn } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { DeclaredColumn } from './columns.ts'
import { type ProcessUsage, usagePreload } from './usage.ts'

const root = join(import.meta.dirname, '../..')

/** What one run of the program came to. */
export interface ServiceRun extends ProcessUsage {
  readonly rows: number
  readonly files: number
  readonly seconds: number
  /** From the start of the process to the line that says the first rows are committed. */
  readonly firstRowSeconds: number
}

/** What a document says besides source and sink. */
export interface DocumentParts {
  /** Columns of JSON values; null: values are kept whole. Default: what the processor makes of a sample. */
  readonly columns?: readonly DeclaredColumn[] | null
  readonly parallelism?: number
  /** The namespace of the tables. */
  readonly database?: string
}

/** A document for `run`, as JSON: the topic `orders` of `source` into a table. */
export function serviceDocument(source: object, sink: object, { columns, parallelism, database = 'bench' }: DocumentParts = {}): string {
  const value = columns === null ? { format: 'binary' } : { format: 'json', columns }
  return JSON.stringify({
    apiVersion: 'kafscale.io/v1',
    kind: 'IcebergProcessor',
    metadata: { name: 'bench' },
    spec: {
      source: { topics: ['orders'], ...source },
      sink: { ...sink, database },
      ...(columns !== undefined && { mappings: [{ topic: 'orders', value }] }),
      ...(parallelism !== undefined && { processing: { parallelism } }),
    },
  })
}

/** Where the tables go: a SQLite catalog in `directory`, with its files beside it or in `warehouse`. */
export function sqliteSink(directory: string, warehouse = `file://${directory}/warehouse`): object {
  return { catalog: { type: 'sql', endpoint: `sqlite:${join(directory, 'catalog.db')}`, warehouse } }
}

let building: Promise<unknown> | undefined

/** The program as it is installed, which is what is measured: built once, with no types to strip while it starts. */
export async function builtProgram(): Promise<string> {
  await (building ??= promisify(execFile)('npm', ['run', 'build'], { cwd: root }))
  return join(root, 'dist/bin.js')
}

/**
 * Runs the program to the end (`run --once`) in a process of its own and measures that process. Throws an Error with its
 * last lines where it fails or does not commit `records` rows.
 */
export async function runService(directory: string, document: string, records: number): Promise<ServiceRun> {
  const file = join(directory, 'document.json')
  const usageFile = join(directory, 'usage.json')
  await writeFile(file, document)
  const program = await builtProgram()
  const startedMs = performance.now()
  let firstRowSeconds = Number.NaN
  let rows = 0
  let files = 0
  const output = await new Promise<string>((resolve, reject) => {
    const args = ['--import', usagePreload, program, 'run', '-f', file, '--once']
    const child = spawn(process.execPath, args, {
      cwd: directory,
      env: { ...process.env, BENCH_USAGE: usageFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let lines = ''
    let rest = ''
    const take = (chunk: string) => {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop()!
      for (const line of parts) {
        lines = `${lines}${line}\n`.slice(-4000)
        const committed = commitIn(line)
        if (committed === null) continue
        if (committed.rows > 0 && Number.isNaN(firstRowSeconds)) firstRowSeconds = (performance.now() - startedMs) / 1000
        rows += committed.rows
        files += committed.files
      }
    }
    child.stdout.setEncoding('utf8').on('data', take)
    child.stderr.setEncoding('utf8').on('data', take)
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(lines) : reject(new Error(`run --once ended with ${code}:\n${lines}`))))
  })
  const seconds = (performance.now() - startedMs) / 1000
  if (rows !== records) throw new Error(`run --once committed ${rows} rows, and ${records} were expected:\n${output}`)
  const usage = JSON.parse(await readFile(usageFile, 'utf8')) as ProcessUsage
  await rm(usageFile)
  return { ...usage, rows, files, seconds, firstRowSeconds }
}

function commitIn(line: string): { rows: number; files: number } | null {
  if (!line.startsWith('{')) return null
  const { msg, rows, files } = JSON.parse(line) as { msg?: string; rows?: number | string; files?: number }
  return msg === 'committed' ? { rows: Number(rows), files: Number(files) } : null
}
