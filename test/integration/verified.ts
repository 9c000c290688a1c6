import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DocumentParts, documentText } from './program.ts'

const bin = join(import.meta.dirname, '../../src/bin.js')

/** What `verify` says. */
export interface Verified {
  readonly code: number
  readonly ok: boolean
  /** `kind topic/partition [start, end) snapshot`. */
  readonly findings: readonly string[]
  readonly tables: readonly { readonly table: string; readonly counts: Readonly<Record<string, number>>; readonly problem: string | null }[]
}

/** Runs the command itself. */
export async function verify(parts: DocumentParts, ...options: string[]): Promise<Verified> {
  const directory = await mkdtemp(join(tmpdir(), 'verify-'))
  const file = join(directory, 'document.json')
  await writeFile(file, documentText(parts))
  const { code, stdout } = await new Promise<{ code: number; stdout: string }>((resolve) =>
    execFile(process.execPath, [bin, 'verify', '-f', file, '--json', ...options], (error, out) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout: out }),
    ),
  )
  await rm(directory, { recursive: true })
  // Ids have more digits than a number holds.
  const answer = JSON.parse(stdout.replaceAll(/"snapshot":(\d+)/g, '"snapshot":"$1"')) as Partial<Answer> & { ok: boolean }
  const { ok, findings, tables } = { findings: [], tables: [], ...answer }
  return { code, ok, tables, findings: findings.map(findingText) }
}

interface Answer {
  readonly ok: boolean
  readonly findings: readonly FoundFault[]
  readonly tables: Verified['tables']
}

interface FoundFault {
  readonly kind: string
  readonly topic: string
  readonly partition: number
  readonly start: number
  readonly end: number
  readonly snapshot: string | null
}

function findingText({ kind, topic, partition, start, end, snapshot }: FoundFault): string {
  return `${kind} ${topic}/${partition} [${start}, ${end}) ${snapshot}`
}
