import type { Snapshot } from '../../formats/iceberg/table-metadata.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import type { History } from './removal-finder.ts'
import type { KafkaColumns } from '../../pipeline/verify/table-files.ts'

/** A table with a snapshot, and what its topics' source and mapping are. */
export interface TableUnderTest extends History {
  readonly mapping: TopicMapping
  readonly state: TableState
  readonly snapshot: Snapshot
  readonly source: SourceIdentity
  readonly columns: KafkaColumns
  readonly oldMessageFormats: ProcessorDocument['spec']['source']['oldMessageFormats']
}
