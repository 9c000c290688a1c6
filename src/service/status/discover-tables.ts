import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { type MappedTable, tablesFor } from '../../spec/table-mapping.ts'
import { discoverPartitions } from '../../pipeline/plan/discover-partitions.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'

/** A table of a document, and the topic-partitions that the source has for it. */
export interface DiscoveredTable extends MappedTable {
  readonly name: string
  readonly partitions: readonly TopicPartition[]
}

/** The tables of the topics that the source has. Throws a DocumentError where two topics meet in one that must not. */
export async function discoverTables(document: ProcessorDocument, source: SourceIdentity, store: ObjectStore): Promise<DiscoveredTable[]> {
  const found = await discoverPartitions(store, source.prefix, document.spec.source.topics)
  const mapped = tablesFor(document, new Set(found.map(({ topic }) => topic)))
  return [...mapped].map(([name, table]) => ({ ...table, name, partitions: found.filter(({ topic }) => table.topics.includes(topic)) }))
}
