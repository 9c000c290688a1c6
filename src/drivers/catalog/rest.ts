import { parseJson } from '../../formats/json/exact.ts'
import { expectObject, expectStringMap } from '../../formats/json/expect.ts'
import { WorkError } from '../../model/failure.ts'
import type { Catalog, CreateTableRequest, LoadedTable, TableIdentifier } from '../../seams/catalog.ts'
import { KnownTables } from './known-tables.ts'
import { type AuthSettings, type AwsSigning, openAuth } from './open-auth.ts'
import { profileOf, type RestProfile, type RestProfileName, restProfiles } from './profiles.ts'
import { readOnlyAdvice, readOnlySentence } from './read-only.ts'
import { isMissing, isTakenPlace, sentence, workError } from './rest-answer.ts'
import type { Exchange } from './rest-answer.ts'
import { restClient } from './rest-client.ts'
import type { RestClientOptions } from './rest-client.ts'
import { loadRestConfig } from './rest-config.ts'
import type { RestConfig } from './rest-config.ts'
import { commitOutcome } from './rest-outcome.ts'
import { listTables } from './rest-pages.ts'
import { readTable } from './rest-table.ts'

export interface RestCatalogOptions extends Omit<RestClientOptions, 'auth'> {
  /** What stands before `/v1`. */
  readonly endpoint: string
  /** Opaque, as the catalog wants it. */
  readonly warehouse?: string
  /** Whether the catalog is asked for credentials for the data files; what suits the product unless given. */
  readonly accessDelegation?: 'vended-credentials' | 'none'
  /** The product, which tells what it can and can not do; any Iceberg REST catalog unless given. */
  readonly product?: RestProfileName
  /** In whose name requests are sent; as the product wants it unless given. */
  readonly auth?: AuthSettings
  /** Asked once, where requests are signed. */
  readonly aws?: () => AwsSigning
}

/** How a product is asked where nothing else is said. */
export interface RestWays {
  /** Whether it is asked for keys to files. */
  readonly vends: boolean
  readonly tokenEndpoint: string
  readonly oauth2Scope: string
  /** Undefined: requests are not signed. */
  readonly sigv4Service: string | undefined
}

/** A product's ways, for who asks it beside us. */
export function restWays(product: RestProfileName, endpoint: string): RestWays {
  const { vends, tokenEndpoint, oauth2Scope, sigv4Service }: RestProfile = restProfiles[product]
  return { vends, tokenEndpoint: tokenEndpoint(endpoint), oauth2Scope, sigv4Service }
}

/**
 * A catalog that speaks the Iceberg REST protocol. It connects at the first call, and asks for `/v1/config` once.
 *
 * Reads are repeated while the catalog is overloaded or out of reach; a commit and a creation are sent exactly once per call.
 */
