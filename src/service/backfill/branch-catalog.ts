import type { SnapshotReference } from '../../formats/iceberg/table-metadata.ts'
import type { Catalog, CommitRequest, LoadedTable, TableIdentifier } from '../../seams/catalog.ts'
import { type Branch, replacementOf, requestOf, viewOf } from '../../pipeline/commit/branch-view.ts'

/** The tables of a catalog as their branch of this name has them: what is read and committed is the branch's. */
export function onBranch(catalog: Catalog, branch: Branch): Catalog {
  /** Whether a table had the branch when it was loaded last: the first commit on it makes it. */
  const isThere = new Map<string, boolean>()
  const see = (table: TableIdentifier, loaded: LoadedTable): void => {
    isThere.set(keyOf(table), loaded.metadata.refs?.[branch.name] !== undefined)
  }
  return viewing(catalog, branch, see, (table, request) => requestOf(request, branch, isThere.get(keyOf(table)) === true))
}

/**
 * The same, but what is committed lands on main, in the place of what main has, and ends the branch. `mainWas` is what main must still be. Where there
 * is no branch any more, main is seen.
 */
export function inPlaceOfMain(catalog: Catalog, name: string, mainWas: () => SnapshotReference): Catalog {
  const branch: Branch = { name, begins: 'as main' }
  const see = () => undefined
  return viewing(catalog, branch, see, (_, request) => replacementOf(request, branch, mainWas()))
}

function viewing(
  catalog: Catalog,
  branch: Branch,
  see: (table: TableIdentifier, loaded: LoadedTable) => void,
  translate: (table: TableIdentifier, request: CommitRequest) => CommitRequest,
): Catalog {
  const seen = (table: TableIdentifier, loaded: LoadedTable): LoadedTable => {
    see(table, loaded)
    return { ...loaded, metadata: viewOf(loaded.metadata, branch) }
  }
  return {
    profile: catalog.profile,
    ensureNamespace: (namespace) => catalog.ensureNamespace(namespace),
    listTables: (namespace) => catalog.listTables(namespace),
    dropTable: (table) => catalog.dropTable(table),
    close: () => catalog.close(),
    async loadTable(table, options) {
      const loaded = await catalog.loadTable(table, options)
      return loaded === null ? null : seen(table, loaded)
    },
    async createTable(table, request) {
      const answer = await catalog.createTable(table, request)
      return answer.kind === 'exists' ? answer : { ...answer, table: seen(table, answer.table) }
    },
    async commitTable(table, request) {
      const outcome = await catalog.commitTable(table, translate(table, request))
      return outcome.kind === 'committed' ? { ...outcome, table: seen(table, outcome.table) } : outcome
    },
  }
}

function keyOf({ namespace, name }: TableIdentifier): string {
  return JSON.stringify([...namespace, name])
}
