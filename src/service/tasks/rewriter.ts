import { metricsModes } from '../../formats/iceberg/metrics-config.ts'
import { nameMappingKey, parseNameMapping } from '../../formats/iceberg/name-mapping.ts'
import { currentSchema, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { rewriteGroup as rewrite } from '../../pipeline/maintain/rewrite/rewrite-files.ts'
import type { RewriteOptions, SourcesCarrier } from '../../pipeline/maintain/rewrite/rewrite-options.ts'
import type { RewriteGroup, RewriteResult } from '../../pipeline/maintain/rewrite-flow.ts'
import { FileSources, sourcesKey } from '../../pipeline/write/file-sources.ts'
import { parquetOptions } from '../../pipeline/write/parquet-options.ts'

/** How a rewrite is carried out: what does not come from the table's metadata. */
export interface RewriteTarget extends Pick<
  RewriteOptions,
  'io' | 'sortOrder' | 'dropOld' | 'rowGroupBytes' | 'targetFileSizeBytes' | 'memoryLimitBytes' | 'newLocation' | 'leftOut' | 'signal'
> {
  /** Columns that keep their metrics in a table of many columns, by field id. */
  readonly exemptIds?: ReadonlySet<number>
}

const sources: SourcesCarrier = {
  key: sourcesKey,
  open() {
    const carried = new FileSources()
    return {
      add: (text) => carried.addEncoded(text),
      get byteLength() {
        return carried.byteLength
      },
      encode: () => carried.encode(),
    }
  },
}

/**
 * Rewrites a group's files of a table as its current schema and its properties `write.*` say. What their metadata says of the segments
 * that their rows come from goes on to the outputs. Throws a WorkError that names the file or the property in question.
 */
export async function rewriteGroup(group: RewriteGroup, metadata: TableMetadata, target: RewriteTarget): Promise<RewriteResult> {
  const { properties = {}, schemas, 'format-version': formatVersion } = metadata
  const schema = currentSchema(metadata)
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === group.specId)
  if (spec === undefined)
    throw new WorkError(`there is no partition spec ${group.specId}, which files to be rewritten have`, { retry: 'never' })
  const mapping = properties[nameMappingKey]
  return rewrite(group, {
    ...target,
    schema,
    schemas,
    spec,
    formatVersion,
    nameMapping: mapping === undefined ? null : parseNameMapping(mapping),
    metricsModes: metricsModes(schema, properties, target.exemptIds),
    parquet: parquetOptions(properties),
    sources,
  })
}
