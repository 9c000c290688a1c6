import type { Forward, ProxyAnswer, Treatment } from '../proxy.ts'
import { type Behind, type CatalogCall, error, makesTable, policyProxy, type Vend } from './policy-proxy.ts'
import { type CatalogAction, namespaceOf, type Needs, refusalFor } from './privileges.ts'
import { type TokenProxy, type TokenRules, tokens } from './tokens.ts'

export const polarisRealm = 'POLARIS-TEST'
export const polarisWarehouse = 'lake'
export const polarisClient: TokenRules = {
  clientId: 'polaris-client',
  clientSecret: 'polaris-client-secret-5d1',
  scope: 'PRINCIPAL_ROLE:ALL',
  lifeMs: 3_600_000,
  descriptions: {
    unauthorized_client: 'The client is not authorized',
    invalid_scope: 'The scope is invalid',
    unsupported_grant_type: 'The grant type is invalid',
  },
}

/**
 * Apache Polaris and Snowflake Open Catalog, as far as they refuse. "Seen" is of Polaris 1.4.0 with its metastore in memory, over MinIO:
 * - OAuth2 at `/v1/oauth/tokens` below the endpoint, tokens of 3,600 s, scopes that begin with `PRINCIPAL_ROLE:`, and the answers to what else
 *   is asked for; 401 with an empty body to a bad token; 404 to another realm than there is (header `Polaris-Realm`): seen.
 * - The header may be left out where there is one realm (`defaultRealm`): seen.
 * - warehouse = catalog name = prefix, and the answers to none and to an unknown one: seen.
 * - Weak ETags on loadTable, and 304 without one: seen.
 * - A table's place is its name below its namespace's place. Another place, and other places for data and metadata in its properties, are
 *   refused (403) unless they lie there too. So is a table where another of its namespace lies, in it or around it; a namespace of the table's own
 *   name may lie there: seen, and its source.
 * - Properties that begin with `polaris.` are refused (400): seen.
 * - Tables under the name of a metadata table of Iceberg's are 500: seen.
 * - Tables in namespaces that do not exist are refused (404), and purges (403) unless its administrator switched them on: seen.
 * - With `grants`: what each operation needs, which privileges hold for others as well, and the words of a refusal: Polaris' source, and of an
 *   administrator without the right to data seen. Without `TABLE_WRITE_DATA` a table is loaded with keys that read (`vendReading`).
 * - A snapshot that its library does not take, for numbers of snapshots or rows that are taken, is 400 and not 409: seen.
 * - Vended keys that open the table's own prefix alone. They stand in the table's configuration and in its list of credentials, their
 *   server's address in the configuration alone. Asked for where storage has no STS: 400; a table that was to be made is made all the same: seen.
 */
export async function polarisProxy(
  target: string,
  {
    vend,
    meddle,
    lifeMs = polarisClient.lifeMs,
    defaultRealm = false,
    grants,
    vendReading = vend,
  }: { vend?: Vend; meddle?: Treatment; lifeMs?: number; defaultRealm?: boolean; grants?: ReadonlySet<string>; vendReading?: Vend },
): Promise<TokenProxy> {
  const given = tokens({ ...polarisClient, lifeMs })
  const base = '/api/catalog'
  const noRealm = () => error(404, 'MissingOrInvalidRealm', 'Missing or invalid realm')
  const proxy = await policyProxy(
    target,
    {
      base,
      warehouse: polarisWarehouse,
      prefix: polarisWarehouse,
      beside(request) {
        const { 'polaris-realm': realm = defaultRealm ? polarisRealm : undefined } = request.headers
        if (realm !== polarisRealm) return noRealm()
        return request.path === `${base}/v1/oauth/tokens` ? given.answer(request) : null
      },
      unknown: (request) => (given.accepts(request) ? null : { status: 401, headers: { 'www-authenticate': 'Bearer' }, body: '' }),
      denies: (call) => refusalFor(call, neededOf(call), grants, (_, action) => denied(call, action), implying),
      refusals: [
        ownProperty,
        metadataTable,
        misplaced,
        ({ query }) =>
          query.get('purgeRequested') === 'true' ? error(403, 'ForbiddenException', `Unable to purge entity: ${purging}`) : null,
      ],
      regrets: (call) =>
        asksForKeys(call) && vend === undefined
          ? error(400, 'IllegalArgumentException', 'Credential vending was requested for table, but no credentials are available')
          : null,
      strictNamespaces: true,
      etags: true,
      listsCredentials: true,
      vend: grants === undefined || grants.has('TABLE_WRITE_DATA') ? vend : vendReading,
    },
    meddle ?? asValidation,
  )
  return { ...proxy, tokens: given }
}

const purging =
  'To enable this feature, set the Polaris configuration DROP_WITH_PURGE_ENABLED or the catalog configuration polaris.config.drop-with-purge.enabled'

function ownProperty(call: CatalogCall): ProxyAnswer | null {
  const given = [call.document.properties, ...(call.document.updates ?? []).map(({ updates }) => updates)]
  const own = given.flatMap((properties) => Object.keys(properties ?? {})).find((name) => name.startsWith('polaris.'))
  return own === undefined ? null : error(400, 'IllegalArgumentException', `Property '${own}' matches reserved prefix 'polaris.'`)
}

