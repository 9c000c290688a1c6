import { stringifyJson } from '../formats/json/exact.ts'
import type { DocumentPause, PausedTable } from '../service/feed/pause-topics.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { printable } from './printable.ts'
import type { Terminal } from './terminal.ts'

interface PauseOptions {
  readonly file: string
  readonly json?: boolean
}

/** A command that pauses or resumes topics; the two differ in words alone. */
export function pauseCommandOf(what: 'pause' | 'resume', words: Pick<Command, 'description' | 'examples'>): Command<PauseOptions> {
  return {
    ...words,
    argument: { name: 'topic', description: 'name or glob of the topics that are meant; all of the document without it' },
    options: [fileOption, jsonOption],
    async run({ argument, options }, terminal) {
      const { documents } = await readDocuments(options.file)
      const { pauseInDocuments } = await import('../compose.ts')
      const done = await pauseInDocuments(documents, what, argument)
      const ok = done.every(({ tables }) => tables.every(({ problem }) => problem === null))
      if (options.json === true) terminal.out(stringifyJson({ ok, documents: done }))
      else show(what, done, terminal)
      return ok ? 0 : 1
    },
  }
}

function show(what: 'pause' | 'resume', documents: readonly DocumentPause[], terminal: Terminal): void {
  const tables = documents.flatMap((document) => document.tables)
  if (tables.length === 0) terminal.out('The source has no topic of the document yet.')
  for (const table of tables) {
    const line = `${printable(table.table)}: ${printable(sentence(what, table))}`
    if (table.problem === null) terminal.out(line)
    else terminal.err(line)
  }
}

function sentence(what: 'pause' | 'resume', { topics, paused, created, changed, problem }: PausedTable): string {
  if (problem !== null) return problem
  const verb = what === 'pause' ? 'paused' : 'resumed'
  const done = changed ? verb : what === 'pause' ? 'was paused already' : 'was not paused'
  const rest = what === 'resume' && paused.length > 0 ? `; still paused: ${paused.join(', ')}` : ''
  return `${done}: ${topics.join(', ')}${created ? ' (the table was made to hold the request)' : ''}${rest}`
}
