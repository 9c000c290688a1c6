import { runProgram } from '../../src/cli/program.ts'
import { runDocuments } from '../../src/compose.ts'
import { loadDocuments } from '../../src/spec/load.ts'
import { recordingTerminal } from '../unit/cli/program.ts'
import { load, type Plain, smallest } from '../unit/spec/documents.ts'
import { type BadInput, cases, thrownBy } from './case.ts'

const yaml = (text: string) => () => thrownBy(() => loadDocuments(text, 'spec.yaml', {}))
const changed = (change: (document: Plain) => void) => () => thrownBy(() => load(smallest(change)))
const run = (change: (document: Plain) => void) => () =>
  thrownBy(() =>
    runDocuments([load(smallest(change))], {
      role: 'run',
      once: true,
      logLevel: 'error',
      json: false,
      signal: new AbortController().signal,
    }),
  )

async function said(...argv: string[]): Promise<string> {
  const terminal = recordingTerminal()
  const code = await runProgram(argv, terminal)
  if (code !== 2) throw new Error(`expected exit code 2, found ${code}`)
  return terminal.errors.join(' ')
}

const refused = 'Exit code 2, before anything is read or written.'

export const documentCases: BadInput[] = cases('documents', refused, [
  ['an empty file', yaml('')],
  ['YAML that can not be read', yaml('spec: [a, b')],
  ['an unknown key', changed((document) => (document.spec.sorce = {}))],
  ['a value of another type', changed((document) => (document.spec.processing = { parallelism: 'many' }))],
  ['a number out of range', changed((document) => (document.spec.processing = { commitIntervalSeconds: 0 }))],
  ['a variable that is not set', changed((document) => (document.spec.source.directory = '${SEGMENTS}'))],
  ['no source', changed((document) => delete document.spec.source.directory)],
  ['two topics that meet in one table', changed((document) => (document.spec.source.topics = ['a.b', 'a_b']))],
  ['a time without a zone', changed((document) => (document.spec.source.startAt = '2026-01-01T00:00:00'))],
  ['what `run` can not do yet', run((document) => (document.spec.mappings = [{ topic: 'events', mode: 'upsert' }]))],
])

export const argumentCases: BadInput[] = cases('arguments', refused, [
  ['an unknown command', () => said('rnu')],
  ['a command of a later version', () => said('dead-letters')],
  ['an unknown option', () => said('validate', '-f', 'spec.yaml', '--fil')],
  ['a document that is not named', () => said('validate')],
  ['a document that is not there', () => said('validate', '-f', 'missing.yaml')],
])
