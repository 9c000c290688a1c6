import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { parseIncarnation } from '../../model/incarnation.ts'
import { decidedSets } from '../../model/progress.ts'
import { findTableState } from '../../pipeline/commit/table-state.ts'
import type { TableIdentifier } from '../../seams/catalog.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { mappingFor } from '../../spec/table-mapping.ts'
import { isGlob, matchTopics } from '../../spec/topic-glob.ts'
import { discoverTables } from '../status/discover-tables.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { manifestListReader } from '../verify/looked-at.ts'

/** What became of work on one table. */
export interface TableOutcome<T> {
  /** With its namespace: `analytics.orders`. */
  readonly table: string
  /** Null where it failed. */
  readonly done: T | null
  /** Why it failed; null where it did not. */
  readonly problem: string | null
}

/**
 * Does something with each table of a document that the catalog has, or with the one that is wanted: none where it is of another document.
 * Whether the source still has a segment of its topics does not matter. What goes wrong with one table keeps no other back.
 */
export async function workOnTables<T>(
  document: ProcessorDocument,
  wanted: string | undefined,
  source: SourceIdentity,
  seams: Pick<ProcessorSeams, 'source' | 'catalog'> & { readonly io: Pick<FileIO, 'read'> },
  work: (table: TableIdentifier) => Promise<T>,
): Promise<TableOutcome<T>[]> {
  const namespace = document.spec.sink.database.split('.')
  const discovered = await discoverTables(document, source, seams.source)
  const sure = [...discovered.map(({ name }) => name), ...namedTables(document)]
  const outcomes: TableOutcome<T>[] = []
  const seen = new Set<string>()
  for (const [i, name] of [...sure, ...perhapsTables(document, wanted)].entries()) {
    // Some catalogs have lower case only.
    if (seen.has(name.toLowerCase())) continue
    seen.add(name.toLowerCase())
    const table = [...namespace, name].join('.')
    if (wanted !== undefined && wanted !== name && wanted !== table) continue
    try {
      const loaded = await seams.catalog.loadTable({ namespace, name })
      if (loaded === null || !(i < sure.length || (await isFedBy(document, source, table, loaded.metadata, seams.io)))) continue
      outcomes.push({ table, done: await work({ namespace, name }), problem: null })
    } catch (error) {
      if (!(error instanceof WorkError)) throw error
      outcomes.push({ table, done: null, problem: error.message })
    }
  }
  return outcomes
}

/** The tables of the topics that a document names in so many words. */
function namedTables(document: ProcessorDocument): string[] {
  const { source, mappings } = document.spec
  const named = [...source.topics, ...mappings.map(({ topic }) => topic)].filter((topic) => !isGlob(topic))
  return matchTopics(source.topics, named).map((topic) => mappingFor(document, topic).table)
}

/** Tables that may be of this document: those of topics that a glob means, and are gone. */
function perhapsTables({ spec: { sink, mappings } }: ProcessorDocument, wanted: string | undefined): string[] {
  const within = `${sink.database}.`
  const asked = wanted === undefined ? [] : [wanted.startsWith(within) ? wanted.slice(within.length) : wanted]
  return [...mappings.flatMap(({ table }) => table ?? []), ...asked]
}

/** Whether a table's progress has a topic that the document means. Throws a WorkError where it can not be read. */
async function isFedBy(
  { spec }: ProcessorDocument,
  source: SourceIdentity,
  name: string,
  metadata: TableMetadata,
  io: Pick<FileIO, 'read'>,
): Promise<boolean> {
  const { progress } = await findTableState(name, metadata, manifestListReader(io))
  return decidedSets(progress).some(
    (set) => parseIncarnation(set.source).source === source.id && matchTopics(spec.source.topics, [set.at.topic]).length > 0,
  )
}
