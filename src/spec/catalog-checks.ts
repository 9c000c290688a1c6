import { catalogProduct } from '../model/catalog-product.ts'
import type { CatalogSettings, CheckedDocument, ProcessorDocument, Storage } from './document.ts'
import { httpUrl } from './forms.ts'
import type { Path } from './path.ts'
import { FormError } from './scanner.ts'
import type { Clean, CrossCheck } from './schema-parts.ts'

type Found = ReturnType<CrossCheck<CheckedDocument>>
type Catalog = CheckedDocument['spec']['sink']['catalog']

const catalogPath: Path = ['spec', 'sink', 'catalog']
const regionPaths: Path[] = [
  ['spec', 'sink', 'storage'],
  ['spec', 'source', 's3'],
]

/** What a catalog's type asks of its other keys. */
export const catalogChecks: readonly CrossCheck<CheckedDocument>[] = [
  function* (document: CheckedDocument, clean: Clean): Found {
    if (!clean(catalogPath)) return
    const { catalog } = document.spec.sink
    if (catalog.type === 'sql') yield* sqlCatalog(catalog)
    else if (catalog.endpoint !== undefined) yield* restEndpoint(catalog.endpoint)
    else if (catalogProduct(catalog.type)?.awsService === undefined) {
      yield { path: catalogPath, message: `expected endpoint with type ${catalog.type}, found none` }
    } else if (clean(...regionPaths) && endpointOf(document) === undefined) {
      const region = 'a region in sigv4, in spec.sink.storage or in spec.source.s3'
      yield { path: catalogPath, message: `expected endpoint with type ${catalog.type}, or ${region}, found none` }
    }
  },
]

function* restEndpoint(endpoint: string): Found {
  try {
    httpUrl(endpoint)
  } catch (error) {
    if (!(error instanceof FormError)) throw error
    yield { path: [...catalogPath, 'endpoint'], message: `expected an http or https URL (${error.message})` }
  }
}

function* sqlCatalog(catalog: Catalog): Found {
  const { endpoint, warehouse } = catalog
  if (endpoint !== undefined && !/^sqlite:./.test(endpoint)) {
    const rest = /^https?:/i.test(endpoint) ? '; an Iceberg REST catalog has type rest' : ''
    yield {
      path: [...catalogPath, 'endpoint'],
      message: `expected sqlite: and a file's path, as sqlite:./catalog.db, with type sql${rest}`,
    }
  }
  if (warehouse !== undefined && /^[a-z0-9+.-]+:/i.test(warehouse) && !/^(s3|file):\/\//.test(warehouse)) {
    yield { path: [...catalogPath, 'warehouse'], message: 'expected a directory or an s3:// location with type sql' }
  }
  for (const key of ['token', 'oauth2', 'sigv4'] as const) {
    if (catalog[key] !== undefined) {
      yield {
        path: [...catalogPath, key],
        message: `expected no ${key} with type sql, which is a file; an Iceberg REST catalog has type rest`,
      }
    }
  }
}

/** The endpoint that was given, or the one that type and region make; undefined where neither tells. */
function endpointOf({ spec }: CheckedDocument): string | undefined {
  const { catalog, storage } = spec.sink
  if (catalog.endpoint !== undefined) return catalog.endpoint
  if (catalog.type === 'sql') return 'sqlite:./catalog.db'
  const region = catalog.sigv4?.region ?? storage?.region ?? spec.source.s3?.region
  const service = catalogProduct(catalog.type)?.awsService
  return region === undefined || service === undefined ? undefined : `https://${service}.${region}.amazonaws.com/iceberg`
}

/** Fills in what depends on other keys: the catalog's endpoint and warehouse, and where the storage's settings come from. */
export function withDependentDefaults(document: CheckedDocument): ProcessorDocument {
  const { sink, source } = document.spec
  const endpoint = endpointOf(document)
  if (endpoint === undefined) throw new Error('a checked document has an endpoint')
  const catalog: CatalogSettings = {
    ...sink.catalog,
    endpoint,
    warehouse: sink.catalog.warehouse ?? (sink.catalog.type === 'sql' ? './warehouse' : undefined),
  }
  return {
    ...document,
    spec: {
      ...document.spec,
      sink: { ...sink, catalog, storage: sink.storage ?? (isVending(catalog) ? { pathStyle: false } : storageOf(source.s3)) },
    },
  }
}

/** Whether a catalog gives the keys to its files, which may lie in another account and region than the source. */
export function isVending({ type, accessDelegation }: Pick<CatalogSettings, 'type' | 'accessDelegation'>): boolean {
  if (accessDelegation !== undefined) return accessDelegation === 'vended-credentials'
  return catalogProduct(type)?.vends === true
}

function storageOf(s3: CheckedDocument['spec']['source']['s3']): Storage {
  if (s3 === undefined) return { pathStyle: false }
  const { region, endpoint, pathStyle, accessKeyId, secretAccessKey } = s3
  return { region, endpoint, pathStyle, accessKeyId, secretAccessKey }
}
