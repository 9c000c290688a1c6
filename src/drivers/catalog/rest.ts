import { WorkError } from '../../model/failure.ts'
import type { Catalog, CatalogProfile, CreateTableRequest, LoadedTable, TableIdentifier } from '../../seams/catalog.ts'
import { isMissing, workError } from './rest-answer.ts'
import type { Exchange } from './rest-answer.ts'
import { restClient } from './rest-client.ts'
import type { RestClientOptions } from './rest-client.ts'
import { loadRestConfig } from './rest-config.ts'
import type { RestConfig } from './rest-config.ts'
import { commitOutcome } from './rest-outcome.ts'
import { readTable } from './rest-table.ts'

export interface RestCatalogOptions extends RestClientOptions {
  /** What stands before `/v1`. */
  readonly endpoint: string
  /** Opaque, as the catalog wants it. */
  readonly warehouse?: string
  /** `vended-credentials` or `remote-signing`; absent: the catalog gives no access to storage. */
  readonly accessDelegation?: string
  /** What this product can and can not do; any Iceberg REST catalog unless given. */
  readonly profile?: CatalogProfile
}

const anyRestCatalog: CatalogProfile = { propertiesInCommit: true, forbiddenProperties: [] }

/**
 * A catalog that speaks the Iceberg REST protocol. It connects at the first call, and asks for `/v1/config` once.
 *
 * Reads are repeated while the catalog is overloaded or out of reach; a commit and a creation are sent exactly once per call.
 */
export function restCatalog(options: RestCatalogOptions): Catalog {
  const client = restClient(options)
  const delegation: Record<string, string> =
    options.accessDelegation === undefined ? {} : { 'x-iceberg-access-delegation': options.accessDelegation }
  let known: Promise<RestConfig> | undefined

  function config(): Promise<RestConfig> {
    known ??= loadRestConfig(client, options.endpoint, options.warehouse).catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }

  async function ensureNamespace(namespace: readonly string[]): Promise<void> {
    const paths = await config()
    const what = `namespace ${namespace.join('.')}`
    const found = await client.repeatable({ what, method: 'GET', url: paths.namespace(namespace) })
    if (found.answer.status < 300) return
    if (!isMissing(found)) throw workError(found)
    if (namespace.length > 1) await ensureNamespace(namespace.slice(0, -1))
    const body = { namespace, properties: {} }
    const created = await client.repeatable({ what: `creating ${what}`, method: 'POST', url: paths.namespaces(), body })
    if (created.answer.status >= 300 && created.answer.status !== 409) throw workError(created)
  }

  async function loadTable(table: TableIdentifier): Promise<LoadedTable | null> {
    const paths = await config()
    const url = `${paths.table(table)}?snapshots=all`
    const exchange = await client.repeatable({ what: `loading ${nameOf(table)}`, method: 'GET', url, headers: delegation })
    if (isMissing(exchange)) return null
    return tableOf(exchange)
  }

  async function createTable(table: TableIdentifier, request: CreateTableRequest) {
    const paths = await config()
    const { schema, partitionSpec, sortOrder, location, properties } = request
    const body = {
      name: table.name,
      location,
      schema,
      'partition-spec': partitionSpec.fields.length === 0 ? undefined : partitionSpec,
      'write-order': sortOrder.fields.length === 0 ? undefined : sortOrder,
      'stage-create': false,
      properties,
    }
    const what = `creating ${nameOf(table)}`
    const sent = await client.once({ what, method: 'POST', url: paths.tables(table.namespace), body, headers: delegation })
    if ('failure' in sent) throw new WorkError(sent.failure, { retry: 'later' })
    if (sent.answer.status === 409) return { kind: 'exists' as const }
    return { kind: 'created' as const, table: tableOf(sent) }
  }

  return {
    profile: options.profile ?? anyRestCatalog,
    ensureNamespace,
    loadTable,
    createTable,
    async commitTable(table, { requirements, updates, idempotencyKey }) {
      const paths = await config()
      if (!paths.commits) {
        return {
          kind: 'refused',
          reason: `${nameOf(table)}: this endpoint lists none for commits, so that it only reads. Name the catalog’s endpoint that writes`,
        }
      }
      const body = { identifier: { namespace: table.namespace, name: table.name }, requirements, updates }
      const headers: Record<string, string> = paths.idempotencyKeys ? { 'idempotency-key': idempotencyKey } : {}
      return commitOutcome(
        await client.once({ what: `commit to ${nameOf(table)}`, method: 'POST', url: paths.table(table), body, headers }),
      )
    },
    close: () => client.close(),
  }
}

function tableOf(exchange: Exchange): LoadedTable {
  if (exchange.answer.status >= 300) throw workError(exchange)
  try {
    return readTable(exchange)
  } catch (error) {
    throw new WorkError(`${exchange.what}: ${(error as Error).message}`, { retry: 'never', cause: error })
  }
}

function nameOf(table: TableIdentifier): string {
  return [...table.namespace, table.name].join('.')
}
