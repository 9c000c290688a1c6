import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { memoryCatalog } from '../../../../src/drivers/catalog/memory.ts'
import { systemClock } from '../../../../src/drivers/clock/system.ts'
import { systemEntropy } from '../../../../src/drivers/entropy/system.ts'
import { parseJson, stringifyJson } from '../../../../src/formats/json/exact.ts'
import type { LoadedTable } from '../../../../src/seams/catalog.ts'

/** A request as it arrived: `path` with its query, not decoded. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** An answer that stands in for the catalog's own; `reset` ends the connection, `hang` never answers, both before anything is done. */
export type StandIn =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'reset'
  | 'hang'
  | undefined

export interface RestServer {
  readonly endpoint: string
  readonly seen: SeenRequest[]
  /** Connections made so far. */
  readonly connections: () => number
  close(): Promise<void>
}

/** A small Iceberg REST catalog on this machine. `standIn` is asked about each request first. */
export async function restServer(options: { config?: object; standIn?: (request: SeenRequest) => StandIn } = {}): Promise<RestServer> {
  const { config = { defaults: {}, overrides: {} }, standIn = () => undefined } = options
  const catalog = memoryCatalog({ clock: systemClock, entropy: systemEntropy(systemClock), warehouse: 's3://lake/warehouse' })
  const namespaces = new Set<string>()
  const seen: SeenRequest[] = []
  const sockets = new Set<Socket>()
  let connections = 0

  async function answer({ method, path, body }: SeenRequest): Promise<{ status: number; value: unknown }> {
    if (path.startsWith('/v1/config')) return { status: 200, value: config }
    const parts = path.replace(/\?.*/, '').split('/namespaces')[1]?.split('/').slice(1) ?? []
    const namespace = parts[0]?.split(/%1F|%2E/).map(decodeURIComponent) ?? []
    const document = body === '' ? {} : (parseJson(body, 'body') as Record<string, never>)
    if (parts.length === 0) {
      const created = document['namespace'] as string[]
      if (namespaces.has(created.join('.'))) return failure(409, 'AlreadyExistsException', 'Namespace already exists')
      namespaces.add(created.join('.'))
      await catalog.ensureNamespace(created)
      return { status: 200, value: document }
    }
    if (!namespaces.has(namespace.join('.'))) return failure(404, 'NoSuchNamespaceException', 'Namespace does not exist')
    if (parts.length === 1) return { status: 200, value: { namespace, properties: {} } }
    if (parts.length === 2 && method === 'GET') {
      const names = await catalog.listTables(namespace)
      return { status: 200, value: { identifiers: names.map((name) => ({ namespace, name })) } }
    }
    const table = { namespace, name: decodeURIComponent(parts[2] ?? document['name']) }
    if (method === 'DELETE') {
      await catalog.dropTable(table)
      return { status: 204, value: '' }
    }
    if (method === 'GET') {
      const loaded = await catalog.loadTable(table)
      return loaded === null ? failure(404, 'NoSuchTableException', 'Table does not exist') : { status: 200, value: result(loaded) }
    }
    if (parts.length === 2) {
      const unsorted = { 'order-id': 0, fields: [] }
      const created = await catalog.createTable(table, {
        schema: document['schema'],
        partitionSpec: document['partition-spec'] ?? { 'spec-id': 0, fields: [] },
        sortOrder: document['write-order'] ?? unsorted,
        location: document['location'],
        properties: document['properties'],
      })
      if (created.kind === 'exists') return failure(409, 'AlreadyExistsException', 'Table already exists')
      return { status: 200, value: result(created.table) }
    }
    const outcome = await catalog.commitTable(table, {
      requirements: bigints(document['requirements']),
      updates: bigints(document['updates']),
      idempotencyKey: '',
    })
    if (outcome.kind === 'committed') return { status: 200, value: result(outcome.table) }
    return outcome.kind === 'conflict'
      ? failure(409, 'CommitFailedException', outcome.reason)
      : failure(404, 'NoSuchTableException', outcome.reason)
  }

  const server = createServer((request, response) => {
    void read(request).then(async (body) => {
      const arrived = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body }
      seen.push(arrived)
      const instead = standIn(arrived)
      if (instead === 'hang') return
      if (instead === 'reset') {
        request.socket.destroy()
        return
      }
      if (instead !== undefined) {
        response.writeHead(instead.status, instead.headers).end(instead.body)
        return
      }
      const { status, value } = await answer(arrived)
      response.writeHead(status, { 'content-type': 'application/json' }).end(stringifyJson(value))
    })
  })
  server.on('connection', (socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    connections: () => connections,
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** The body of an error as catalogs give it. */
export function errorBody(code: number, type: string, message: string): string {
  return JSON.stringify({ error: { message, type, code } })
}

function failure(status: number, type: string, message: string): { status: number; value: unknown } {
  return { status, value: { error: { message, type, code: status } } }
}

function result(table: LoadedTable): unknown {
  return { 'metadata-location': table.metadataLocation, metadata: table.metadata, config: { 's3.endpoint': 'http://s3' } }
}

const int64Keys = new Set(['snapshot-id', 'parent-snapshot-id', 'sequence-number', 'first-row-id', 'added-rows', 'snapshot-ids'])

/** 64-bit fields of updates and requirements, small ones too, as bigint. */
function bigints(value: unknown, key = ''): never {
  return withBigints(value, key) as never
}

function withBigints(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((item) => withBigints(item, key))
  if (typeof value === 'number') return int64Keys.has(key) ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withBigints(item, name)]))
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
