import { stringifyJson } from '../json/exact.ts'
import type { PartitionSpec } from './partition-spec.ts'
import type { Schema } from './schema.ts'

/**
 * Table metadata (table specification, "Table Metadata Fields"; appendix C), in its JSON form. Keys that we do not know are
 * carried, so that a document round-trips whole. 64-bit ids and sequence numbers are bigint in memory.
 */
export interface TableMetadata {
  readonly 'format-version': number
  readonly 'table-uuid': string
  readonly location: string
  readonly 'last-sequence-number': bigint
  readonly 'last-updated-ms': number
  readonly 'last-column-id': number
  readonly schemas: readonly Schema[]
  readonly 'current-schema-id': number
  readonly 'partition-specs': readonly PartitionSpec[]
  readonly 'default-spec-id': number
  readonly 'last-partition-id': number
  readonly properties?: Readonly<Record<string, string>>
  /** Absent, null or −1: no snapshot yet. */
  readonly 'current-snapshot-id'?: bigint | null
  readonly snapshots?: readonly Snapshot[]
  readonly 'snapshot-log'?: readonly SnapshotLogEntry[]
  readonly 'metadata-log'?: readonly MetadataLogEntry[]
  readonly 'sort-orders': readonly SortOrder[]
  readonly 'default-sort-order-id': number
  readonly refs?: Readonly<Record<string, SnapshotReference>>
  readonly 'next-row-id'?: bigint
  readonly [unknownKey: string]: unknown
}

export interface Snapshot {
  readonly 'snapshot-id': bigint
  readonly 'parent-snapshot-id'?: bigint | null
  readonly 'sequence-number'?: bigint
  readonly 'timestamp-ms': number
  readonly 'manifest-list': string
  /** `operation` and the summary's counts and properties, all strings. */
  readonly summary: Readonly<Record<string, string>>
  readonly 'schema-id'?: number
  readonly [unknownKey: string]: unknown
}

export interface SnapshotLogEntry {
  readonly 'snapshot-id': bigint
  readonly 'timestamp-ms': number
}

export interface MetadataLogEntry {
  readonly 'metadata-file': string
  readonly 'timestamp-ms': number
}

export interface SnapshotReference {
  readonly 'snapshot-id': bigint
  readonly type: 'branch' | 'tag'
  readonly 'min-snapshots-to-keep'?: number
  readonly 'max-snapshot-age-ms'?: number
  readonly 'max-ref-age-ms'?: number
}

export interface SortOrder {
  readonly 'order-id': number
  readonly fields: readonly SortField[]
}

export interface SortField {
  readonly 'source-id': number
  readonly transform: string
  readonly direction: 'asc' | 'desc'
  readonly 'null-order': 'nulls-first' | 'nulls-last'
}

/** The branch that `current-snapshot-id` follows. */
export const mainBranch = 'main'

/** The document's text; every 64-bit integer has all its digits. */
export function serializeTableMetadata(metadata: TableMetadata): string {
  return stringifyJson(metadata)
}

export function snapshotById(metadata: TableMetadata, id: bigint): Snapshot | undefined {
  return metadata.snapshots?.find((snapshot) => snapshot['snapshot-id'] === id)
}

/** What a branch or tag names; null where there is no such reference, as on a table without snapshots. `main` is implied by `current-snapshot-id`. */
export function refSnapshotId(metadata: TableMetadata, ref: string = mainBranch): bigint | null {
  const named = metadata.refs?.[ref]
  if (named !== undefined) return named['snapshot-id']
  const current = metadata['current-snapshot-id'] ?? noSnapshotId
  return ref === mainBranch && current !== noSnapshotId ? current : null
}

/** The snapshot that a branch or tag names. Throws an Error where the document names one that it does not hold. */
export function currentSnapshot(metadata: TableMetadata, ref: string = mainBranch): Snapshot | null {
  const id = refSnapshotId(metadata, ref)
  if (id === null) return null
  const snapshot = snapshotById(metadata, id)
  if (snapshot === undefined) throw new Error(`table metadata of ${metadata.location}: ${ref} names snapshot ${id}, which is not in it`)
  return snapshot
}

/** Throws an Error where the document holds no schema of that id. */
export function currentSchema(metadata: TableMetadata): Schema {
  const id = metadata['current-schema-id']
  const schema = metadata.schemas.find((candidate) => candidate['schema-id'] === id)
  if (schema === undefined) throw new Error(`table metadata of ${metadata.location}: there is no schema ${id}, which is the current one`)
  return schema
}

/** Throws an Error where the document holds no partition spec of that id. */
export function defaultSpec(metadata: TableMetadata): PartitionSpec {
  const id = metadata['default-spec-id']
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === id)
  if (spec === undefined)
    throw new Error(`table metadata of ${metadata.location}: there is no partition spec ${id}, which is the default one`)
  return spec
}

/** By what the table's rows are to be sorted; null where by nothing. Throws an Error where the document holds no sort order of that id. */
export function defaultSortOrder(metadata: TableMetadata): SortOrder | null {
  const id = metadata['default-sort-order-id']
  const order = metadata['sort-orders'].find((candidate) => candidate['order-id'] === id)
  if (order === undefined) throw new Error(`table metadata of ${metadata.location}: there is no sort order ${id}, which is the default one`)
  return order.fields.length === 0 ? null : order
}

/** The sort order of the table that has just these fields, the newest where there are several. */
export function sortOrderOf(metadata: Pick<TableMetadata, 'sort-orders'>, fields: readonly SortField[]): SortOrder | undefined {
  const text = (all: readonly SortField[]) =>
    all.map((one) => `${one['source-id']} ${one.transform} ${one.direction} ${one['null-order']}`).join()
  return metadata['sort-orders'].findLast((order) => text(order.fields) === text(fields))
}

/** What some writers put where there is no snapshot. */
const noSnapshotId = -1n
