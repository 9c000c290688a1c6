import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { topicsDecided } from '../../model/incarnation.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { findTableState, isOurs } from '../../pipeline/commit/table-state.ts'
import { summaryKeys } from '../../pipeline/commit/summary-keys.ts'
import { discoverPartitions } from '../../pipeline/plan/discover-partitions.ts'
import { forEachAtOnce } from '../../pipeline/verify/at-once.ts'
import type { Catalog } from '../../seams/catalog.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { type LeftOutTopics, type MappedTable, mappingFor, meetings } from '../../spec/table-mapping.ts'
import { isGlob, matchTopics } from '../../spec/topic-glob.ts'
import { settledTables } from '../feed/settled-tables.ts'
import { manifestListReader } from '../verify/looked-at.ts'

/** A table of a document, and the topic-partitions that the source has for it; without topics, where none of those that claim it goes into it. */
export interface KnownTable extends MappedTable {
  readonly name: string
  readonly partitions: readonly TopicPartition[]
  /** Topics that meet others in the table and do not go into it, with their topic-partitions; null: none. */
  readonly leftOut: (LeftOutTopics & { readonly partitions: readonly TopicPartition[] }) | null
}

interface KnownTableSeams {
  readonly source: ObjectStore
  readonly catalog: Catalog
  readonly io: Pick<FileIO, 'read'>
}

/** Tables of a namespace that are looked into at once. */
const tablesAtOnce = 8

/** The tables of the topics that the source has, by name; no catalog is asked, so of topics that meet in one the first stands for all. */
export async function tablesOfSource(
  document: ProcessorDocument,
  source: SourceIdentity,
  store: ObjectStore,
): Promise<ReadonlyMap<string, MappedTable>> {
  const found = await discoverPartitions(store, source.prefix, document.spec.source.topics)
  return meetings(document, new Set(found.map(({ topic }) => topic))).tables
}

/** Tables with the topic-partitions that were found of their topics, and of those that are left out. */
function withPartitions(
  document: ProcessorDocument,
  { tables, leftOut }: Awaited<ReturnType<typeof settledTables>>,
  found: readonly TopicPartition[],
): KnownTable[] {
  const unfed = leftOut
    .filter(({ table }) => !tables.has(table))
    .map(({ table, topics }) => [table, { topics: [], mapping: mappingFor(document, topics[0]) }] as const)
  return [...tables, ...unfed].map(([name, table]) => {
    const out = leftOut.find((one) => one.table === name)
    return {
      ...table,
      name,
      partitions: partitionsOf(table, found),
      leftOut: out === undefined ? null : { ...out, partitions: partitionsOf(out, found) },
    }
  })
}

function partitionsOf({ topics }: Pick<MappedTable, 'topics'>, found: readonly TopicPartition[]): TopicPartition[] {
  return found.filter(({ topic }) => topics.includes(topic))
}

/**
 * The tables of a document, whether the source still has a segment of their topics or not: of the topics that the source has or the
 * document names, whether there is such a table or not; and those that the catalog has with progress of a topic that the document means,
 * under a name of its mappings or, where globs name the topics, any name of the namespace, as far as the catalog lets them be listed.
 * `wanted`: this one alone, with or without its namespace, whatever name the document has for its topics now.
 *
 * A table of a name that was asked for, or stands in a mapping, of which the state can not be read is among them, without topics. Throws
 * what the store throws, and a WorkError where the catalog or a store does not answer.
 */
export async function knownTables(
  document: ProcessorDocument,
  wanted: string | undefined,
  source: SourceIdentity,
  seams: KnownTableSeams,
): Promise<KnownTable[]> {
  const { sink, source: from, mappings } = document.spec
  const found = await discoverPartitions(seams.source, source.prefix, from.topics)
  const names = new Set([...found.map(({ topic }) => topic), ...from.topics.filter((topic) => !isGlob(topic))])
  const tables = withPartitions(document, await settledTables(document, names, source, seams), found)

  const within = `${sink.database}.`
  const isWanted = (name: string) => wanted === undefined || wanted === name || wanted === within + name
  const named = mappings.map(({ topic, table }) => table ?? (isGlob(topic) ? undefined : mappingFor(document, topic).table))
  const asked = wanted === undefined ? [] : [wanted.startsWith(within) ? wanted.slice(within.length) : wanted]
  const mayHaveMore = wanted === undefined && from.topics.some(isGlob)
  const listed = mayHaveMore ? await listedTables(sink.database.split('.'), seams.catalog) : []
  // Some catalogs have lower case only.
  const seen = new Set(tables.map(({ name }) => name.toLowerCase()))
  const isNew = (name: string) => !seen.has(name.toLowerCase()) && seen.add(name.toLowerCase()) !== undefined
  const sure = [...named, ...asked].filter((name) => name !== undefined && isWanted(name) && isNew(name)) as string[]
  const perhaps = [...sure.map((name) => ({ name, isNamed: true })), ...listed.filter(isNew).map((name) => ({ name, isNamed: false }))]
  const more = new Map<string, readonly string[]>()
  await forEachAtOnce(perhaps, tablesAtOnce, async ({ name, isNamed }) => {
    const topics = await topicsOf(document, name, isNamed, source, seams)
    if (topics !== null) more.set(name, topics)
  })
  const gone = perhaps.flatMap(({ name }) => {
    const topics = more.get(name)
    if (topics === undefined) return []
    return [{ name, topics, mapping: mappingFor(document, topics[0] ?? name), partitions: partitionsOf({ topics }, found), leftOut: null }]
  })
  return [...tables, ...gone].filter(({ name }) => isWanted(name))
}

async function listedTables(namespace: readonly string[], catalog: Catalog): Promise<readonly string[]> {
  try {
    return await catalog.listTables(namespace)
  } catch (error) {
    // Who runs the tail needs no right to list.
    if (error instanceof WorkError && error.retry === 'never') return []
    throw error
  }
}

/** The topics of this source that went into a table, of those that the document means. Null: it is none of the document's, or not there. */
async function topicsOf(
  document: ProcessorDocument,
  name: string,
  isNamed: boolean,
  source: SourceIdentity,
  { catalog, io }: KnownTableSeams,
): Promise<readonly string[] | null> {
  const namespace = document.spec.sink.database.split('.')
  const meant = document.spec.source.topics
  let isMarked = false
  try {
    const loaded = await catalog.loadTable({ namespace, name })
    if (loaded === null || !isMadeByUs(loaded.metadata)) return null
    isMarked = true
    const { progress } = await findTableState([...namespace, name].join('.'), loaded.metadata, manifestListReader(io))
    const topics = matchTopics(meant, topicsDecided(progress, source.id))
    const isIts = (topic: string) => mappingFor(document, topic).table.toLowerCase() === name.toLowerCase()
    const its = isNamed ? topics : topics.filter(isIts)
    return its.length === 0 ? null : its
  } catch (error) {
    if (!(error instanceof WorkError)) throw error
    if (isNamed) return []
    // Whose a table is that can not be read is not known, and it may be anybody's.
    if (!isMarked || error.retry === 'never') return null
    throw error
  }
}

function isMadeByUs({ properties, snapshots }: TableMetadata): boolean {
  return properties?.[summaryKeys.layout] !== undefined || snapshots?.some(isOurs) === true
}
