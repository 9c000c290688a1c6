import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chainCredentials, roleCredentials } from '../drivers/aws/credentials.ts'
import { memoryCatalog } from '../drivers/catalog/memory.ts'
import { restCatalog, type RestCatalogOptions, type RestWays, restWays } from '../drivers/catalog/rest.ts'
import { openSqliteCatalog } from '../drivers/catalog/sqlite.ts'
import { systemClock } from '../drivers/clock/system.ts'
import { systemEntropy } from '../drivers/entropy/system.ts'
import { DocumentError } from '../model/failure.ts'
import type { Catalog } from '../seams/catalog.ts'
import type { FileIO } from '../seams/file-io.ts'
import type { CatalogSettings, ProcessorDocument } from '../spec/document.ts'

/** The catalog that a document names; with `readOnly`, a file that is missing is not made. Throws a DocumentError where no region is known. */
export async function openCatalog(document: ProcessorDocument, files: FileIO, readOnly: boolean): Promise<Catalog> {
  const { catalog } = document.spec.sink
  return catalog.type === 'sql' ? openSqlite(catalog, files, readOnly) : openRest(document, catalog.type)
}

async function openSqlite(catalog: CatalogSettings, files: FileIO, readOnly: boolean): Promise<Catalog> {
  const path = filePath(catalog)
  const warehouse = warehouseUri(catalog.warehouse ?? './warehouse')
  const seams = { clock: systemClock, entropy: systemEntropy(systemClock) }
  // To open SQLite's file is to make it; one that is not there has no tables.
  if (readOnly && isMissingFile(catalog)) return memoryCatalog({ ...seams, warehouse })
  return openSqliteCatalog({
    path,
    warehouse,
    files: {
      readFile: (uri) => files.read(uri),
      writeFile: async (uri, bytes) => {
        await files.write(uri, [bytes])
      },
      deleteFile: (uri) => files.remove(uri),
    },
    ...seams,
  })
}

/** How a document's catalog is asked where the document leaves it open; null for one that is a file. */
export function catalogWays({ type, endpoint }: CatalogSettings): RestWays | null {
  return type === 'sql' ? null : restWays(type, endpoint)
}

/** Whether the catalog is a file that is not there. */
export function isMissingFile(catalog: CatalogSettings): boolean {
  return catalog.type === 'sql' && !existsSync(filePath(catalog))
}

function filePath({ endpoint }: CatalogSettings): string {
  return endpoint.replace(/^sqlite:(\/\/)?/, '')
}

function warehouseUri(warehouse: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(warehouse) ? warehouse : pathToFileURL(resolve(warehouse)).href
}

function openRest(document: ProcessorDocument, product: NonNullable<RestCatalogOptions['product']>): Catalog {
  const { catalog, storage } = document.spec.sink
  return restCatalog({
    endpoint: catalog.endpoint,
    warehouse: catalog.warehouse,
    product,
    // Keys of the document's own are used where there are some.
    accessDelegation: catalog.accessDelegation ?? (storage.accessKeyId === undefined ? undefined : 'none'),
    auth: authOf(catalog),
    aws: () => signingOf(document),
    // Asked for at each request: values may be files that change.
    headers: () => Object.fromEntries(Object.entries(catalog.headers).map(([name, value]) => [name, value.reveal()])),
    clock: systemClock,
  })
}

function authOf({ oauth2, token, sigv4 }: CatalogSettings): RestCatalogOptions['auth'] {
  if (oauth2 !== undefined) return { kind: 'oauth2', ...oauth2, clientSecret: () => oauth2.clientSecret.reveal() }
  if (token !== undefined) return { kind: 'bearer', token: () => token.reveal() }
  return sigv4 === undefined ? undefined : { kind: 'sigv4', service: sigv4.service }
}

function signingOf({ spec: { sink, source } }: ProcessorDocument): ReturnType<NonNullable<RestCatalogOptions['aws']>> {
  const { region: own, roleArn, externalId } = sink.catalog.sigv4 ?? {}
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
  const region = own ?? sink.storage.region ?? source.s3?.region ?? AWS_REGION ?? AWS_DEFAULT_REGION
  if (region === undefined)
    throw new DocumentError('spec.sink.catalog.sigv4.region: expected a region to sign requests for, here or in AWS_REGION, found none')
  return { region, credentials: roleArn === undefined ? chainCredentials() : roleCredentials({ roleArn, externalId, region }) }
}
