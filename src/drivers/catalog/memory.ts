import { logPrevious } from '../../formats/iceberg/metadata-log.ts'
import { metadataFileLocation, metadataVersion, withoutSlash } from '../../formats/iceberg/table-location.ts'
import { WorkError } from '../../model/failure.ts'
import type { Catalog, CatalogProfile, CommitOutcome, CommitRequest, LoadedTable, TableIdentifier } from '../../seams/catalog.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import { firstMetadata, nextMetadata } from './next-metadata.ts'

/** What is asked of the catalog. */
export interface CatalogOperation {
  readonly kind: 'namespace' | 'load' | 'create' | 'commit'
  readonly table?: TableIdentifier
}

/**
 * What a simulation lets happen to an operation.
 * - `lost-before`: it never arrives. `lost-after`: it takes effect and its answer is lost. Of a commit, both are `unknown`.
 * - `lateMs`: the answer is lost, and the operation arrives that much later, when it is judged as the table is then.
 * - `conflict`: a commit is answered with a conflict, without reason. An Error is thrown, and nothing happens.
 */
export type CatalogFault = 'none' | 'lost-before' | 'lost-after' | 'conflict' | { readonly lateMs: number } | Error

export interface MemoryCatalogOptions {
  readonly clock: Clock
  readonly entropy: Entropy
  /** URI that tables' locations begin with. */
  readonly warehouse: string
  readonly profile?: CatalogProfile
  /** Asked once for each operation; it may sleep, and so delay it. */
  readonly fault?: (operation: CatalogOperation) => CatalogFault | Promise<CatalogFault>
}

/** Tables in memory, with the rules of a catalog that keeps documents in files. What it gives is frozen. */
export function memoryCatalog(options: MemoryCatalogOptions): Catalog {
  const { clock, entropy, fault = () => 'none' } = options
  const warehouse = withoutSlash(options.warehouse)
  const namespaces = new Set<string>()
  const tables = new Map<string, Required<LoadedTable>>()

  /** Carries out an operation under the fault that strikes it. */
  async function struck<T>(operation: CatalogOperation, carryOut: () => T): Promise<{ answer: T } | 'lost' | 'conflict'> {
    const fate = await fault(operation)
    if (fate === 'none') return { answer: carryOut() }
    if (fate === 'conflict') return 'conflict'
    if (fate instanceof Error) throw fate
    if (fate === 'lost-after') carryOut()
    if (typeof fate === 'object') {
      // The caller has gone by then: what comes of it concerns nobody.
      void clock
        .sleep(fate.lateMs)
        .then(carryOut)
        .catch(() => {})
    }
    return 'lost'
  }

  async function answered<T>(operation: CatalogOperation, carryOut: () => T): Promise<T> {
    const outcome = await struck(operation, carryOut)
    if (typeof outcome === 'object') return outcome.answer
    throw new WorkError(`memory catalog, ${operation.kind}: ${injected[outcome]}`, { retry: 'later' })
  }

  function commit(table: TableIdentifier, request: CommitRequest): CommitOutcome {
    const where = `commit to ${keyOf(table)}`
    const current = tables.get(keyOf(table))
    if (current === undefined) return { kind: 'refused', reason: `${where}: there is no such table` }
    const next = nextMetadata(where, current.metadata, request, clock.now())
    if (next.kind !== 'next') return next
    if (next.metadata === current.metadata) return { kind: 'committed', table: current }
    const previous = { location: current.metadataLocation, lastUpdatedMs: current.metadata['last-updated-ms'] }
    const { metadata } = logPrevious(next.metadata, previous)
    return { kind: 'committed', table: store(table, metadata, metadataVersion(current.metadataLocation) + 1) }
  }

  function store(table: TableIdentifier, metadata: LoadedTable['metadata'], version: number): Required<LoadedTable> {
    const stored = { metadata, metadataLocation: metadataFileLocation(metadata, version, entropy.uuid()), config: {} }
    tables.set(keyOf(table), deepFreeze(stored))
    return stored
  }

  return {
    profile: options.profile ?? { propertiesInCommit: true, forbiddenProperties: [] },
    ensureNamespace: (namespace) =>
      answered({ kind: 'namespace' }, () => {
        for (let depth = 1; depth <= namespace.length; depth += 1) namespaces.add(namespace.slice(0, depth).join('.'))
      }),
    loadTable: (table) => answered({ kind: 'load', table }, () => tables.get(keyOf(table)) ?? null),
    createTable: (table, request) =>
      answered({ kind: 'create', table }, () => {
        if (tables.has(keyOf(table))) return { kind: 'exists' as const }
        const namespace = table.namespace.join('.')
        if (!namespaces.has(namespace))
          throw new WorkError(`creating ${keyOf(table)}: there is no namespace ${namespace}`, { retry: 'never' })
        const location = withoutSlash(request.location ?? `${warehouse}/${namespace}/${table.name}`)
        const made = { uuid: entropy.uuid(), location, nowMs: clock.now() }
        const metadata = firstMetadata(`creating ${keyOf(table)}`, structuredClone(request), made)
        return { kind: 'created' as const, table: store(table, metadata, 0) }
      }),
    listTables: (namespace) =>
      answered({ kind: 'load' }, () => {
        const start = `${namespace.join('.')}.`
        return [...tables.keys()].filter((key) => key.startsWith(start)).map((key) => key.slice(start.length))
      }),
    async commitTable(table, request) {
      const own = structuredClone(request)
      const outcome = await struck({ kind: 'commit', table }, () => commit(table, own))
      if (typeof outcome === 'object') return outcome.answer
      return { kind: outcome === 'lost' ? 'unknown' : 'conflict', reason: `commit to ${keyOf(table)}: ${injected[outcome]}` }
    },
    dropTable: (table) => answered({ kind: 'create', table }, () => void tables.delete(keyOf(table))),
    async close() {},
  }
}

const injected = { lost: 'the answer was lost', conflict: 'a conflict was injected' } as const

function keyOf(table: TableIdentifier): string {
  return [...table.namespace, table.name].join('.')
}

/** What is frozen already is frozen all through: documents share most of their parts with the ones before. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const item of Object.values(value)) deepFreeze(item)
  return value
}
