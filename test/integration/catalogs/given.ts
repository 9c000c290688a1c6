import { randomUUID } from 'node:crypto'
import { mkdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { restCatalog, type RestCatalogOptions } from '../../../src/drivers/catalog/rest.ts'
import { systemClock } from '../../../src/drivers/clock/system.ts'
import { WorkError } from '../../../src/model/failure.ts'
import type { Catalog, LoadedTable, TableIdentifier } from '../../../src/seams/catalog.ts'
import { appendUpdates, type CatalogLacks, idempotencyKey, simpleTable } from '../../conformance/catalog.ts'
import { dropNamespace } from './namespaces.ts'

/** A server that the environment names, by `POLARIS_URL` and the like. */
export interface GivenServer {
  readonly options: RestCatalogOptions
  /** Of a document: `spec.sink` without its database. */
  readonly sink: { readonly catalog: object; readonly storage: object }
  /** What it turned out not to do when it was asked. */
  readonly lacks: CatalogLacks
  /** How its tables' files are written where it gives no keys to them; undefined: it does. */
  readonly otherwise?: string
  /** Why none can be written; undefined: they can. */
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
  const { lacks, noKeys, noDirectory } = await askedOf(options)
  const accessDelegation = noKeys === undefined ? 'vended-credentials' : 'none'
  const isLocal = noDirectory !== undefined
  const missing = isLocal || environment['AWS_ACCESS_KEY_ID'] !== undefined ? noDirectory : 'AWS_ACCESS_KEY_ID is not set'
  return {
    options: { ...options, accessDelegation },
    sink: {
      catalog: { type: product, endpoint, warehouse, token, oauth2, headers, accessDelegation },
      storage: s3Endpoint === undefined ? {} : { endpoint: s3Endpoint, pathStyle: true },
    },
    lacks,
    ...(noKeys !== undefined && { otherwise: isLocal ? 'in directories of this machine' : `by the environment's keys: ${noKeys}` }),
    ...(noKeys !== undefined && missing && { noFiles: `${noKeys}, and ${missing}` }),
  }
}

/** The address that a document names, from one that may lack the path of the Iceberg API, or go into it. */
function endpointIn(url: string, base: string): string {
  const trimmed = url.replace(/\/+$/, '').replace(/\/v1$/, '')
  const path = new URL(trimmed).pathname.replace(/\/+$/, '')
  if (path === '') return trimmed + base
  return base.startsWith(`${path}/`) ? trimmed + base.slice(path.length) : trimmed
}

interface Asked {
  readonly lacks: CatalogLacks
  readonly noKeys?: string
  /** Why no files can be written where tables lie in files of this machine; the empty string: they can. Undefined: they lie elsewhere. */
  readonly noDirectory?: string
}

/** Asks a server with a table of its own, dropped again, what is no mistake to lack. Whatever else goes wrong is left for the tests to tell. */
async function askedOf(options: RestCatalogOptions): Promise<Asked> {
  const namespace = [`conformance_${randomUUID().replaceAll('-', '')}`]
  const table = { namespace, name: 'asked' }
  const lacks = { unknownFields: 'the server parses documents into classes of its own and drops the fields that those lack' }
  const [asking, plain] = [restCatalog(options), restCatalog({ ...options, accessDelegation: 'none' })]
  try {
    await plain.ensureNamespace(namespace)
    const asked = await asking.createTable(table, simpleTable).catch((error: unknown) => error as Error)
    const noKeys = noKeysIn(asked)
    // Some make the table and answer that they have no keys to it, others want a right for the keys that the table alone does not need.
    const made = (await plain.loadTable(table)) ?? (noKeys === undefined ? null : await madeBy(plain, table))
    if (made === null) return { lacks: { ...lacks, tables: noTablesIn(asked) } }
    return {
      lacks: { ...lacks, sequenceNumbers: await sequenceNumbersLack(plain, table) },
      noKeys,
      noDirectory: await noDirectoryAt(made.metadata.location),
    }
  } catch (error) {
    const isReadOnly = /only reads/.test((error as Error).message)
    return { lacks: isReadOnly ? { ...lacks, writes: 'the server takes no writes by its Iceberg API' } : lacks }
  } finally {
    await plain.dropTable(table).catch(() => undefined)
    await dropNamespace(options, namespace).catch(() => undefined)
    await Promise.all([asking.close(), plain.close()])
  }
}

type Created = Awaited<ReturnType<Catalog['createTable']>>

async function madeBy(catalog: Catalog, table: TableIdentifier): Promise<LoadedTable | null> {
  const created = await catalog.createTable(table, simpleTable)
  return created.kind === 'created' ? created.table : null
}

/** Why the answer to a creation that asked for keys has none; undefined: it has, or another fault that the tests tell. */
function noKeysIn(asked: Created | Error): string | undefined {
  const noKeys = 'the server gives no keys to files'
  if (!(asked instanceof Error)) {
    return asked.kind === 'exists' || asked.table.config['s3.access-key-id'] !== undefined ? undefined : noKeys
  }
  if (/credential/i.test(asked.message)) return noKeys
  const isForbidden = asked instanceof WorkError && asked.lacking === 'right'
  return isForbidden ? `${noKeys} to who lacks the right: it answered ${answerIn(asked)}` : undefined
}

/** Why the server makes no tables as it is configured; undefined: another fault that the tests tell. */
function noTablesIn(asked: Created | Error): string | undefined {
  const isOff = asked instanceof Error && /managed location configured|currently disabled/i.test(asked.message)
  return isOff ? `the server makes no tables as it is configured: it answered ${answerIn(asked)}` : undefined
}

/** Status and words of the answer in an error's sentence. */
function answerIn({ message }: Error): string {
  return /answered (\d+ \(.*\))/s.exec(message)?.[1] ?? message
}

/** Why no files can be written at a table's location, where that is a directory: the empty string where they can. Undefined: it is none. */
export async function noDirectoryAt(location: string): Promise<string | undefined> {
  if (!location.startsWith('file:')) return undefined
  const directory = join(fileURLToPath(location), 'data')
  try {
    await mkdir(directory, { recursive: true })
    await rmdir(directory)
    return ''
  } catch (error) {
    return `its tables' directories can not be written to from here (${(error as NodeJS.ErrnoException).code})`
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
