import { DocumentError, WorkError } from '../../model/failure.ts'
import { noRequests, type Requests, withPaused, withResumed } from '../../model/requests.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { LoadedTable, TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { MappedTable } from '../../spec/table-mapping.ts'
import { isGlob, matchTopics, topicMatcher } from '../../spec/topic-glob.ts'
import { TableChanged } from './commit-loop.ts'
import { TableCommitter } from './committer.ts'
import { createTable, decideTableValue } from './create-table.ts'
import { discoverPartitions } from '../../pipeline/plan/discover-partitions.ts'
import type { ProcessorSeams } from './processor-seams.ts'
import { settledTables } from './settled-tables.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'

/** What became of pausing or resuming topics of one table. */
export interface PausedTable {
  /** With its namespace: `analytics.orders`. */
  readonly table: string
  /** The topics that were meant, of those that go into this table. */
  readonly topics: readonly string[]
  /** All topics of the table that are paused now. */
  readonly paused: readonly string[]
  /** Whether the table was made, so that it can hold the request. */
  readonly created: boolean
  readonly changed: boolean
  /** Why it could not be done; null where it was. */
  readonly problem: string | null
}

/** What became of pausing or resuming topics of a document. */
export interface DocumentPause {
  /** The document's name. */
  readonly name: string
  readonly tables: readonly PausedTable[]
}

type PauseSeams = Pick<ProcessorSeams, 'source' | 'catalog' | 'io' | 'clock' | 'entropy' | 'journal' | 'meter'>

/** How often a table is opened again whose definitions others change meanwhile. */
const maxOpenings = 5

/**
 * Pauses or resumes the topics of a document that `wanted` names or, as a glob, matches; all of them where it is undefined. The
 * requests are written into the tables. Throws a DocumentError where the document has no such topic.
 */
export async function pauseTopics(
  document: ProcessorDocument,
  what: 'pause' | 'resume',
  wanted: string | undefined,
  source: SourceIdentity,
  seams: PauseSeams,
): Promise<DocumentPause> {
  const patterns = document.spec.source.topics
  const found = await discoverPartitions(seams.source, source.prefix, patterns)
  const named = [...patterns, ...(wanted === undefined ? [] : [wanted])].filter((topic) => !isGlob(topic))
  const topics = matchTopics(patterns, new Set([...found.map(({ topic }) => topic), ...named]))
  const meant = wanted === undefined ? topics : topics.filter(topicMatcher(wanted))
  const tables: PausedTable[] = []
  const { tables: settled, leftOut } = await settledTables(document, topics, source, seams)
  for (const [name, table] of settled) {
    const own = table.topics.filter((topic) => meant.includes(topic))
    if (own.length === 0) continue
    const asked = new PauseOfTable(document, name, table, found, source, seams)
    tables.push(await asked.carryOut(what, own))
  }
  for (const { table, topics: out, reason } of leftOut) {
    const own = out.filter((topic) => meant.includes(topic))
    const name = [document.spec.sink.database, table].join('.')
    if (own.length > 0) tables.push({ table: name, topics: own, paused: [], created: false, changed: false, problem: reason })
  }
  return { name: document.metadata.name, tables }
}

class PauseOfTable {
  readonly #document: ProcessorDocument
  readonly #table: TableIdentifier
  readonly #mapped: MappedTable
  readonly #partitions: readonly TopicPartition[]
  readonly #source: SourceIdentity
  readonly #seams: PauseSeams

  constructor(
    document: ProcessorDocument,
    name: string,
    mapped: MappedTable,
    found: readonly TopicPartition[],
    source: SourceIdentity,
    seams: PauseSeams,
  ) {
    this.#document = document
    this.#table = { namespace: document.spec.sink.database.split('.'), name }
    this.#mapped = mapped
    this.#partitions = found.filter(({ topic }) => mapped.topics.includes(topic))
    this.#source = source
    this.#seams = seams
  }

  async carryOut(what: 'pause' | 'resume', topics: readonly string[]): Promise<PausedTable> {
    const table = [...this.#table.namespace, this.#table.name].join('.')
    const none = { table, topics, paused: [], created: false, changed: false, problem: null }
    try {
      const existing = await this.#seams.catalog.loadTable(this.#table)
      // Nothing can be paused in a table that is not there.
      if (existing === null && what === 'resume') return none
      const loaded = existing ?? (await this.#create(withPaused(noRequests, topics)))
      const change = (requests: Requests) => (what === 'pause' ? withPaused : withResumed)(requests, topics)
      const { before, after } = await this.#change(loaded, change)
      const created = existing === null
      return { ...none, paused: after.pause, created, changed: created || before.pause.length !== after.pause.length }
    } catch (error) {
      if (!(error instanceof WorkError)) throw error
      return { ...none, problem: error.message }
    }
  }

  async #change(loaded: LoadedTable, change: (requests: Requests) => Requests): Promise<{ before: Requests; after: Requests }> {
    let { metadata } = loaded
    for (let opening = 1; ; opening++) {
      const committer = new TableCommitter(this.#source.id, this.#table, this.#document.metadata.name, metadata, this.#seams)
      try {
        let before = noRequests
        const { requests } = await committer.changeRequests((asked) => change((before = asked)))
        return { before, after: requests }
      } catch (error) {
        if (!(error instanceof TableChanged) || opening === maxOpenings) throw error
        metadata = (await this.#seams.catalog.loadTable(this.#table))?.metadata ?? metadata
      }
    }
  }

  async #create(requests: Requests): Promise<LoadedTable> {
    const { name } = this.#table
    const { mapping } = this.#mapped
    const value = await decideTableValue(this.#document, this.#source, name, mapping, this.#partitions, this.#seams.source)
    if ('readyInMs' in value) {
      const when = value.readyInMs === null ? 'once there are segments' : `in ${Math.ceil(value.readyInMs / 1000)} s`
      const message = `table ${name} is not there yet to hold the request, and no record tells yet what its columns are: try again ${when}, or say value.format or value.columns in the document`
      throw new WorkError(message, { retry: 'later' })
    }
    return createTable(this.#document, this.#table, mapping, value, requests, this.#seams)
  }
}

/** Throws a DocumentError unless one of the documents has a topic that was meant. */
export function refuseUnknownTopic(wanted: string | undefined, documents: readonly DocumentPause[]): void {
  if (wanted === undefined || documents.some(({ tables }) => tables.length > 0)) return
  throw new DocumentError(`no topic of the document is ${wanted}, by its source.topics and what the source has`)
}
