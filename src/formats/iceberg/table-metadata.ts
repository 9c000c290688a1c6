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