function metadataTable(call: CatalogCall): ProxyAnswer | null {
  const isMetadata = makesTable(call) && /^(?:history|snapshots|files|manifests|partitions|entries|refs)$/i.test(call.document.name ?? '')
  return isMetadata
    ? error(500, 'IllegalStateException', 'invalid_path_key_for_passthrough_resolved_path: key={} passthroughPaths={}, …')
    : null
}

/** The catalog behind makes a conflict of it. */
async function asValidation(_: unknown, forward: Forward): Promise<ProxyAnswer> {
  const answer = await forward()
  const [, words] = /Validation failed, please retry: (Cannot add [^"]*)/.exec(answer.status === 409 ? String(answer.body) : '') ?? []
  return words === undefined ? answer : error(400, 'ValidationException', words)
}

/** Privileges that hold for another one. */
const implying: Readonly<Record<string, readonly string[]>> = {
  NAMESPACE_READ_PROPERTIES: ['NAMESPACE_READ_PROPERTIES', 'NAMESPACE_WRITE_PROPERTIES'],
  TABLE_LIST: ['TABLE_LIST', 'TABLE_CREATE', 'TABLE_READ_PROPERTIES', 'TABLE_WRITE_PROPERTIES', 'TABLE_READ_DATA', 'TABLE_WRITE_DATA'],
  TABLE_READ_PROPERTIES: ['TABLE_READ_PROPERTIES', 'TABLE_WRITE_PROPERTIES', 'TABLE_READ_DATA', 'TABLE_WRITE_DATA'],
  TABLE_WRITE_PROPERTIES: ['TABLE_WRITE_PROPERTIES', 'TABLE_WRITE_DATA'],
  TABLE_READ_DATA: ['TABLE_READ_DATA', 'TABLE_WRITE_DATA'],
}

async function misplaced(call: CatalogCall, behind: Behind): Promise<ProxyAnswer | null> {
  if (!makesTable(call)) return null
  const own = placeOf(await behind(call.place.replace(/\/tables$/, '')))
  if (own === undefined) return null
  const { name, properties = {}, location: place = `${own}/${name}` } = call.document
  const places = [properties['write.data.path'], properties['write.metadata.path'], place].filter((one) => one !== undefined)
  const outside = places.find((one) => !one.startsWith(`${own}/`))
  if (outside !== undefined) {
    const words = `Invalid locations '[${places.join(', ')}]' for identifier '${namespaceOf(call)}.${name}': ${outside}`
    return error(403, 'ForbiddenException', `${words} is not in the list of allowed locations: [${own}]`)
  }
  const { identifiers } = (await behind(call.place)) as { readonly identifiers: readonly { readonly name: string }[] }
  // A table of the same name exists, which the catalog behind says.
  for (const other of identifiers.filter((one) => one.name !== name)) {
    const loaded = (await behind(`${call.place}/${encodeURIComponent(other.name)}`)) as { readonly metadata?: unknown } | null
    const taken = placeOf(loaded?.metadata)
    if (taken === undefined || !(`${place}/`.startsWith(`${taken}/`) || `${taken}/`.startsWith(`${place}/`))) continue
    const words = `Unable to create table at location '${place}' because it conflicts with existing table or namespace at location '${taken}/'`
    return error(403, 'ForbiddenException', words)
  }
  return null
}

/** The location of a table's metadata or of a namespace. */
function placeOf(found: unknown): string | undefined {
  const { location, properties } = (found ?? {}) as { location?: string; properties?: { location?: string } }
  return (location ?? properties?.location)?.replace(/\/+$/, '')
}

const asksForKeys = ({ headers }: CatalogCall) => (headers['x-iceberg-access-delegation'] ?? '') !== ''

function neededOf(call: CatalogCall): Needs {
  const delegates = asksForKeys(call)
  return {
    loadNamespace: ['NAMESPACE_READ_PROPERTIES'],
    createNamespace: ['NAMESPACE_CREATE'],
    listTables: ['TABLE_LIST'],
    createTable: delegates ? ['TABLE_CREATE', 'TABLE_WRITE_DATA'] : ['TABLE_CREATE'],
    loadTable: delegates ? ['TABLE_READ_DATA'] : ['TABLE_READ_PROPERTIES'],
    commit: ['TABLE_WRITE_PROPERTIES'],
    dropTable: ['TABLE_DROP'],
  }
}

function denied(call: CatalogCall, action: CatalogAction): ProxyAnswer {
  const delegates = asksForKeys(call)
  const operations: Readonly<Partial<Record<CatalogAction, string>>> = {
    loadNamespace: 'LOAD_NAMESPACE_METADATA',
    createNamespace: 'CREATE_NAMESPACE',
    listTables: 'LIST_TABLES',
    createTable: delegates ? 'CREATE_TABLE_DIRECT_WITH_WRITE_DELEGATION' : 'CREATE_TABLE_DIRECT',
    loadTable: delegates ? 'LOAD_TABLE_WITH_READ_DELEGATION' : 'LOAD_TABLE',
    // One operation for each kind of update, of which this is the first that ours have.
    commit: 'ADD_TABLE_SNAPSHOT',
    dropTable: 'DROP_TABLE_WITHOUT_PURGE',
  }
  const who = `Principal 'processor' with activated PrincipalRoles '[]' and activated grants via '[writer]'`
  return error(403, 'ForbiddenException', `${who} is not authorized for op ${operations[action]}`)
}
