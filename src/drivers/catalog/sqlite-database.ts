import { DatabaseSync } from 'node:sqlite'
import { WorkError } from '../../model/failure.ts'
import type { Clock } from '../../seams/clock.ts'

/**
 * The two tables that PyIceberg's SqlCatalog and Java's JdbcCatalog share. The column `iceberg_type` (TABLE or VIEW) came later: a
 * file from before lacks it, and keeps lacking it.
 *
 *     iceberg_tables(catalog_name, table_namespace, table_name → metadata_location, previous_metadata_location, iceberg_type)
 *     iceberg_namespace_properties(catalog_name, namespace, property_key → property_value)
 */
const tables = `
  CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL,
    table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
  );
  CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL,
    namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
  );`

/** Rows of one catalog in the file. Each call is one statement, and so a transaction of its own. */
export interface SqliteDatabase {
  /** Null where there is no such table; a view is none. */
  metadataLocation(namespace: string, name: string): Promise<string | null>
  /** False where a table or a view of that name exists already. */
  insertTable(namespace: string, name: string, metadataLocation: string): Promise<boolean>
  /** Puts `next` in place of `current`; false where something else stood there. */
  swapMetadataLocation(namespace: string, name: string, current: string, next: string): Promise<boolean>
  /** Names of a namespace's tables, ascending. */
  tableNames(namespace: string): Promise<string[]>
  deleteTable(namespace: string, name: string): Promise<void>
  /** A namespace exists where it has a property or a table, or a namespace below it does. */
  namespaceExists(namespace: string): Promise<boolean>
  insertNamespace(namespace: string): Promise<void>
  namespaceProperty(namespace: string, key: string): Promise<string | undefined>
  close(): void
}

/** How long SQLite itself waits for a lock, which stops the whole process. */
const lockWaitMs = 10
const pauseMs = 25

/**
 * Opens the file, which is made where it is missing (its directory is not). While another process has it locked, every call waits
 * up to `patienceMs`, and then throws a WorkError to be tried again later: nothing was changed. Other failures of SQLite are
 * `DatabaseFailure`s.
 */
export async function openSqliteDatabase(options: {
  path: string
  catalogName: string
  clock: Clock
  patienceMs: number
}): Promise<SqliteDatabase> {
  const { path, catalogName, clock, patienceMs } = options

  async function patiently<T>(run: () => T): Promise<T> {
    const untilMs = clock.now() + patienceMs
    for (;;) {
      try {
        return run()
      } catch (error) {
        const code = primaryCode(error)
        if (code === undefined) throw error
        if (code !== busy && code !== locked) throw new DatabaseFailure(`catalog ${path}: ${(error as Error).message}`, code, error)
        if (clock.now() >= untilMs)
          throw new WorkError(`catalog ${path}: another process has kept it locked for ${patienceMs} ms`, { retry: 'later', cause: error })
      }
      await clock.sleep(pauseMs)
    }
  }

  const database = await patiently(() => new DatabaseSync(path, { timeout: lockWaitMs }))
  await patiently(() => database.exec(tables)).catch((error: unknown) => {
    database.close()
    throw error
  })
  const first = (sql: string, ...values: string[]): Promise<Record<string, unknown> | undefined> => {
    return patiently(() => database.prepare(sql).get(...values))
  }
  const changes = (sql: string, ...values: string[]): Promise<number> =>
    patiently(() => Number(database.prepare(sql).run(...values).changes))
  /** Looked up each time: another program may add the column while we run. */
  const hasType = async (): Promise<boolean> =>
    (await first(`SELECT 1 FROM pragma_table_info('iceberg_tables') WHERE name = 'iceberg_type'`)) !== undefined
  const ofTable = 'catalog_name = ? AND table_namespace = ? AND table_name = ?'
  const notView = async (): Promise<string> => ((await hasType()) ? ` AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)` : '')

  return {
    async metadataLocation(namespace, name) {
      const row = await first(
        `SELECT metadata_location FROM iceberg_tables WHERE ${ofTable}${await notView()}`,
        catalogName,
        namespace,
        name,
      )
      return typeof row?.['metadata_location'] === 'string' ? row['metadata_location'] : null
    },
    async insertTable(namespace, name, metadataLocation) {
      const [column, value] = (await hasType()) ? [', iceberg_type', ", 'TABLE'"] : ['', '']
      const columns = `catalog_name, table_namespace, table_name, metadata_location${column}`
      const sql = `INSERT INTO iceberg_tables (${columns}) VALUES (?, ?, ?, ?${value}) ON CONFLICT DO NOTHING`
      return (await changes(sql, catalogName, namespace, name, metadataLocation)) === 1
    },
    async swapMetadataLocation(namespace, name, current, next) {
      const sql = `UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ? WHERE ${ofTable} AND metadata_location = ?${await notView()}`
      return (await changes(sql, next, current, catalogName, namespace, name, current)) === 1
    },
    async tableNames(namespace) {
      const sql = `SELECT table_name FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ?${await notView()} ORDER BY table_name`
      const rows = await patiently(() => database.prepare(sql).all(catalogName, namespace))
      return rows.map((row) => String(row['table_name']))
    },
    async deleteTable(namespace, name) {
      await changes(`DELETE FROM iceberg_tables WHERE ${ofTable}${await notView()}`, catalogName, namespace, name)
    },
    async namespaceExists(namespace) {
      const below = `${namespace}.`
      return (await first(namespaceUse, catalogName, namespace, below, below)) !== undefined
    },
    async insertNamespace(namespace) {
      const sql = `INSERT INTO iceberg_namespace_properties VALUES (?, ?, 'exists', 'true') ON CONFLICT DO NOTHING`
      await changes(sql, catalogName, namespace)
    },
    async namespaceProperty(namespace, key) {
      const sql = 'SELECT property_value FROM iceberg_namespace_properties WHERE catalog_name = ? AND namespace = ? AND property_key = ?'
      const value = (await first(sql, catalogName, namespace, key))?.['property_value']
      return typeof value === 'string' ? value : undefined
    },
    close: () => database.close(),
  }
}

/** Parameters: catalog, namespace, and twice what the names of those below it begin with. */
const namespaceUse = `
  SELECT 1 FROM (
    SELECT catalog_name, table_namespace AS namespace FROM iceberg_tables
    UNION ALL SELECT catalog_name, namespace FROM iceberg_namespace_properties
  ) WHERE catalog_name = ? AND (namespace = ? OR substr(namespace, 1, length(?)) = ?) LIMIT 1`

/** SQLite refused or could not finish a statement. */
export class DatabaseFailure extends WorkError {
  /** False where the statement surely changed nothing; after an I/O error nobody knows. */
  readonly outcomeUnknown: boolean
  constructor(message: string, code: number, cause: unknown) {
    super(message, { retry: unchanged.has(code) ? 'never' : 'later', cause })
    this.outcomeUnknown = !unchanged.has(code)
  }
}

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const busy = 5
const locked = 6
/** ERROR, PERM, READONLY, CORRUPT, FULL, CANTOPEN, CONSTRAINT, NOTADB: the statement was not carried out. */
const unchanged: ReadonlySet<number> = new Set([1, 3, 8, 11, 13, 14, 19, 26])

function primaryCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown }).errcode
  return typeof code === 'number' ? code & 0xff : undefined
}
