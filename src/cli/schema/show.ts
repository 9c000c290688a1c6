import { stringifyJson } from '../../formats/json/exact.ts'
import { DocumentError } from '../../model/failure.ts'
import type { TableOutlook } from '../../service/status/table-outlook.ts'
import { nearest } from '../../spec/nearest.ts'
import { quoted } from '../../spec/wording.ts'
import { type Command, fileOption, jsonOption } from '../command.ts'
import { readDocuments } from '../documents.ts'
import { printable } from '../printable.ts'
import type { Terminal } from '../terminal.ts'
import { originText } from '../origin-text.ts'
import { type MappingEntry, mappingEntries } from './mapping-entry.ts'
import { mappingLines } from './mapping-yaml.ts'

interface ShowOptions {
  readonly file: string
  readonly json?: boolean
}

interface Shown {
  readonly outlook: TableOutlook
  readonly entries: readonly MappingEntry[]
}

/** `schema show`: the columns of tables, as part of a document. */
export const schemaShowCommand: Command<ShowOptions> = {
  description:
    'Shows the columns that the values of each table become: as the table has them, or as they would be inferred now from a sample of its records. What it prints can be pasted into the document under spec, where it takes the place of entries for the same topics and stands before others that match them; then nothing is inferred. Changes nothing.',
  argument: { name: 'table', description: 'the table to show, with or without its namespace (default: all of them)' },
  options: [fileOption, jsonOption],
  examples: [
    ['schema show -f spec.yaml orders', 'Show the columns of a table:'],
    ['schema show -f spec.yaml --json', 'The same of all tables, for a program:'],
  ],
  async run({ argument, options }, terminal) {
    const { documents } = await readDocuments(options.file)
    const { documentOutlooks } = await import('../../compose.ts')
    const found = await documentOutlooks(documents, argument)
    const shown = found.map(({ name, tables }, i) => ({
      name,
      tables: tables.map((outlook) => ({ outlook, entries: mappingEntries(documents[i], outlook) })),
    }))
    if (argument !== undefined && shown.every(({ tables }) => tables.length === 0))
      throw noTable(
        argument,
        found.flatMap(({ tableNames }) => tableNames),
      )
    if (options.json === true)
      terminal.out(stringifyJson({ ok: true, documents: shown.map(({ name, tables }) => ({ name, tables: tables.map(toJson) })) }))
    else {
      for (const [i, { name, tables }] of shown.entries()) {
        if (shown.length > 1) terminal.out(`${i > 0 ? '---\n' : ''}# document ${printable(name)}`)
        show(tables, terminal)
      }
    }
    return shown.some(({ tables }) => tables.some(({ outlook }) => outlook.refused !== null)) ? 1 : 0
  },
}

function toJson({ outlook: { table, topics, metadata, sample, refused }, entries }: Shown): unknown {
  return { table, topics, exists: metadata !== null, refused, sample, mappings: entries }
}

function show(tables: readonly Shown[], terminal: Terminal): void {
  const { style } = terminal
  const comment = (text: string) => terminal.out(style('dim', `    # ${text}`))
  if (tables.length === 0) comment('no topic of the source matches yet')
  if (tables.some(({ entries }) => entries.length > 0)) terminal.out('  mappings:')
  for (const { outlook, entries } of tables) {
    comment(`${printable(outlook.table)}: ${originText(outlook)}`)
    for (const line of mappingLines(entries)) terminal.out(line)
  }
}

/** Tables that are named to someone who looked for another. */
const namedTables = 10

function noTable(wanted: string, known: readonly string[]): DocumentError {
  const meant = nearest(wanted, [...known, ...known.map((name) => name.slice(name.lastIndexOf('.') + 1))])
  const named = [...known.slice(0, namedTables), ...(known.length > namedTables ? ['…'] : [])].join(', ')
  const hint =
    known.length === 0 ? 'no topic of the source matches yet' : meant === undefined ? `the tables are ${named}` : `did you mean ${meant}?`
  return new DocumentError(`there is no table ${quoted(wanted)} for a topic of the source; ${hint}`)
}
