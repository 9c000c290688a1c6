import { afterEach } from 'vitest'
import { restCatalog } from '../../../../src/drivers/catalog/rest.ts'
import type { RestCatalogOptions } from '../../../../src/drivers/catalog/rest.ts'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import type { TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import type { Catalog, CommitOutcome } from '../../../../src/seams/catalog.ts'
import type { Clock } from '../../../../src/seams/clock.ts'
import { appendRequirements, appendUpdates, idempotencyKey, simpleTable } from '../../../conformance/catalog.ts'
import { restServer } from './rest-server.ts'
import type { RestServer, SeenRequest, StandIn } from './rest-server.ts'

/** A name that must be escaped, in a nested namespace. */
export const table = { namespace: ['db', 'eu'], name: 'a table/ß' }
const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Sleeps by moving its own time on: what would take minutes takes none. */
function instantClock(): Clock & { readonly slept: number[] } {
  const clock = virtualClock(Date.now())
  const slept: number[] = []
  let passed = 0
  return {
    slept,
    now: () => clock.now() + passed,
    async sleep(ms) {
      if (ms > 0) slept.push(ms)
      passed += ms
    },
  }
}

interface World {
  readonly server: RestServer
  readonly catalog: Catalog
  readonly clock: ReturnType<typeof instantClock>
  /** Requests that are not for the configuration. */
  readonly requests: () => SeenRequest[]
}

/** A catalog with its server; `options` may depend on where the server is. */
export async function world(
  server: Parameters<typeof restServer>[0] = {},
  options: Partial<RestCatalogOptions> | ((endpoint: string, clock: Clock) => Partial<RestCatalogOptions>) = {},
): Promise<World> {
  const running = await restServer(server)
  const clock = instantClock()
  const chosen = typeof options === 'function' ? options(running.endpoint, clock) : options
  const catalog = restCatalog({ endpoint: running.endpoint, clock, ...chosen })
  closers.push(
    () => catalog.close(),
    () => running.close(),
  )
  return { server: running, catalog, clock, requests: () => running.seen.filter((request) => !request.path.startsWith('/v1/config')) }
}

/** A world with a table, in which commits are answered by `standIn`. */
export async function oneTable(standIn: (request: SeenRequest) => StandIn, options: Partial<RestCatalogOptions> = {}) {
  const made = await world({ standIn: (request) => (isCommit(request) ? standIn(request) : undefined) }, options)
  await made.catalog.ensureNamespace(table.namespace)
  const created = await made.catalog.createTable(table, simpleTable)
  if (created.kind !== 'created') throw new Error('the table exists')
  const { metadata } = created.table
  return { ...made, metadata, append: () => append(made.catalog, metadata), commits: () => made.requests().filter(isCommit) }
}

function isCommit({ method, path }: SeenRequest): boolean {
  return method === 'POST' && /\/tables\/./.test(path)
}

function append(catalog: Catalog, parent: TableMetadata): Promise<CommitOutcome> {
  return catalog.commitTable(table, {
    requirements: appendRequirements(parent),
    updates: appendUpdates(parent),
    idempotencyKey: idempotencyKey(),
  })
}
