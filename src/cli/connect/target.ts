import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { catalogWays } from '../../compose/catalogs.ts'
import type { CatalogSettings, ProcessorDocument } from '../../spec/document.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'

/** What is to be queried, with nothing secret in it. */
export interface ConnectTarget {
  readonly type: CatalogSettings['type']
  /** Of a SQLite catalog, the file's absolute path. */
  readonly endpoint: string
  readonly warehouse: string | undefined
  readonly auth: ConnectAuth
  /** Names of headers that the document sends. */
  readonly headers: readonly string[]
  /** Whether the catalog gives credentials for the files. */
  readonly vends: boolean
  /** Whether it is not to be asked for them, though it is of a product that gives some. */
  readonly declinesKeys: boolean
  readonly storage: { readonly region?: string; readonly endpoint?: string; readonly pathStyle: boolean }
  /** With dots where it has levels. */
  readonly database: string
  readonly tables: readonly ConnectTable[]
}

/** In whose name the catalog is asked. */
export type ConnectAuth =
  | { readonly kind: 'none' | 'token' }
  | { readonly kind: 'oauth2'; readonly clientId: string; readonly tokenEndpoint: string; readonly scope: string }
  | { readonly kind: 'sigv4'; readonly region: string; readonly service: string }

export interface ConnectTable {
  readonly name: string
  /** Columns of bytes, which may be UTF-8 text. */
  readonly bytes: readonly string[]
}

/** What stands where the reader fills in a value that is secret, or that the document does not say. */
export function placeholder(what: string): string {
  return `<${what}>`
}

type Ways = ReturnType<typeof catalogWays>

/** What of a document those who query its tables need; `ways` are those of its catalog. */
export function connectTarget(
  { spec }: ProcessorDocument,
  ways: Ways,
  tables: readonly (readonly [name: string, mapping: TopicMapping])[],
): ConnectTarget {
  const { catalog, storage, database } = spec.sink
  const isFile = catalog.type === 'sql'
  const vends =
    catalog.accessDelegation === undefined
      ? storage.accessKeyId === undefined && ways?.vends === true
      : catalog.accessDelegation === 'vended-credentials'
  return {
    type: catalog.type,
    endpoint: isFile ? resolve(catalog.endpoint.replace(/^sqlite:(\/\/)?/, '')) : catalog.endpoint,
    warehouse: isFile ? warehouseUri(catalog.warehouse!) : catalog.warehouse,
    auth: authOf(catalog, ways, storage.region),
    headers: Object.keys(catalog.headers),
    vends,
    declinesKeys: !vends && ways?.vends === true,
    storage: { region: storage.region, endpoint: storage.endpoint, pathStyle: storage.pathStyle },
    database,
    tables: tables.map(([name, mapping]) => ({ name, bytes: [...byteColumns(mapping)] })),
  }
}

/** As the program asks: what the document leaves open is as the product wants it, which engines do not know. */
function authOf(catalog: CatalogSettings, ways: Ways, storageRegion: string | undefined): ConnectAuth {
  const { type, oauth2, token, sigv4, endpoint } = catalog
  if (ways !== null && oauth2 !== undefined) {
    const { clientId, tokenEndpoint = ways.tokenEndpoint, scope = ways.oauth2Scope } = oauth2
    return { kind: 'oauth2', clientId, tokenEndpoint, scope }
  }
  if (token !== undefined) return { kind: 'token' }
  if (sigv4 === undefined && ways?.sigv4Service === undefined) return { kind: 'none' }
  const region = sigv4?.region ?? storageRegion ?? /\.([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(endpoint)?.[1] ?? placeholder('region')
  return { kind: 'sigv4', region, service: sigv4?.service ?? ways?.sigv4Service ?? type }
}

function* byteColumns({ kafkaColumns, key, value }: TopicMapping): Generator<string> {
  if (kafkaColumns.key !== null && key.format === 'binary') yield kafkaColumns.key
  if (value.format === 'binary') yield 'value'
}

function warehouseUri(warehouse: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(warehouse) ? warehouse : pathToFileURL(resolve(warehouse)).href
}
