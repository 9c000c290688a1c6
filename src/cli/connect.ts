import { stringifyJson } from '../formats/json/exact.ts'
import { DocumentError } from '../model/failure.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import { nearest } from '../spec/nearest.ts'
import { mappingFor, tablesFor, type TopicMapping } from '../spec/table-mapping.ts'
import { isGlob } from '../spec/topic-glob.ts'
import { enumerated, quoted } from '../spec/wording.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import type { Terminal } from './terminal.ts'
import type { Block, Engine } from './connect/engine.ts'
import { engines } from './connect/engines.ts'
import { connectTarget } from './connect/target.ts'
import { readDocuments } from './documents.ts'
import { printable } from './printable.ts'

interface ConnectOptions {
  readonly file: string
  readonly json?: boolean
}

/** `connect`: what to paste into an engine to query the tables. */
export const connectCommand: Command = {
  description: `Prints what to paste to query the tables of a document: ${enumerated(
    Object.values(engines).map(({ title }) => title),
    'or',
  )}. What is secret stands as <token> or the like, or comes from the environment. Sessions are set to UTC, and bytes are shown as text beside their column.`,
  options: [],
  subcommands: Object.fromEntries(
    Object.entries(engines).map(([name, engine]) => [
      name,
      { summary: `print what to paste into ${engine.title}`, command: connectTo(name, engine) },
    ]),
  ),
  examples: [
    ['connect duckdb -f spec.yaml', 'Query all tables of a document with DuckDB:'],
    ['connect snowflake -f spec.yaml orders', 'Query one table with Snowflake:'],
  ],
}

function connectTo(name: string, engine: Engine): Command<ConnectOptions> {
  return {
    description: `Prints what to paste into ${engine.title} to query the tables. Topics that the document names ask no server; those it means by a glob are looked for in the source.`,
    argument: { name: 'table', description: 'this table alone' },
    options: [fileOption, jsonOption],
    examples: [[`connect ${name} -f spec.yaml`, 'Query all tables:']],
    async run({ argument, options }, terminal) {
      const { documents } = await readDocuments(options.file)
      const named = await Promise.all(documents.map(async (document) => ({ document, tables: await tablesOf(document, argument) })))
      const chosen = named.filter(({ tables }) => argument === undefined || tables.length > 0)
      if (chosen.length === 0) throw noTable(argument!, documents)
      const { catalogWays } = await import('../compose/catalogs.ts')
      const targetOf = ({ document, tables }: (typeof chosen)[number]) =>
        connectTarget(document, catalogWays(document.spec.sink.catalog), tables)
      const answers = chosen.map((one) => ({ document: one.document, blocks: engine.connect(targetOf(one)) }))
      const shown = answers.map(({ document, blocks }) => {
        if (typeof blocks === 'string') throw new DocumentError(`document ${document.metadata.name}: ${blocks}`)
        return { name: document.metadata.name, blocks }
      })
      if (options.json === true) terminal.out(stringifyJson({ ok: true, engine: name, documents: shown }))
      else for (const { name: document, blocks } of shown) show(document, blocks, shown.length > 1, terminal)
      return 0
    },
  }
}

type Named = readonly [name: string, mapping: TopicMapping]

/** The tables of the topics that the document names, and of those in the source that it means; of these the wanted one. */
async function tablesOf(document: ProcessorDocument, wanted: string | undefined): Promise<Named[]> {
  const { database } = document.spec.sink
  const topics = document.spec.source.topics.filter((topic) => !isGlob(topic))
  const matches = ([name]: Named) => wanted === undefined || wanted === name || wanted === `${database}.${name}`
  const literal = [...tablesFor(document, topics)].map(([name, { mapping }]): Named => [name, mapping]).filter(matches)
  if (topics.length === document.spec.source.topics.length || (wanted !== undefined && literal.length > 0)) return literal
  const { documentTables } = await import('../compose.ts')
  const [found] = await documentTables([document])
  return [...found].map(([name, { mapping }]): Named => [name, mapping]).filter(matches)
}

function noTable(wanted: string, documents: readonly ProcessorDocument[]): DocumentError {
  const names = documents.flatMap((document) =>
    document.spec.source.topics.filter((topic) => !isGlob(topic)).map((topic) => mappingFor(document, topic).table),
  )
  const meant = nearest(wanted, names)
  return new DocumentError(`the documents have no table ${quoted(wanted)}${meant === undefined ? '' : `; did you mean ${meant}?`}`)
}

function show(document: string, blocks: readonly Block[], isOneOfSeveral: boolean, terminal: Terminal): void {
  if (isOneOfSeveral) terminal.out(terminal.style('bold', printable(document)))
  for (const { where, text } of blocks) {
    terminal.out(terminal.style('dim', `--- ${where}`))
    for (const line of text.split('\n')) terminal.out(printable(line))
    terminal.out('')
  }
}
