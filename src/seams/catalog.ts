import type { PartitionSpec } from '../formats/iceberg/partition-spec.ts'
import type { Schema } from '../formats/iceberg/schema.ts'
import type { SortOrder, TableMetadata } from '../formats/iceberg/table-metadata.ts'
import type { Lacking } from '../model/failure.ts'
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
  | { readonly kind: 'refused'; readonly reason: string; readonly lacking?: Lacking }

export interface CommitRequest {
  readonly requirements: readonly TableRequirement[]
  readonly updates: readonly TableUpdate[]
  /** UUIDv7, one per logical operation; sent only where the catalog says it understands idempotency keys. */
  readonly idempotencyKey: string
}

/** What a catalog can and can not do; the rest of the program asks this value and never which product it is. */
export interface CatalogProfile {
  /** What people call it, for messages; undefined where its messages need no name. */
  readonly product?: string
  /** Whether a commit may set table properties beside a snapshot (false: Unity, where it conflicts with other writers). */
  readonly propertiesInCommit: boolean
  /** What compacts, expires and sweeps by itself where the catalog does, as a sentence's subject; undefined: nobody does. */
  readonly ownUpkeep?: string
  /** How long a snapshot surely lives where the catalog expires snapshots by itself, ms; undefined: it does not. */
  readonly snapshotExpiryMs?: number
  /** Table properties that must not be set at creation. */
  readonly forbiddenProperties: readonly string[]
  /** Levels that a namespace may have at most; undefined: any number. */
  readonly namespaceLevels?: number
  /** What names may look like, where the catalog wants less than Iceberg allows. */
  readonly names?: NameRule
  /** Names of namespaces that the catalog keeps for itself. */
  readonly reservedNamespaces?: RegExp
  /** Names that it makes no tables under, though it may have some. */
  readonly reservedTables?: RegExp
  /** Whether names of columns are taken in lower case only, so that others would not come back as they were given. */
  readonly lowerCaseColumns?: boolean
  /** Types of columns that the catalog refuses, as the specification names them without their length: `uuid`, `fixed`. */
  readonly refusedTypes?: readonly string[]
  /** Whether a new table's location must be given, must not be, or may be; undefined: may be. */
  readonly location?: 'required' | 'refused'
  /** Schemes that a table's location may have; undefined: any. */
  readonly locationSchemes?: readonly string[]
  /** Whether tables may be partitioned by fields of structs; undefined: they may. */
  readonly nestedPartitions?: false
  /** Format versions of tables that it creates; undefined: all. */
  readonly formatVersions?: readonly number[]
  /** Whether tables may have branches beside main; undefined: they may. */
  readonly branches?: false
  /** How its endpoint and its warehouse are written in a document, for who wrote others. */
  readonly written?: { readonly endpoint: string; readonly warehouse: string }
  /** Service that requests are signed for where the document does not say another; undefined: they are signed only where it does. */
  readonly sigv4Service?: string
  /** What an administrator grants for each right, in the catalog's own words; undefined where nothing can be granted, or nobody knows how. */
  readonly grants?: Grants
  /** Whether old metadata documents are removed by this process, with its own access to the warehouse. */
  readonly removesMetadata?: boolean
  /** Whether a table that is dropped can take its files with it. */
  readonly purges?: boolean
}

/** A right in a catalog, by what it allows. `readFiles`, `writeFiles`: to be given credentials for a table's files that do so. */
export type CatalogRight = 'list' | 'createNamespace' | 'createTable' | 'load' | 'readFiles' | 'writeFiles' | 'commit' | 'drop'

/**
 * Statements, commands or actions that grant a right. Placeholders: `{catalog}` (the warehouse), `{namespace}`, `{region}`, and in capitals
 * what only the administrator may know: `{PRINCIPAL}`, `{ROLE}`, `{ACCOUNT}`.
 */
export interface Grants {
  readonly byRight: Readonly<Record<CatalogRight, readonly string[]>>
  /** What the catalog's own words name as lacking, where one of these rights was needed; undefined where they name nothing that is known. */
  readonly named: (words: string, rights: readonly [CatalogRight, ...CatalogRight[]]) => readonly string[] | undefined
  /** Whether access to tables' files is granted by the catalog, whosever keys are used for them. */
  readonly ownsFiles?: boolean
}

/** A rule for the names of a catalog's namespaces and tables. */
export interface NameRule {
  readonly pattern: RegExp
  /** The rule in words, after `expected`: `lower-case letters, digits and _`. */
  readonly words: string
}

/** One catalog with one warehouse. Drivers: SQLite, Iceberg REST, memory. Errors not covered by an outcome are WorkErrors. */
export interface Catalog {
  readonly profile: CatalogProfile
  /** Creates the namespace and its parents where missing. */
  ensureNamespace(namespace: readonly string[]): Promise<void>
  /**
   * Null where the table does not exist. What was answered before is given only where the catalog says that it still holds; `fresh`: not
   * even then.
   */
  loadTable(table: TableIdentifier, options?: { readonly fresh?: boolean }): Promise<LoadedTable | null>
  /** Names of a namespace's tables; none where it does not exist. */
  listTables(namespace: readonly string[]): Promise<readonly string[]>
  /** `exists`: somebody else created it first; load it. */
  createTable(table: TableIdentifier, request: CreateTableRequest): Promise<{ kind: 'created'; table: LoadedTable } | { kind: 'exists' }>
  commitTable(table: TableIdentifier, request: CommitRequest): Promise<CommitOutcome>
  /**
   * Forgets a table; one that is gone already is no error. Its files go too where the profile says that it `purges`, and stay elsewhere.
   * For tables that were made to try something out.
   */
  dropTable(table: TableIdentifier): Promise<void>
  close(): Promise<void>
}
