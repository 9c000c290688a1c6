import { createHash } from 'node:crypto'
import { parseJson, stringifyJson } from '../../../src/formats/json/exact.ts'
import { faultProxy, type FaultProxy, type ProxyAnswer, type SeenRequest, type Treatment } from '../proxy.ts'

/** A request that passed authentication, as a product's rules look at it. */
export interface CatalogCall extends SeenRequest {
  /** Below the prefix, without the query: `namespaces/db/tables`. */
  readonly place: string
  readonly query: URLSearchParams
  /** The body, for looking at: what is forwarded is the text as it came. */
  readonly document: CatalogDocument
}

/** What the rules look at in bodies. */
export interface CatalogDocument {
  readonly namespace?: readonly string[]
  readonly name?: string
  readonly location?: string
  readonly 'stage-create'?: boolean
  readonly schema?: { readonly fields?: readonly { readonly id: number }[] }
  readonly 'partition-spec'?: { readonly fields: readonly { readonly 'source-id': number }[] }
  readonly properties?: Readonly<Record<string, string>>
  readonly updates?: readonly {
    readonly action: string
    readonly updates?: Readonly<Record<string, string>>
    readonly schema?: unknown
    readonly snapshot?: { readonly summary?: Readonly<Record<string, string>> }
  }[]
}

/** What the catalog behind says of a place below the prefix; null: not with 200. */
export type Behind = (place: string) => Promise<unknown>

/** What a product answers to a call that it refuses; null: it has nothing against it. */
export type Refusal = (call: CatalogCall, behind: Behind) => ProxyAnswer | null | Promise<ProxyAnswer | null>

/** Configuration for the files below a location, credentials among it. */
export type Vend = (location: string) => Promise<Readonly<Record<string, string>>>

/** A product's ways, apart from what a catalog does. */
export interface Product {
  /** What stands before `/v1`. */
  readonly base: string
  readonly warehouse: string
  /** As `/v1/config` gives it and as it must stand in paths. */
  readonly prefix: string
  /** Answers what is none of the catalog's: token endpoints, login pages. Null: not found. */
  readonly beside?: (request: SeenRequest) => ProxyAnswer | null
  /** What is answered to somebody unknown; null: come in. */
  readonly unknown: (request: SeenRequest) => ProxyAnswer | null
  /** What is refused for want of a right, `GET config` among it; everything is allowed unless given. */
  readonly denies?: (call: CatalogCall) => ProxyAnswer | null
  /** What the product refuses; the first that is not null is answered. */
  readonly refusals: readonly Refusal[]
  /** What is answered to a call though it was carried out; null: as the catalog behind answered. */
  readonly regrets?: (call: CatalogCall) => ProxyAnswer | null
  /** The body to forward in place of the one that came. */
  readonly rewritten?: (call: CatalogCall) => Buffer
  /** What `/v1/config` lists; what the catalog behind lists unless given. */
  readonly endpoints?: readonly string[]
  /** Whether a table wants its namespace to be there, which the catalog behind does not ask. */
  readonly strictNamespaces?: boolean
  /** Whether a table is answered with an ETag, and 304 to one that is still good. */
  readonly etags?: boolean
  /** Gives credentials to those who ask for them, in the table's configuration. */
  readonly vend?: Vend
  /** Whether the keys stand in `storage-credentials` too; the rest of what is given stands in the configuration alone. */
  readonly listsCredentials?: boolean
}

export interface PolicyProxy extends FaultProxy {
  /** The endpoint that a document names. */
  readonly endpoint: string
  /** What came in, in order. */
  readonly seen: readonly SeenRequest[]
}

/**
 * A product's policy in front of the Iceberg project's REST catalog at `target`, which does all that a catalog does. `meddle` treats
 * the commits that passed.
 */
export async function policyProxy(target: string, product: Product, meddle: Treatment = (_, forward) => forward()): Promise<PolicyProxy> {
  const seen: SeenRequest[] = []
  const root = `${product.base}/v1/`
  const proxy = await faultProxy(target, async (request, forward) => {
    seen.push(request)
    const beside = product.beside?.(request) ?? null
    if (beside !== null) return beside
    if (!request.path.startsWith(root)) return text(404, 'Not Found')
    const refused = product.unknown(request)
    if (refused !== null) return refused
    const [path, search = ''] = request.path.split('?')
    const query = new URLSearchParams(search)
    const callAt = (place: string): CatalogCall => ({ ...request, place, query, document: documentIn(request.body) })
    if (path === `${root}config`) {
      return product.denies?.(callAt('config')) ?? configuration(product, query, await forward({ path: '/v1/config', headers: {} }))
    }
    if (!path.startsWith(`${root}${product.prefix}/`)) return text(404, `no such route: ${path}`)
    const place = path.slice(root.length + product.prefix.length + 1)
    const call = callAt(place)
    const behindAt: Behind = async (at) => {
      const { status, body } = await forward({ method: 'GET', path: `/v1/${at}`, headers: {}, body: Buffer.of() })
      return status === 200 ? parseJson(String(body), at) : null
    }
    for (const refusal of [product.denies, ...product.refusals]) {
      const answer = (await refusal?.(call, behindAt)) ?? null
      if (answer !== null) return answer
    }
    if (product.strictNamespaces === true && makesTable(call)) {
      const found = await forward({ method: 'GET', path: `/v1/${place.replace(/\/tables$/, '')}`, headers: {}, body: Buffer.of() })
      if (found.status === 404) return found
    }
    // Bodies are looked into on their way back.
    const { authorization: _, 'accept-encoding': __, ...headers } = request.headers
    const behind = { path: `/v1/${place}${search === '' ? '' : `?${search}`}`, headers, body: product.rewritten?.(call) ?? request.body }
    const answer = commits(call) ? await meddle(call, () => forward(behind)) : await forward(behind)
    const regret = answer !== null && answer.status < 300 ? (product.regrets?.(call) ?? null) : null
    if (regret !== null) return regret
    const isTable = answer?.status === 200 && (request.method === 'GET' ? /\/tables\/./ : /\/tables$/).test(place)
    return answer === null || !isTable || request.method === 'HEAD' ? answer : asTable(product, call, answer)
  })
  return { ...proxy, endpoint: proxy.url + product.base, seen }
}

