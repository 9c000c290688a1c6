import { randomUUID } from 'node:crypto'
import { restCatalog, type RestCatalogOptions } from '../../../src/drivers/catalog/rest.ts'
import { systemClock } from '../../../src/drivers/clock/system.ts'
import type { Catalog, TableIdentifier } from '../../../src/seams/catalog.ts'
import { appendUpdates, type CatalogLacks, idempotencyKey, simpleTable } from '../../conformance/catalog.ts'
import { dropNamespace } from './namespaces.ts'

/** A server that the environment names, by `POLARIS_URL` and the like. */
export interface GivenServer {
  readonly options: RestCatalogOptions
  /** Of a document: `spec.sink` without its database. */
  readonly sink: { readonly catalog: object; readonly storage: object }
  /** What it turned out not to do when it was asked. */
  readonly lacks: CatalogLacks
  /** Why no files can be written for its tables; undefined: they can. */
  readonly noFiles?: string
}

const servers = {
  POLARIS: { product: 'polaris', base: '/api/catalog', warehouse: undefined },
  // The catalog that the open-source server has from the start.
  UNITY: { product: 'unity', base: '/api/2.1/unity-catalog/iceberg', warehouse: 'unity' },
} as const

/**
 * What the environment says of a server: `…_URL` (with or without the path of its Iceberg API), and one of `…_TOKEN` and `…_CLIENT_ID` with
 * `…_CLIENT_SECRET`; `…_WAREHOUSE` (`unity`, of a Unity); `…_S3_ENDPOINT`, where its tables' files lie on no AWS; `POLARIS_REALM` where there are several.
 * The server is asked what it does not do. Null without a URL. Throws an Error that names a variable which is missing beside the others.
 */
export async function givenServer(name: keyof typeof servers, environment: NodeJS.ProcessEnv = process.env): Promise<GivenServer | null> {
  const of = (key: string): string | undefined => environment[`${name}_${key}`] || undefined
  const url = of('URL')
  if (url === undefined) return null
  const { product, base } = servers[name]
  const endpoint = endpointIn(url, base)
  const [token, clientId, clientSecret] = ['TOKEN', 'CLIENT_ID', 'CLIENT_SECRET'].map(of)
  const warehouse = of('WAREHOUSE') ?? servers[name].warehouse
  if (token === undefined && (clientId === undefined) !== (clientSecret === undefined)) {
    throw new Error(`of ${name}_CLIENT_ID and ${name}_CLIENT_SECRET only one is set`)
  }
  const [realm, s3Endpoint] = [of('REALM'), of('S3_ENDPOINT')]
  const headers: Record<string, string> = realm === undefined ? {} : { 'Polaris-Realm': realm }
  const oauth2 = token === undefined && clientId !== undefined && clientSecret !== undefined ? { clientId, clientSecret } : undefined
  const options: RestCatalogOptions = {
    endpoint,
    product,
    warehouse,
    clock: systemClock,
    headers: () => headers,
    ...(token !== undefined && { auth: { kind: 'bearer', token: () => token } }),
    ...(oauth2 !== undefined && { auth: { kind: 'oauth2', clientId: oauth2.clientId, clientSecret: () => oauth2.clientSecret } }),
  }
  const { lacks, vends, isLocal } = await askedOf(options)
  const accessDelegation = vends ? 'vended-credentials' : 'none'
  const hasFiles = vends || isLocal || environment['AWS_ACCESS_KEY_ID'] !== undefined
  return {
    options: { ...options, accessDelegation },
    sink: {
      catalog: { type: product, endpoint, warehouse, token, oauth2, headers, accessDelegation },
      storage: s3Endpoint === undefined ? {} : { endpoint: s3Endpoint, pathStyle: true },
    },
    lacks,
    ...(!hasFiles && { noFiles: `${noKeys}, and AWS_ACCESS_KEY_ID is not set` }),
  }
}

/** The address that a document names, from one that may lack the path of the Iceberg API, or go into it. */
function endpointIn(url: string, base: string): string {
  const trimmed = url.replace(/\/+$/, '').replace(/\/v1$/, '')
  const path = new URL(trimmed).pathname.replace(/\/+$/, '')
  if (path === '') return trimmed + base
  return base.startsWith(`${path}/`) ? trimmed + base.slice(path.length) : trimmed
}

const noKeys = 'the server gives no keys to files'

/** Asks a server with a table of its own, dropped again, what is no mistake to lack. Whatever else goes wrong is left for the tests to tell. */
async function askedOf(options: RestCatalogOptions): Promise<{ lacks: CatalogLacks; vends: boolean; isLocal: boolean }> {
  const namespace = [`conformance_${randomUUID().replaceAll('-', '')}`]
  const table = { namespace, name: 'asked' }
  const lacks = { unknownFields: 'the server parses documents into classes of its own and drops the fields that those lack' }
  const [asking, plain] = [restCatalog(options), restCatalog({ ...options, accessDelegation: 'none' })]
  try {
    await plain.ensureNamespace(namespace)
    // Some make the table and answer that they have no keys to it.
    const asked = await asking.createTable(table, simpleTable).catch((error: unknown) => error as Error)
    const made = await plain.loadTable(table)
    const refused = asked instanceof Error && /credential/i.test(asked.message)
    const config = asked instanceof Error || asked.kind === 'exists' ? {} : asked.table.config
    const sequenceNumbers = made === null ? undefined : await sequenceNumbersLack(plain, table)
    return {
      lacks: { ...lacks, sequenceNumbers },
      vends: !refused && (asked instanceof Error || config['s3.access-key-id'] !== undefined),
      isLocal: made?.metadata.location.startsWith('file:') === true,
    }
  } catch (error) {
    const isReadOnly = /only reads/.test((error as Error).message)
    return {
      lacks: isReadOnly ? { ...lacks, writes: 'the server takes no writes by its Iceberg API' } : lacks,
      vends: true,
      isLocal: false,
    }
  } finally {
    await plain.dropTable(table).catch(() => undefined)
    await dropNamespace(options, namespace).catch(() => undefined)
    await Promise.all([asking.close(), plain.close()])
  }
}

/** Has a table take a sequence number twice: why the suite does not ask for a conflict then; undefined: it is one. */
async function sequenceNumbersLack(catalog: Catalog, table: TableIdentifier): Promise<string | undefined> {
  const commit = async (fields: { readonly 'sequence-number'?: bigint }) => {
    const { metadata } = (await catalog.loadTable(table))!
    return catalog.commitTable(table, { requirements: [], updates: appendUpdates(metadata, fields), idempotencyKey: idempotencyKey() })
  }
  await commit({})
  const { kind } = await commit({ 'sequence-number': 1n })
  return kind === 'conflict' ? undefined : `to the server a number that is taken is no conflict: the commit is ${kind}`
}
