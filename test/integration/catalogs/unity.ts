import type { Forward, ProxyAnswer, Treatment } from '../proxy.ts'
import {
  type Behind,
  type CatalogCall,
  error,
  makesNamespace,
  makesTable,
  nestedNamespace,
  policyProxy,
  text,
  typesIn,
  type Vend,
} from './policy-proxy.ts'
import { namespaceOf, type Needs, refusalFor } from './privileges.ts'
import { type TokenProxy, type TokenRules, tokens } from './tokens.ts'

export const unityWarehouse = 'main'
export const unityClient: TokenRules = {
  clientId: 'unity-client',
  clientSecret: 'unity-client-secret-9a7',
  scope: 'all-apis',
  lifeMs: 3_600_000,
}

const refusedTypes = new Set(['uuid', 'fixed', 'time', 'timestamp_ns', 'timestamptz_ns'])
const namespacesPath = '/v1/{prefix}/namespaces'
const tablesPath = `${namespacesPath}/{namespace}/tables`
const openReads = [namespacesPath, `${namespacesPath}/{namespace}`, tablesPath, `${tablesPath}/{table}`].map((path) => `GET ${path}`)
const openWrites = [namespacesPath, tablesPath, `${tablesPath}/{table}`].map((path) => `POST ${path}`)
const refusedProperties = ['write.metadata.path', 'write.metadata.previous-versions-max']

/** The open-source server's own words for what its configuration switches on, and for what it names. */
const notConfigured = {
  writes: "Iceberg table writes are currently disabled. To enable them, set 'server.iceberg-table.enabled=true' in server.properties",
  place: 'None of catalog, schema or storage-root.tables server property has managed location configured.',
}

/**
 * Databricks Unity Catalog, as far as it refuses. What it rests on:
 * - `/api/2.1/unity-catalog/iceberg-rest` writes, the older `/iceberg` only reads; M2M tokens at `/oidc/v1/token`, scope `all-apis`:
 *   Databricks' documentation. What the server lacks is 404 with a text body: seen of the open-source one, as is the prefix
 *   `catalogs/<name>` with its slash, and 400 for nested namespaces, time and nanoseconds.
 * - uuid and fixed are refused as well; `write.metadata.path` and `write.metadata.previous-versions-max` must not be set; the catalog owns
 *   the location (only managed tables are writable): Databricks' documentation. The statuses are assumed: 400.
 * - Delete files are refused in tables of version 2, deletion vectors are taken in those of version 3: Databricks' documentation. What a commit adds is
 *   told by its snapshots' summaries; the status is assumed: 400.
 * - Each catalog has a namespace `information_schema` of its own, which is only read: Databricks' documentation. The statuses are assumed.
 * - Properties set beside a snapshot conflict with concurrent writers: answered here as if there always were one, 409.
 * - With `grants`: `USE CATALOG` and `USE SCHEMA` for everything, `CREATE SCHEMA`, `CREATE TABLE`, and `EXTERNAL USE SCHEMA` for tables from
 *   outside; on a table that others made `SELECT` and `MODIFY`; who makes a table may do everything with it: Databricks' documentation. The
 *   words of a refusal were seen of its other interfaces.
 * - The open-source server lists the endpoints that it has and lets everybody in unless it is told otherwise. Those of its releases read; later ones
 *   write at the same address, but drop no namespaces, take any property beside a snapshot, and answer 500 to a sequence number that is taken: its source.
 *   `lacking`: what its configuration leaves out, and the words for that: its source.
 * - Vended keys stand in the table's configuration: the open-source server's source.
 * - A host without the API answers with a redirect to a login page: seen by many.
 */
