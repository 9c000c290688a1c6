import type { Forward, ProxyAnswer, Treatment } from '../proxy.ts'
import { type Behind, type CatalogCall, error, makesTable, policyProxy, type Vend } from './policy-proxy.ts'
import { type CatalogAction, type Needs, refusalFor } from './privileges.ts'
import { type TokenProxy, type TokenRules, tokens } from './tokens.ts'

export const polarisRealm = 'POLARIS-TEST'
export const polarisWarehouse = 'lake'
export const polarisClient: TokenRules = {
  clientId: 'polaris-client',
  clientSecret: 'polaris-client-secret-5d1',
  scope: 'PRINCIPAL_ROLE:ALL',
  // Seen of Polaris 1.4.
  lifeMs: 3_600_000,
}

/**
 * Apache Polaris and Snowflake Open Catalog, as far as they refuse. What it rests on:
 * - OAuth2 at `/v1/oauth/tokens` below the endpoint, scope `PRINCIPAL_ROLE:ALL`, header `Polaris-Realm`: Polaris' documentation.
 * - 401 with an empty body to a bad token, tokens of 3,600 s: seen of Polaris 1.4.
 * - warehouse = catalog name = prefix: documentation; an unknown one is 404 in Iceberg's form.
 * - ETag and 304 on loadTable: documentation of 1.x.
 * - A location that the client gives is refused (403): documentation, "may refuse client-given locations".
 * - A table's place is its name below its namespace's place. Where another table of the namespace, or a namespace in it, lies there, in it or around it,
 *   the table is refused (403), in these words: its source.
 * - Tables in namespaces that do not exist are refused (404), and purges (403) unless its administrator switched them on: Polaris' source.
 * - The header may be left out where there is one realm (`defaultRealm`): documentation.
 * - With `grants`: what each operation needs, which privileges hold for others as well, and the words of a refusal: Polaris' source. Without
 *   `TABLE_WRITE_DATA` a table is loaded with keys that read (`vendReading`).
 * - A snapshot that its library does not take, for numbers of snapshots or rows that are taken, is 400 and not 409: its source up to 1.7.
 * - Vended keys that open the table's own prefix alone: seen of 1.4. They stand in the table's configuration and in its list of credentials, their
 *   server's address in the configuration alone: its source. Asked for where storage has no STS: 400, seen of 1.4; a table that was to be made
 *   is made all the same: its source.
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
  const noRealm = () => error(404, 'NotFoundException', 'Missing or unknown realm')
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
      unknown: (request) => (given.accepts(request) ? null : { status: 401, headers: {}, body: '' }),
      denies: (call) => refusalFor(call, neededOf(call), grants, (_, action) => denied(call, action), implying),
      refusals: [
        (call) =>
          makesTable(call) && call.document.location !== undefined
            ? error(
                403,
                'ForbiddenException',
                `Invalid locations '[${call.document.location}]' for the table: not in the allowed locations`,
              )
            : null,
        overlapping,
        ({ query }) =>
          query.get('purgeRequested') === 'true' ? error(403, 'ForbiddenException', 'Unable to purge entity: it is not enabled') : null,
      ],
      regrets: (call) =>
        asksForKeys(call) && vend === undefined
          ? error(400, 'IllegalArgumentException', 'Credential vending was requested, but no credentials are available')
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

async function overlapping(call: CatalogCall, behind: Behind): Promise<ProxyAnswer | null> {
  if (!makesTable(call)) return null
  const namespace = call.place.replace(/\/tables$/, '')
  const own = placeOf(await behind(namespace))
  if (own === undefined) return null
  const { name } = call.document
  const place = `${own}/${name}`
  const others: (string | undefined)[] = []
  const { identifiers } = (await behind(call.place)) as { readonly identifiers: readonly { readonly name: string }[] }
  // A table of the same name exists, which the catalog behind says.
  for (const other of identifiers.filter((one) => one.name !== name)) {
    others.push(placeOf(((await behind(`${call.place}/${encodeURIComponent(other.name)}`)) as { metadata?: unknown } | null)?.metadata))
  }
  const inside = (await behind(`namespaces?parent=${namespace.replace('namespaces/', '')}`)) as { namespaces: readonly string[][] } | null
  others.push(...(inside?.namespaces ?? []).map((levels) => `${own}/${levels.at(-1)}`))
  const taken = others.find((other) => other !== undefined && (`${place}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${place}/`)))
  if (taken === undefined) return null
  const words = `Unable to create entity at location '${place}' because it conflicts with existing table or namespace at ${taken}`
  return error(403, 'ForbiddenException', words)
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
