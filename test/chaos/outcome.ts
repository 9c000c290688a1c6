import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDocument } from '../../src/compose.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { currentSnapshot } from '../../src/formats/iceberg/table-metadata.ts'
import { isOurs } from '../../src/pipeline/commit/table-state.ts'
import { loadDocuments } from '../../src/spec/load.ts'
import { TableReader } from '../simulation/table-reader.ts'
import type { Expected } from './producer.ts'
import { database } from './stage.ts'

const bin = join(import.meta.dirname, '../../src/bin.js')

/** What the program said at its end. */
export interface Ended {
  readonly code: number
  readonly output: string
}

/** One command of the program, to its end. */
export function program(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], { maxBuffer: 64 * 1024 * 1024, timeout: 600_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, output: `${stdout}${stderr}` }),
    )
  })
}

/** What a look at the tables with other eyes than the program's came to. */
export interface Outcome {
  readonly commits: number
  readonly rowsChecked: number
  /** One sentence each, the first few. */
  readonly problems: readonly string[]
}

/** Reads every row of the tables of these topics and sets it against what the producers wrote. */
export async function lookAtTables(document: string, topics: readonly string[], expected: Expected): Promise<Outcome> {
  const { commits, seen, problems } = await readTables(document, topics, expected)
  for (const [place, value] of expected) if (value !== null && !seen.has(place)) problems.push(`${place} is missing`)
  return { commits, rowsChecked: seen.size, problems: problems.slice(0, 20) }
}

/** The same of tables that were made from history alone: of each log they have everything up to somewhere. Resolves with the problems. */
export async function lookBeside(document: string, tables: readonly string[], expected: Expected): Promise<readonly string[]> {
  const { seen, problems } = await readTables(document, tables, expected)
  const ends = new Map<string, bigint>()
  for (const [log, offset] of [...seen].map(partsOf)) if (offset >= (ends.get(log) ?? 0n)) ends.set(log, offset)
  for (const [place, value] of expected) {
    const [log, offset] = partsOf(place)
    if (!ends.has(log)) problems.push(`nothing of ${log} is there`)
    else if (value !== null && offset < ends.get(log)! && !seen.has(place)) problems.push(`${place} is missing`)
  }
  return problems.slice(0, 20).map((problem) => `beside: ${problem}`)
}

async function readTables(document: string, tables: readonly string[], expected: Expected) {
  const opened = await openDocument(loadDocuments(await readFile(document, 'utf8'), document, {})[0], memoryJournal())
  const problems: string[] = []
  const seen = new Set<string>()
  let commits = 0
  try {
    const reader = new TableReader(opened.seams.io)
    for (const name of tables) {
      const metadata = (await opened.seams.catalog.loadTable({ namespace: [database], name }))?.metadata
      const current = metadata === undefined ? null : currentSnapshot(metadata)
      if (metadata === undefined || current === null) continue
      commits += metadata.snapshots?.filter(isOurs).length ?? 0
      for (const { path, rows } of await reader.liveFiles(await reader.manifestList(current))) {
        for (const { log, offset, value } of rows) {
          const place = `${log}@${offset}`
          if (seen.has(place)) problems.push(`${place} is there twice, the second in ${path}`)
          seen.add(place)
          if (expected.get(place) !== value) problems.push(`${place} is ${value}, not ${String(expected.get(place))}`)
        }
      }
    }
  } finally {
    await opened.close()
  }
  return { commits, seen, problems }
}

/** The log and the offset of `topic/partition@offset`. */
function partsOf(place: string): [log: string, offset: bigint] {
  const [log, offset] = place.split('@')
  return [log, BigInt(offset)]
}
