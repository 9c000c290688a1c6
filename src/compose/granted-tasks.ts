import type { CarryOut } from '../pipeline/worker.ts'
import type { Catalog } from '../seams/catalog.ts'

/**
 * The same, in a process that opens no tables: where a catalog gives the keys to its tables' files, the tables are looked at before files
 * are written in a place that is new, since that is when it gives them.
 */
export function grantedTasks(carryOut: CarryOut, namespace: readonly string[], catalog: Catalog): CarryOut {
  const known = new Map<string, Promise<void>>()

  async function lookAtTables(): Promise<void> {
    for (const name of await catalog.listTables(namespace)) await catalog.loadTable({ namespace, name })
  }

  return async (task, target, ...rest) => {
    const place = target.dataDirectory
    if (!known.has(place)) known.set(place, lookAtTables())
    try {
      await known.get(place)
    } catch (error) {
      known.delete(place)
      throw error
    }
    return carryOut(task, target, ...rest)
  }
}
