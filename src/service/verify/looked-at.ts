import { type ManifestList, readManifestList } from '../../formats/iceberg/manifest-list.ts'
import type { NestedField } from '../../formats/iceberg/schema.ts'
import { currentSchema, type Snapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { resolveLayout } from '../../pipeline/commit/resolve-layout.ts'
import { parseLayout } from '../../pipeline/commit/stored-layout.ts'
import { summaryKeys } from '../../pipeline/commit/summary-keys.ts'
import type { TableLayout } from '../../pipeline/flow.ts'
import type { KafkaColumns } from '../../pipeline/verify/table-files.ts'

/** Reads manifest lists; null for one that can not be read, now or ever. Throws where the store does not answer. */
export function manifestListReader(io: Pick<FileIO, 'read'>): (snapshot: Snapshot) => Promise<ManifestList | null> {
  return async (snapshot) => {
    try {
      return readManifestList(await io.read(snapshot['manifest-list']))
    } catch (error) {
      if (error instanceof WorkError && error.retry !== 'never') throw error
      return null
    }
  }
}

/** The columns with a row's coordinates: those that were chosen at creation, else those of the document. */
export function kafkaColumns(table: string, metadata: TableMetadata, wanted: TopicMapping['kafkaColumns']): KafkaColumns {
  const text = metadata.properties?.[summaryKeys.layout]
  const names = (text === undefined ? null : parseLayout(text)?.columns) ?? wanted
  const { fields } = currentSchema(metadata)
  const column = (role: 'topic' | 'partition' | 'offset'): NestedField => {
    const field = fields.find(({ name }) => name === names[role])
    if (field !== undefined) return field
    throw new WorkError(`table ${table} can not be judged: it has no column ${names[role]} for the Kafka ${role}; add the column back`, {
      retry: 'never',
    })
  }
  return { topic: column('topic'), partition: column('partition'), offset: column('offset') }
}

/** How the table is filled; only its Kafka columns where it could not be continued as it is. */
export function layoutOrKafka({
  table,
  metadata,
  mapping,
  columns,
}: {
  readonly table: string
  readonly metadata: TableMetadata
  readonly mapping: TopicMapping
  readonly columns: KafkaColumns
}): TableLayout {
  try {
    return resolveLayout(table, metadata, mapping)
  } catch (error) {
    if (!(error instanceof WorkError)) throw error
    const kafka = (['topic', 'partition', 'offset'] as const).map((role) => ({ role, field: columns[role] }))
    return { columns: kafka, keyFormat: 'binary', valueFormat: 'binary', record: null, missing: [] }
  }
}
