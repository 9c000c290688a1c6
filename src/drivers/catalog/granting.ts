import type { Catalog, LoadedTable, TableIdentifier } from '../../seams/catalog.ts'

/** Takes what a catalog says of the way to a table's files, and how to ask for it again. */
export type TakeGrant = (
  location: string,
  config: Readonly<Record<string, string>>,
  renew: () => Promise<Readonly<Record<string, string>>>,
) => void

/** Hands on the configuration of each table that the catalog shows, whatever the driver: storage credentials among it. */
export function grantingCatalog(catalog: Catalog, take: TakeGrant): Catalog {
  function granted(table: TableIdentifier, loaded: LoadedTable): LoadedTable {
    take(loaded.metadata.location, loaded.config, async () => (await catalog.loadTable(table, { fresh: true }))?.config ?? {})
    return loaded
  }

  return {
    ...catalog,
    async loadTable(table, options) {
      const loaded = await catalog.loadTable(table, options)
      return loaded === null ? null : granted(table, loaded)
    },
    async createTable(table, request) {
      const created = await catalog.createTable(table, request)
      if (created.kind === 'created') granted(table, created.table)
      return created
    },
  }
}
