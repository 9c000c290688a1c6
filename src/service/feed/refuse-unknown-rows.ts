import type { DataFile } from '../../formats/iceberg/data-file.ts'
import type { NestedField } from '../../formats/iceberg/schema.ts'
import { currentSnapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { lastOffset } from '../../model/offset-range.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { isOfOthers } from '../../pipeline/commit/of-others.ts'
import { ancestorsOf, isOurs } from '../../pipeline/commit/table-state.ts'
import { liveEntries, manifestsOf } from '../../pipeline/maintain/unreached-files.ts'
import { type KafkaColumns, mayHold } from '../../pipeline/verify/table-files.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { kafkaColumns } from '../verify/looked-at.ts'

type Asked = readonly [
  table: string,
  metadata: TableMetadata,
  mapping: Pick<TopicMapping, 'kafkaColumns'>,
  partitions: readonly TopicPartition[],
  io: Pick<FileIO, 'read'>,
]

/**
 * Refuses a table that others alone wrote to, a copy of one of ours perhaps, where rows of theirs may be records of these topic-partitions,
 * by the bounds in the manifests: nothing says which of them are decided, and they would come again. Rows of other topics and rows without
 * coordinates may be there. Throws a WorkError that says what to do, and what the store throws.
 */
export async function refuseUnknownRows(...asked: Asked): Promise<void> {
  const [, metadata] = asked
  if (isOfOthers(metadata)) await refuseRows(...asked)
}

/**
 * The same of a table that is to go on from a history without a snapshot of ours: who replaced it may have kept the rows that it had, as
 * `CREATE OR REPLACE … AS SELECT` does.
 */
export async function refuseReplacedRows(...asked: Asked): Promise<void> {
  const [, metadata] = asked
  if (!ancestorsOf(metadata).ancestors.some(isOurs)) await refuseRows(...asked)
}

async function refuseRows(...[table, metadata, mapping, partitions, io]: Asked): Promise<void> {
  const snapshot = currentSnapshot(metadata)
  if (snapshot === null) return
  const columns = kafkaColumns(table, metadata, mapping.kafkaColumns)
  const windows = partitions.map((at) => ({ at, range: [0n, lastOffset] as const }))
  for (const manifest of await manifestsOf(snapshot, io)) {
    if (manifest.content !== 0) continue
    for (const { dataFile } of await liveEntries(manifest, io)) {
      if (!mayHaveCoordinates(dataFile, columns) || !mayHold(dataFile, columns, windows)) continue
      const rows = snapshot.summary['total-records']
      throw new WorkError(
        `table ${table}: has ${rows === undefined ? 'rows' : `${rows} rows`} that others wrote, and those of ${dataFile.filePath} may be records of the source, which would be there twice. ` +
          '`recover --from-rows` shows what its rows tell, and with --yes goes on from there; `recover --from-offsets FILE` goes on from offsets that you give',
        { retry: 'never' },
      )
    }
  }
}

/** Whether not every row has null for where it comes from, as far as the manifest counts. */
function mayHaveCoordinates({ recordCount, nullValueCounts }: DataFile, { topic, offset }: KafkaColumns): boolean {
  const isNull = ({ id }: NestedField) => nullValueCounts?.get(id) === recordCount
  return recordCount > 0n && !isNull(topic) && !isNull(offset)
}
