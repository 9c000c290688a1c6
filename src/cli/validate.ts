import { stringifyJson } from '../formats/json/exact.ts'
import type { Problem } from '../model/failure.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { printable } from './printable.ts'
import type { Terminal } from './terminal.ts'
import { formatDuration, formatNumberOf, formatTime } from './units.ts'

interface ValidateOptions {
  readonly file: string
  readonly json?: boolean
}

/** `validate`: reads documents as `run` does, and does nothing. */
export const validateCommand: Command<ValidateOptions> = {
  description:
    'Checks documents and says what they would do, without doing it. No server is asked.\n\nAll that is wrong is told at once, with its place. What is right but not available yet is a warning: validate accepts it, and run refuses it. So is a column that some engine can not read, and a mapping that no topic of the source can match.',
  options: [fileOption, jsonOption],
  examples: [
    ['validate -f spec.yaml', 'Check a file:'],
    ['validate -f - --json < spec.yaml', 'Check what a program wrote:'],
  ],
  async run({ options }, terminal) {
    const { fileName, documents } = await readDocuments(options.file)
    const { notYet } = await import('../spec/not-yet.ts')
    const { engineWarnings } = await import('../spec/engine-warnings.ts')
    const { topicWarnings } = await import('../spec/topic-warnings.ts')
    const found = documents.map((document) => ({
      document,
      later: notYet(document),
      warnings: [...topicWarnings(document), ...engineWarnings(document)],
    }))
    if (options.json === true) terminal.out(stringifyJson({ ok: true, file: fileName, documents: found.map(toJson) }))
    else {
      terminal.out(`${printable(fileName)}: ${formatNumberOf(documents.length, 'document')}, ${terminal.style('green', 'valid')}`)
      for (const one of found) show(one, terminal)
    }
    return 0
  },
}

interface Found {
  readonly document: ProcessorDocument
  /** What `run` can not do yet. */
  readonly later: readonly Problem[]
  /** What is about no topic, and what some engine will not do with the tables. */
  readonly warnings: readonly Problem[]
}

function toJson({ document, later, warnings }: Found): unknown {
  const { metadata, spec } = document
  const { catalog, database } = spec.sink
  return {
    name: metadata.name,
    namespace: metadata.namespace,
    topics: spec.source.topics,
    source: sourcePlace(spec.source),
    catalog: { type: catalog.type, endpoint: catalog.endpoint, warehouse: catalog.warehouse },
    database,
    notYet: later.map(({ path, message }) => ({ path, message })),
    warnings: warnings.map(({ path, message }) => ({ path, message })),
  }
}

function show({ document: { metadata, spec }, later, warnings }: Found, terminal: Terminal): void {
  const { style } = terminal
  const { source, sink } = spec
  const line = (title: string, text: string) => terminal.out(`  ${style('dim', title.padEnd(7))} ${printable(text)}`)

  terminal.out(`\n${style('bold', `${metadata.namespace}/${metadata.name}`)}`)
  line('reads', `${source.topics.join(', ')} in ${sourcePlace(source)}, ${startText(source.startAt)}`)
  line('writes', `${tablesText(spec)}, namespace ${sink.database}`)
  const interval = formatDuration(spec.processing.commitIntervalSeconds * 1000)
  line('commits', `to the ${sink.catalog.type} catalog ${sink.catalog.endpoint} every ${interval}`)
  const warn = (text: string) => terminal.out(`  ${style('yellow', 'warning')} ${printable(text)}`)
  for (const { path, message } of warnings) warn(`${path}: ${message}`)
  for (const { path, message } of later) warn(`${path}: ${message}`)
  if (later.length > 0) warn(`run refuses this document because of what is not available yet`)
}

function sourcePlace({ s3, directory }: ProcessorDocument['spec']['source']): string {
  if (s3 === undefined) return `directory ${directory}`
  const at = s3.endpoint ?? s3.region
  return `s3://${s3.bucket}/${s3.prefix}${at === undefined ? '' : ` (${at})`}`
}

function startText(startAt: ProcessorDocument['spec']['source']['startAt']): string {
  return typeof startAt === 'string' ? `from the ${startAt} offset` : `from ${formatTime(startAt.timeMs)}`
}

function tablesText({ mappings }: ProcessorDocument['spec']): string {
  const named = mappings.filter(({ table }) => table !== undefined).map(({ topic, table }) => `${topic} into ${table}`)
  return [...named, named.length === 0 ? 'a table for each topic' : 'each other topic into its own'].join(', ')
}
