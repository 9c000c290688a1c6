import { WorkError } from '../../model/failure.ts'
import type { Requests } from '../../model/requests.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { Catalog, CatalogProfile, CreateTableRequest, LoadedTable, TableIdentifier } from '../../seams/catalog.ts'
import type { Journal } from '../../seams/journal.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { type DecidedValue, declaredValue } from '../../spec/value-column.ts'
import { newTable } from '../../pipeline/commit/new-table.ts'
import { checkNewTable } from '../../pipeline/commit/profile-checks.ts'
import { Refusal } from '../../pipeline/commit/refusal.ts'
import { decideValue } from '../../pipeline/infer/decide-value.ts'
import { limitsOf } from '../tasks/limits.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { takeSample, type Unready } from './sampler.ts'

/**
 * What becomes of the values in a table that is to be created: from the document, or from a sample of its topics; or when to ask again.
 * Throws a WorkError (`retry: later`) where nothing tells.
 */
export async function decideTableValue(
  document: ProcessorDocument,
  source: SourceIdentity,
  name: string,
  mapping: TopicMapping,
  partitions: readonly TopicPartition[],
  store: ObjectStore,
): Promise<DecidedValue | Unready> {
  const declared = declaredValue(mapping.value)
  if (declared !== null && !needsSample(mapping)) return declared
  const sample = await takeSample(store, partitions, {
    prefix: source.prefix,
    graceMs: document.spec.source.graceSeconds * 1000,
    maxBatchBytes: limitsOf(document.spec.processing).maxBatchBytes,
  })
  if ('readyInMs' in sample) return sample
  if (sample.records === 0 && !sample.exhausted && declared === null) {
    const message = `no record of the segments that were looked into can be read, so nothing tells what values ${name} is to hold; mend those segments, or say value.format`
    throw new WorkError(message, { retry: 'later' })
  }
  return decideValue(mapping, sample)
}

/** Whether records have to be looked at to tell what becomes of the values. */
export function needsSample({ value }: TopicMapping): boolean {
  const declared = declaredValue(value)
  return declared === null || declared.format === 'json'
}

/** The request that creates a table, checked against what its catalog takes. Throws a WorkError (`retry: never`) that says what to change. */
export function tableRequest(
  document: ProcessorDocument,
  table: TableIdentifier,
  mapping: TopicMapping,
  value: DecidedValue,
  requests: Requests,
  profile: CatalogProfile,
): CreateTableRequest {
  const { properties, location, formatVersion } = document.spec.sink.tables
  const request = orStop(table, () =>
    newTable(mapping, {
      value,
      requests,
      properties,
      location: location === undefined ? undefined : `${location.replace(/\/+$/, '')}/${table.name}`,
      formatVersion,
      profile,
    }),
  )
  checkNewTable(table, request, profile)
  return request
}

function orStop<T>(table: TableIdentifier, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new WorkError(`table ${[...table.namespace, table.name].join('.')} can not be created: ${error.message}`, { retry: 'never' })
  }
}

/** Creates a table that has these requests. Whoever creates it first wins, and the others continue it. */
export async function createTable(
  document: ProcessorDocument,
  table: TableIdentifier,
  mapping: TopicMapping,
  value: DecidedValue,
  requests: Requests,
  { catalog, journal }: { readonly catalog: Catalog; readonly journal: Journal },
): Promise<LoadedTable> {
  const request = tableRequest(document, table, mapping, value, requests, catalog.profile)
  for (let attempt = 1; attempt <= 3; attempt++) {
    await catalog.ensureNamespace(table.namespace)
    const created = await catalog.createTable(table, request)
    if (created.kind === 'created') {
      journal.info('table created; what becomes of the values is stored in it', {
        table: [...table.namespace, table.name].join('.'),
        location: created.table.metadata.location,
        values: value.format,
        columns: request.schema.fields.length,
      })
      return created.table
    }
    const existing = await catalog.loadTable(table)
    if (existing !== null) return existing
  }
  throw new WorkError(`table ${table.name} exists when it is created and not when it is loaded`, { retry: 'later' })
}
