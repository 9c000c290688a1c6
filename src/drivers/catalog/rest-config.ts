import { parseJson } from '../../formats/json/exact.ts'
import { expectList, expectObject, expectString, expectStringMap } from '../../formats/json/expect.ts'
import { type Lacking, WorkError } from '../../model/failure.ts'
import type { TableIdentifier } from '../../seams/catalog.ts'
import { answeredError, type Exchange, lackingIn, workError } from './rest-answer.ts'
import type { RestClient } from './rest-client.ts'

/** What a catalog's `/v1/config` says of the way to speak with it. */
export interface RestConfig {
  /** Whether the catalog understands the header `Idempotency-Key`. */
  readonly idempotencyKeys: boolean
  /** False where the catalog lists its endpoints and has none for commits. */
  readonly commits: boolean
  /** How all tables' files are reached, where the catalog overrides what clients say of it (`s3.endpoint`, `client.region` and the like). */
  readonly storage: Readonly<Record<string, string>>
  namespaces(): string
  namespace(levels: readonly string[]): string
  tables(namespace: readonly string[]): string
  table(table: TableIdentifier): string
}

const commitEndpoint = 'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}'
/** U+001F, percent-encoded: what joins a namespace's levels unless the catalog says otherwise. */
const unitSeparator = '%1F'

/** Asks for the configuration of one warehouse. Throws a WorkError where the endpoint gives none. */
export async function loadRestConfig(client: RestClient, endpoint: string, warehouse: string | undefined): Promise<RestConfig> {
  const base = endpoint.replace(/\/+$/, '')
  const query = warehouse === undefined ? '' : `?warehouse=${encodeURIComponent(warehouse)}`
  const exchange = await client.repeatable({
    what: 'asking the catalog for its configuration',
    method: 'GET',
    url: `${base}/v1/config${query}`,
  })
  if (exchange.answer.status !== 200) throw workError(exchange, lackingAt(exchange))
  const where = `the answer to ${exchange.where}`
  try {
    return readConfig(parseJson(exchange.answer.body, where), where, base)
  } catch (error) {
    throw new WorkError(`${(error as Error).message}. Is the endpoint that of an Iceberg REST catalog?`, {
      retry: 'never',
      lacking: 'endpoint',
      cause: error,
    })
  }
}

/** Who is asked for a configuration and has none is no catalog, or does not know this warehouse; one that stumbles says nothing. */
function lackingAt(exchange: Exchange): Lacking | undefined {
  const { status } = exchange.answer
  const who = lackingIn(exchange)
  if (who !== undefined || status === 408 || status === 429 || status >= 500) return who
  const { type, message } = answeredError(exchange)
  return type !== null && /warehouse|catalog/i.test(message) ? 'warehouse' : 'endpoint'
}

function readConfig(document: unknown, where: string, base: string): RestConfig {
  const value = expectObject(document, where)
  const at = (key: string): string => `${where}: ${key}`
  const defaults = expectStringMap(value['defaults'] ?? {}, at('defaults'))
  const overrides = expectStringMap(value['overrides'] ?? {}, at('overrides'))
  const endpoints = expectList(value['endpoints'] ?? [], at('endpoints')).map((item, index) =>
    expectString(item, at(`endpoints[${index}]`)),
  )
  const settings = { ...defaults, ...overrides }
  // The prefix is a path as it stands, slashes and escapes included.
  const prefix = (settings['prefix'] ?? '').replace(/^\/+|\/+$/g, '')
  const root = [(settings['uri'] ?? base).replace(/\/+$/, ''), 'v1', prefix].filter((part) => part !== '').join('/')
  const separator = settings['namespace-separator'] ?? unitSeparator
  const namespace = (levels: readonly string[]): string => `${root}/namespaces/${levels.map(encodeURIComponent).join(separator)}`
  return {
    idempotencyKeys: value['idempotency-key-lifetime'] !== undefined && value['idempotency-key-lifetime'] !== null,
    storage: Object.fromEntries(Object.entries(overrides).filter(([key]) => key.startsWith('s3.') || key === 'client.region')),
    commits: endpoints.length === 0 || endpoints.includes(commitEndpoint),
    namespaces: () => `${root}/namespaces`,
    namespace,
    tables: (levels) => `${namespace(levels)}/tables`,
    table: ({ namespace: levels, name }) => `${namespace(levels)}/tables/${encodeURIComponent(name)}`,
  }
}