export function restCatalog(options: RestCatalogOptions): Catalog {
  const profile = profileOf(options.product ?? 'rest', options.warehouse)
  const { endpoint } = options
  const around = { endpoint, clock: options.clock, headers: options.headers ?? (() => ({})), aws: options.aws ?? noKeys }
  const client = restClient({ ...options, auth: (http) => openAuth(options.auth, profile, around, http) })
  const knownTables = new KnownTables()
  const vended = options.accessDelegation ?? (profile.vends ? 'vended-credentials' : 'none')
  const delegation: Record<string, string> = vended === 'none' ? {} : { 'x-iceberg-access-delegation': vended }
  let known: Promise<RestConfig> | undefined

  function config(): Promise<RestConfig> {
    known ??= loadRestConfig(client, endpoint, options.warehouse).catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }

  /** The failure that a refused write is: that the endpoint takes none, where the answer shows it. */
  function writeError(exchange: Exchange, { commits }: RestConfig): WorkError {
    const advice = readOnlyAdvice(profile, endpoint, exchange, commits)
    return advice === undefined ? workError(exchange) : new WorkError(`${sentence(exchange)}: ${advice}`, { retry: 'never' })
  }

  async function namespaceProperties(namespace: readonly string[]): Promise<Readonly<Record<string, string>> | null> {
    const paths = await config()
    const what = `namespace ${namespace.join('.')}`
    const found = await client.repeatable({ what, method: 'GET', url: paths.namespace(namespace) })
    if (isMissing(found)) return null
    if (found.answer.status >= 300) throw workError(found)
    if (found.answer.body.trim() === '') return {}
    const where = `the answer to ${found.where}`
    return expectStringMap(expectObject(parseJson(found.answer.body, where), where)['properties'] ?? {}, `${where}: properties`)
  }

  async function ensureNamespace(namespace: readonly string[]): Promise<void> {
    if ((await namespaceProperties(namespace)) !== null) return
    if (namespace.length > 1) await ensureNamespace(namespace.slice(0, -1))
    const paths = await config()
    const body = { namespace, properties: {} }
    const what = `creating namespace ${namespace.join('.')}`
    const created = await client.repeatable({ what, method: 'POST', url: paths.namespaces(), body })
    if (created.answer.status >= 300 && created.answer.status !== 409) throw writeError(created, paths)
  }

  async function loadTable(table: TableIdentifier, { fresh = false } = {}): Promise<LoadedTable | null> {
    const paths = await config()
    const url = `${paths.table(table)}?snapshots=all`
    const last = fresh ? undefined : knownTables.get(url)
    const headers = last === undefined ? delegation : { ...delegation, 'if-none-match': last.etag }
    const exchange = await client.repeatable({ what: `loading ${nameOf(table)}`, method: 'GET', url, headers })
    if (last !== undefined && exchange.answer.status === 304) return last.table
    knownTables.forget(url)
    if (isMissing(exchange)) return null
    const loaded = tableOf(exchange, paths)
    knownTables.put(url, exchange.answer.headers['etag'], loaded, exchange.answer.body.length)
    return loaded
  }

  /** Where the catalog wants to be told: beside the namespace's other tables, if the namespace has a place. */
  async function locationFor(table: TableIdentifier, location: string | undefined): Promise<string | undefined> {
    if (profile.location !== 'required' || location !== undefined) return location
    const parent = (await namespaceProperties(table.namespace))?.['location'] ?? ''
    const isTaken = profile.locationSchemes === undefined || profile.locationSchemes.includes(parent.split('://')[0])
    if (parent !== '' && isTaken) return `${parent.replace(/\/+$/, '')}/${table.name}`
    const found = parent === '' ? 'no location' : `${parent}, which is none of ${profile.locationSchemes?.join(' or ')}://`
    const message = `creating ${nameOf(table)}: ${profile.product} wants to be told where a table lies, and its namespace has ${found}; set spec.sink.tables.location`
    throw new WorkError(message, { retry: 'never' })
  }

  async function createTable(table: TableIdentifier, request: CreateTableRequest) {
    const paths = await config()
    const { schema, partitionSpec, sortOrder, properties } = request
    const body = {
      name: table.name,
      location: await locationFor(table, request.location),
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
    // Of two that create it at once, Polaris tells the later one that the place is taken: by the earlier one's table.
    if (isTakenPlace(sent) && (await loadTable(table)) !== null) return { kind: 'exists' as const }
    if (sent.answer.status >= 300) throw writeError(sent, paths)
    return { kind: 'created' as const, table: tableOf(sent, paths) }
  }

  return {
    profile,
    ensureNamespace,
    loadTable,
    createTable,
    async listTables(namespace) {
      return listTables(client, (await config()).tables(namespace), `listing the tables of ${namespace.join('.')}`)
    },
    async dropTable(table) {
      const paths = await config()
      const url = paths.table(table)
      knownTables.forget(`${url}?snapshots=all`)
      const drop = (purge: boolean) =>
        client.repeatable({ what: `dropping ${nameOf(table)}`, method: 'DELETE', url: `${url}?purgeRequested=${purge}` })
      let exchange = await drop(profile.purges === true)
      // A catalog that can not purge says so in its own way.
      if (profile.purges === true && [400, 406, 501].includes(exchange.answer.status)) exchange = await drop(false)
      if (exchange.answer.status >= 300 && !isMissing(exchange)) throw writeError(exchange, paths)
    },
    async commitTable(table, { requirements, updates, idempotencyKey }) {
      const paths = await config()
      if (!paths.commits) {
        return { kind: 'refused', reason: `${nameOf(table)}: ${readOnlySentence(profile.product, endpoint, profile.readOnly)}` }
      }
      const body = { identifier: { namespace: table.namespace, name: table.name }, requirements, updates }
      const headers: Record<string, string> = paths.idempotencyKeys ? { 'idempotency-key': idempotencyKey } : {}
      const sent = await client.once({ what: `commit to ${nameOf(table)}`, method: 'POST', url: paths.table(table), body, headers })
      const outcome = commitOutcome(sent)
      const advice = outcome.kind === 'refused' && 'answer' in sent ? readOnlyAdvice(profile, endpoint, sent, true) : undefined
      return advice === undefined ? outcome : { kind: 'refused', reason: `${sentence(sent as Exchange)}: ${advice}` }
    },
    close: () => client.close(),
  }
}

function noKeys(): never {
  throw new Error('a catalog whose requests are signed is opened with keys')
}

/** What the catalog says of a table goes before what it says of all. */
function tableOf(exchange: Exchange, { storage }: RestConfig): LoadedTable {
  if (exchange.answer.status >= 300) throw workError(exchange)
  try {
    const table = readTable(exchange)
    return { ...table, config: { ...storage, ...table.config } }
  } catch (error) {
    throw new WorkError(`${exchange.what}: ${(error as Error).message}`, { retry: 'never', cause: error })
  }
}

function nameOf(table: TableIdentifier): string {
  return [...table.namespace, table.name].join('.')
}
