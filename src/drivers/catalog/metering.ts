import type { Catalog } from '../../seams/catalog.ts'
import type { Meter } from '../../seams/meter.ts'

/** Counts what is asked of a catalog, whatever the driver. A failure is what throws; outcomes of commits are counted by who commits. */
export function meteringCatalog(catalog: Catalog, meter: Meter): Catalog {
  async function counted<T>(kind: 'load' | 'create' | 'commit', ask: () => Promise<T>): Promise<T> {
    meter.add(`catalog.${kind}.requests`)
    try {
      return await ask()
    } catch (error) {
      meter.add(`catalog.${kind}.failures`)
      throw error
    }
  }

  return {
    profile: catalog.profile,
    ensureNamespace: (namespace) => catalog.ensureNamespace(namespace),
    loadTable: (table, options) => counted('load', () => catalog.loadTable(table, options)),
    listTables: (namespace) => catalog.listTables(namespace),
    createTable: (table, request) => counted('create', () => catalog.createTable(table, request)),
    commitTable: (table, request) => counted('commit', () => catalog.commitTable(table, request)),
    dropTable: (table) => catalog.dropTable(table),
    close: () => catalog.close(),
  }
}