export async function unityProxy(
  target: string,
  {
    vend,
    meddle,
    readOnly = false,
    openSource = false,
    lacking,
    grants,
  }: {
    vend?: Vend
    meddle?: Treatment
    readOnly?: boolean
    openSource?: boolean
    lacking?: keyof typeof notConfigured
    grants?: ReadonlySet<string>
  },
): Promise<TokenProxy> {
  const given = tokens(unityClient)
  const api = '/api/2.1/unity-catalog'
  const proxy = await policyProxy(
    target,
    {
      base: `${api}/${readOnly || openSource ? 'iceberg' : 'iceberg-rest'}`,
      warehouse: unityWarehouse,
      prefix: `catalogs/${unityWarehouse}`,
      beside(request) {
        if (request.path === '/oidc/v1/token') return given.answer(request)
        if (request.path.startsWith(`${api}/`)) return null
        return { status: 302, headers: { location: 'https://accounts.databricks.example/login.html' }, body: '' }
      },
      ...(openSource && {
        endpoints: readOnly || lacking === 'writes' ? openReads : [...openReads, ...openWrites, `DELETE ${tablesPath}/{table}`],
      }),
      unknown: (request) =>
        openSource || given.accepts(request) ? null : error(401, 'NotAuthorizedException', 'Credential was not sent or is invalid'),
      denies: (call) => refusalFor(call, neededOf(call), grants, (right) => denied(right, namespaceOf(call))),
      refusals: [
        ({ method }) =>
          readOnly && method !== 'GET' && method !== 'HEAD'
            ? openSource
              ? text(405, '405 Method Not Allowed')
              : text(404, `ENDPOINT_NOT_FOUND: no handler for ${method}`)
            : null,
        (call) => {
          if (lacking === undefined) return null
          const isRefused = lacking === 'place' ? makesTable(call) : call.method !== 'GET' && call.method !== 'HEAD'
          return isRefused ? error(400, 'BaseException', notConfigured[lacking]) : null
        },
        ({ method, place }) =>
          openSource && method === 'DELETE' && !place.includes('/tables/') ? text(405, '405 Method Not Allowed') : null,
        (call) => (nestedNamespace(call) ? error(400, 'BadRequestException', 'Nested namespaces are not supported') : null),
        ({ document: { schema, updates = [] } }) => {
          const refused = [schema, ...updates.map((update) => update.schema)].flatMap(typesIn).find((type) => refusedTypes.has(type))
          return refused === undefined ? null : error(400, 'BadRequestException', `Unsupported type: ${refused}`)
        },
        ({ document: { properties = {}, updates = [] } }) => {
          const set = [properties, ...updates.map((update) => update.updates ?? {})].flatMap((one) => Object.keys(one))
          const refused = set.find((key) => refusedProperties.includes(key))
          return refused === undefined ? null : error(400, 'BadRequestException', `Property ${refused} can not be set on managed tables`)
        },
        (call) => (openSource || namespaceOf(call) !== 'information_schema' ? null : ofSystem(call)),
        (call, behind) => (openSource ? null : deleting(call, behind)),
        (call) =>
          makesTable(call) && call.document.location !== undefined
            ? error(400, 'BadRequestException', 'Managed tables can not have a location')
            : null,
        ({ document: { updates = [] } }) => {
          const actions = updates.map(({ action }) => action)
          return !openSource && actions.includes('add-snapshot') && actions.includes('set-properties')
            ? error(409, 'CommitFailedException', 'Metadata was changed concurrently')
            : null
        },
      ],
      strictNamespaces: true,
      vend,
    },
    meddle ?? (openSource ? withoutReasons : undefined),
  )
  return { ...proxy, tokens: given }
}

function ofSystem(call: CatalogCall): ProxyAnswer | null {
  if (makesNamespace(call)) return error(409, 'AlreadyExistsException', `Schema '${unityWarehouse}.information_schema' already exists`)
  if (call.method === 'GET' || call.method === 'HEAD') return null
  return error(403, 'PermissionDeniedException', 'PERMISSION_DENIED: information_schema is owned by the system and can not be changed.')
}

/** The refusal of a commit that adds delete files, unless all of them are deletion vectors in a table that has such. */
async function deleting({ place, document: { updates = [] } }: CatalogCall, behind: Behind): Promise<ProxyAnswer | null> {
  const summaries = updates.map(({ snapshot }) => snapshot?.summary ?? {})
  const adding = summaries.filter((summary) => Number(summary['added-delete-files'] ?? 0) > 0)
  if (adding.length === 0) return null
  const { metadata } = (await behind(place)) as { readonly metadata: { readonly 'format-version': number } }
  const areVectors = adding.every((summary) => summary['added-dvs'] === summary['added-delete-files'])
  if (metadata['format-version'] >= 3 && areVectors) return null
  return error(400, 'BadRequestException', 'Row-level deletes other than the deletion vectors of Iceberg v3 are not supported')
}

/** A snapshot that the open-source server's library does not take is the server's own fault, to it. */
async function withoutReasons(_: unknown, forward: Forward): Promise<ProxyAnswer> {
  const answer = await forward()
  return /Cannot add (?:a )?snapshot/.test(String(answer.body)) ? { ...answer, status: 500 } : answer
}

const inSchema = ['USE CATALOG', 'USE SCHEMA']
const asOwner = [...inSchema, 'EXTERNAL USE SCHEMA']
const needed: Needs = {
  loadNamespace: inSchema,
  createNamespace: ['USE CATALOG', 'CREATE SCHEMA'],
  listTables: inSchema,
  createTable: [...asOwner, 'CREATE TABLE'],
  loadTable: asOwner,
  commit: asOwner,
  dropTable: inSchema,
}
/** Of tables that somebody else made. */
const neededOfOthers: Needs = { ...needed, loadTable: [...asOwner, 'SELECT'], commit: [...asOwner, 'MODIFY'] }

function neededOf({ place }: CatalogCall): Needs {
  return place.includes('/tables/') && !place.includes('/tables/kafscale_doctor_') ? neededOfOthers : needed
}

function denied(right: string, schema: string): ProxyAnswer {
  const ofCatalog = right === 'USE CATALOG' || right === 'CREATE SCHEMA'
  const on = ofCatalog ? `Catalog '${unityWarehouse}'` : `Schema '${unityWarehouse}.${schema}'`
  return error(403, 'PermissionDeniedException', `PERMISSION_DENIED: User does not have ${right} on ${on}.`)
}
