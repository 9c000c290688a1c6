import { deletesDroppedMetadata, logPrevious } from '../../formats/iceberg/metadata-log.ts'
import { metadataFileLocation, metadataVersion, withoutSlash } from '../../formats/iceberg/table-location.ts'
import { WorkError } from '../../model/failure.ts'
import type { Catalog, CommitOutcome, CommitRequest, CreateTableRequest, LoadedTable, TableIdentifier } from '../../seams/catalog.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import { readMetadata, writeMetadata } from './metadata-files.ts'
import type { MetadataFiles } from './metadata-files.ts'
import { firstMetadata, nextMetadata } from './next-metadata.ts'
import { DatabaseFailure, openSqliteDatabase } from './sqlite-database.ts'

export interface SqliteCatalogOptions {
  /** The database file; `:memory:` for one that is gone at the end. */
  readonly path: string
  /** What other programs call this catalog: rows of different names do not see each other. */
  readonly catalogName?: string
  /** URI of a directory, `file://` or `s3://`: where tables go unless they or their namespace have a location. */
  readonly warehouse: string
  readonly files: MetadataFiles
  readonly clock: Clock
  readonly entropy: Entropy
  /** How long to wait while another process has the file locked, ms; 30 s unless given. */
  readonly patienceMs?: number
}

/**
 * A catalog in a SQLite file, which PyIceberg opens with `type: sql` and Java with its JdbcCatalog; any number of processes may use
 * it at once.
 *
 * A commit writes the next metadata document under a name that nobody else uses, and then puts that name in place of the one it was
 * made from, in one statement that does nothing where another commit came first. A document that lost stays, like any orphan.
 */
export async function openSqliteCatalog(options: SqliteCatalogOptions): Promise<Catalog> {
  const { path, catalogName = 'default', files, clock, entropy, patienceMs = 30_000 } = options
  const warehouse = withoutSlash(options.warehouse)
  const database = await openSqliteDatabase({ path, catalogName, clock, patienceMs })

  async function loadTable(table: TableIdentifier): Promise<Required<LoadedTable> | null> {
    const location = await database.metadataLocation(joined(table.namespace), table.name)
    return location === null ? null : { metadata: await readMetadata(files, location), metadataLocation: location, config: {} }
  }

  async function createTable(table: TableIdentifier, request: CreateTableRequest) {
    const namespace = joined(table.namespace)
    const where = `creating ${namespace}.${table.name}`
    if ((await database.metadataLocation(namespace, table.name)) !== null) return { kind: 'exists' as const }
    if (!(await database.namespaceExists(namespace)))
      throw new WorkError(`${where}: there is no namespace ${namespace}`, { retry: 'never' })
    const home = withoutSlash((await database.namespaceProperty(namespace, 'location')) ?? `${warehouse}/${namespace}`)
    const location = withoutSlash(request.location ?? `${home}/${table.name}`)
    const metadata = firstMetadata(where, request, { uuid: entropy.uuid(), location, nowMs: clock.now() })
    const metadataLocation = metadataFileLocation(metadata, 0, entropy.uuid())
    await writeMetadata(files, metadataLocation, metadata)
    if (await database.insertTable(namespace, table.name, metadataLocation)) {
      return { kind: 'created' as const, table: { metadata, metadataLocation, config: {} } }
    }
    if ((await database.metadataLocation(namespace, table.name)) !== null) return { kind: 'exists' as const }
    throw new WorkError(`${where}: the catalog has a view of that name`, { retry: 'never' })
  }

  async function commitTable(table: TableIdentifier, request: CommitRequest): Promise<CommitOutcome> {
    const namespace = joined(table.namespace)
    const where = `commit to ${namespace}.${table.name}`
    const current = await loadTable(table)
    if (current === null) return { kind: 'refused', reason: `${where}: there is no such table` }
    const next = nextMetadata(where, current.metadata, request, clock.now())
    if (next.kind !== 'next') return next
    if (next.metadata === current.metadata) return { kind: 'committed', table: current }

    const previous = { location: current.metadataLocation, lastUpdatedMs: current.metadata['last-updated-ms'] }
    const { metadata, dropped } = logPrevious(next.metadata, previous)
    const metadataLocation = metadataFileLocation(metadata, metadataVersion(current.metadataLocation) + 1, entropy.uuid())
    await writeMetadata(files, metadataLocation, metadata)
    try {
      if (!(await database.swapMetadataLocation(namespace, table.name, current.metadataLocation, metadataLocation))) {
        return { kind: 'conflict', reason: `${where}: another commit came first` }
      }
    } catch (error) {
      if (error instanceof DatabaseFailure && error.outcomeUnknown) return { kind: 'unknown', reason: `${where}: ${error.message}` }
      throw error
    }
    if (deletesDroppedMetadata(metadata)) await deleteAll(dropped)
    return { kind: 'committed', table: { metadata, metadataLocation, config: {} } }
  }

  /** The commit stands whatever becomes of these: one that stays is an orphan like any other. */
  async function deleteAll(locations: readonly string[]): Promise<void> {
    await Promise.allSettled(locations.map(async (location) => files.deleteFile?.(location)))
  }

  return {
    profile: { propertiesInCommit: true, forbiddenProperties: [], removesMetadata: true },
    async ensureNamespace(namespace) {
      for (let depth = 1; depth <= namespace.length; depth += 1) {
        const name = joined(namespace.slice(0, depth))
        if (!(await database.namespaceExists(name))) await database.insertNamespace(name)
      }
    },
    loadTable,
    createTable,
    commitTable,
    listTables: (namespace) => database.tableNames(joined(namespace)),
    dropTable: (table) => database.deleteTable(joined(table.namespace), table.name),
    async close() {
      database.close()
    },
  }
}

/** The catalogs that share this file join a namespace's levels with dots. */
function joined(namespace: readonly string[]): string {
  return namespace.join('.')
}
