import { createHash } from 'node:crypto'
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { installDirectory } from '../integration/servers.ts'
import { runPython } from './python.ts'

const generators = join(import.meta.dirname, 'data')
/** A segment of 64 MiB at most, with other records of the same kind. */
const warmRecords = 100_000

/** Generated segments, the same bytes every time. */
export interface DataSet {
  /** CODEC-NN.kfs, of 64 MiB at most. */
  readonly directory: string
  /** The same with few other records, to warm a process with. */
  readonly warm: string
  /** The columns' names and types, a line each. */
  readonly columns: string
}

/** Columns of the order events. */
export const orderColumns = join(generators, 'orders.tsv')

/** Order events as `orders.py` makes them. */
export function orders(records: number, name: string, ...options: string[]): Promise<DataSet> {
  return generated(`${name}-${records}`, 'orders.py', records, options)
}

/** Events of a schema that a seed draws, as `other.py` makes them. */
export function others(records: number, seed: number): Promise<DataSet> {
  return generated(`other-${seed}-${records}`, 'other.py', records, ['--schema', String(seed)])
}

/** What is there already is used again; what an older generator made is removed. */
async function generated(name: string, script: string, records: number, options: readonly string[]): Promise<DataSet> {
  const home = join(installDirectory(), `bench-data-${await generatorHash()}`)
  const directory = join(home, name)
  const set = { directory, warm: join(directory, 'warm'), columns: join(directory, 'columns.tsv') }
  const isThere = await access(directory).then(
    () => true,
    () => false,
  )
  if (isThere) return set
  await mkdir(home, { recursive: true })
  await removeOlder(home)
  const building = `${directory}.${process.pid}`
  await runPython(join('data', script), [String(records), building, ...options])
  await runPython(join('data', script), [String(Math.min(records, warmRecords)), join(building, 'warm'), ...options, '--seed', '2'])
  await rename(building, directory)
  return set
}

async function generatorHash(): Promise<string> {
  const hash = createHash('sha256')
  for (const file of (await readdir(generators)).toSorted()) hash.update(await readFile(join(generators, file)))
  return hash.digest('hex').slice(0, 12)
}

async function removeOlder(home: string): Promise<void> {
  for (const name of await readdir(installDirectory())) {
    const path = join(installDirectory(), name)
    if (name.startsWith('bench-data-') && path !== home) await rm(path, { recursive: true, force: true })
  }
}
