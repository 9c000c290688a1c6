import type { PartitionSpec } from '../formats/iceberg/partition-spec.ts'
import type { Schema } from '../formats/iceberg/schema.ts'
import type { SortOrder, TableMetadata } from '../formats/iceberg/table-metadata.ts'
import type { TableRequirement, TableUpdate } from '../formats/iceberg/table-update.ts'

/** A table's name: its namespace's levels and its own. */
export interface TableIdentifier {
  readonly namespace: readonly string[]
  readonly name: string
}

/** A table as the catalog sees it now. */
export interface LoadedTable {
  readonly metadata: TableMetadata
  /** Where the metadata document lies; absent where a catalog does not tell. */
  readonly metadataLocation?: string
  /** Configuration for this table from the catalog: storage credentials and settings (REST `LoadTableResult.config`). */
  readonly config: Readonly<Record<string, string>>
}

export interface CreateTableRequest {
  /** Field ids are proposals: the answer's schema counts. */
  readonly schema: Schema
  readonly partitionSpec: PartitionSpec
  readonly sortOrder: SortOrder
  /** Absent: the catalog chooses. */
  readonly location?: string
  readonly properties: Readonly<Record<string, string>>
}

/**
 * What became of a commit.
 * - `committed`: the new metadata, from the answer.
 * - `conflict`: definitely not committed, because a requirement did not hold. Reload and build anew.
 * - `unknown`: it may or may not have been committed (5xx, time-out, reset). Never post it again blindly, never delete its files.
 * - `refused`: definitely not committed and the same request would be refused again.
 */
export type CommitOutcome =
  | { readonly kind: 'committed'; readonly table: LoadedTable }
  | { readonly kind: 'conflict'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }

export interface CommitRequest {
  readonly requirements: readonly TableRequirement[]
  readonly updates: readonly TableUpdate[]
  /** UUIDv7, one per logical operation; sent only where the catalog says it understands idempotency keys. */
  readonly idempotencyKey: string
}

/** What a catalog can and can not do; the rest of the program asks this value and never which product it is. */
export interface CatalogProfile {
  /** Whether a commit may set table properties beside a snapshot (false: Unity, where it conflicts with other writers). */
  readonly propertiesInCommit: boolean
  /** How long a snapshot surely lives where the catalog expires snapshots by itself, ms; undefined: it does not. */
  readonly snapshotExpiryMs?: number
  /** Table properties that must not be set at creation. */
  readonly forbiddenProperties: readonly string[]
}

/** One catalog with one warehouse. Drivers: SQLite, Iceberg REST, memory. Errors not covered by an outcome are WorkErrors. */
export interface Catalog {
  readonly profile: CatalogProfile
  /** Creates the namespace and its parents where missing. */
  ensureNamespace(namespace: readonly string[]): Promise<void>
  /** Null where the table does not exist. Never answered from a cache. */
  loadTable(table: TableIdentifier): Promise<LoadedTable | null>
  /** `exists`: somebody else created it first; load it. */
  createTable(table: TableIdentifier, request: CreateTableRequest): Promise<{ kind: 'created'; table: LoadedTable } | { kind: 'exists' }>
  commitTable(table: TableIdentifier, request: CommitRequest): Promise<CommitOutcome>
  close(): Promise<void>
}