function documentIn(body: Buffer): CatalogDocument {
  return (body.length === 0 ? {} : JSON.parse(body.toString())) as CatalogDocument
}

/** What the catalog behind says of itself (how it joins the levels of namespaces, for one), under the product's prefix. */
function configuration({ warehouse, prefix, endpoints }: Product, query: URLSearchParams, behind: ProxyAnswer): ProxyAnswer {
  const asked = query.get('warehouse')
  if (asked === null) return error(400, 'BadRequestException', 'Please specify a warehouse')
  if (asked !== warehouse) return error(404, 'NotFoundException', `Unable to find warehouse ${asked}`)
  const own = JSON.parse(String(behind.body)) as { defaults?: object; overrides?: object; endpoints?: readonly string[] }
  return json(200, { ...own, ...(endpoints !== undefined && { endpoints }), overrides: { ...own.overrides, prefix } })
}

/** A table's answer, with what the product adds to it. */
async function asTable(
  { etags, vend, listsCredentials = false }: Product,
  { headers }: CatalogCall,
  answer: ProxyAnswer,
): Promise<ProxyAnswer> {
  const body = String(answer.body)
  const table = parseJson(body, 'the table') as {
    readonly 'metadata-location': string
    readonly metadata: { readonly location: string }
    readonly config?: object
  }
  const etag = `W/"${createHash('sha256').update(table['metadata-location']).digest('hex').slice(0, 16)}"`
  if (etags === true && headers['if-none-match'] === etag) return { status: 304, headers: {} }
  const asked = headers['x-iceberg-access-delegation'] === 'vended-credentials'
  const vended = asked && vend !== undefined ? withKeys(table, await vend(table.metadata.location), listsCredentials) : body
  return { status: answer.status, headers: { 'content-type': 'application/json', ...(etags === true && { etag }) }, body: vended }
}

function withKeys(
  table: { readonly metadata: { readonly location: string }; readonly config?: object },
  given: Readonly<Record<string, string>>,
  listsCredentials: boolean,
): string {
  const keys = Object.fromEntries(
    Object.entries(given).filter(([name]) => /^s3\.(?:access-key-id|secret-access-key|session-token)/.test(name)),
  )
  const listed = listsCredentials ? { 'storage-credentials': [{ prefix: table.metadata.location, config: keys }] } : {}
  return stringifyJson({ ...table, config: { ...table.config, ...given }, ...listed })
}

/** An error in Iceberg's form. */
export function error(status: number, type: string, message: string): ProxyAnswer {
  return json(status, { error: { message, type, code: status } })
}

export function json(status: number, value: unknown): ProxyAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

export function text(status: number, body: string): ProxyAnswer {
  return { status, headers: { 'content-type': 'text/plain' }, body }
}

/** Whether a call makes a table, and whether it makes a namespace. */
export const makesTable = ({ method, place }: CatalogCall): boolean => method === 'POST' && /^namespaces\/[^/]+\/tables$/.test(place)
export const makesNamespace = ({ method, place }: CatalogCall): boolean => method === 'POST' && place === 'namespaces'

/** Whether a call commits to a table. */
export const commits = ({ method, place }: CatalogCall): boolean => method === 'POST' && /\/tables\/./.test(place)

/** Refuses commits that add to a table's metadata until it has more bytes than these, as far as the text of what they add tells. */
export function metadataWithin(limit: number, refused: (metadataLocation: string) => ProxyAnswer): Refusal {
  return async (call, behind) => {
    const isAdding = call.document.updates?.some(({ action }) => !action.startsWith('remove-')) === true
    const table = commits(call) && isAdding ? await behind(call.place) : null
    if (table === null) return null
    const { metadata, 'metadata-location': location } = table as { readonly metadata: unknown; readonly 'metadata-location': string }
    return Buffer.byteLength(stringifyJson(metadata)) + call.body.length > limit ? refused(location) : null
  }
}

/** Namespaces of several levels, made or named in a path. */
export function nestedNamespace(call: CatalogCall): boolean {
  const named = decodeURIComponent(/^namespaces\/([^/]+)/.exec(call.place)?.[1] ?? '')
  return (makesNamespace(call) && (call.document.namespace?.length ?? 0) > 1) || named.includes('.') || named.includes('\u001f')
}

/** The names of the primitive types in a schema, without their lengths. */
export function typesIn(schema: unknown): string[] {
  return [...JSON.stringify(schema ?? {}).matchAll(/"(?:type|element|key|value)":"([a-z_]+)/g)].map(([, type]) => type)
}
