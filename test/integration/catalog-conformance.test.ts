import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, inject } from 'vitest'
import { profileOf, type RestProfileName } from '../../src/drivers/catalog/profiles.ts'
import { restCatalog, type RestCatalogOptions } from '../../src/drivers/catalog/rest.ts'
import { openSqliteCatalog } from '../../src/drivers/catalog/sqlite.ts'
import { systemClock } from '../../src/drivers/clock/system.ts'
import { systemEntropy } from '../../src/drivers/entropy/system.ts'
import { catalogConformance, type CatalogLacks, type CatalogUnderTest, freeProfile } from '../conformance/catalog.ts'
import { directoryFiles } from '../unit/drivers/catalog/directory-files.ts'
import { givenServer } from './catalogs/given.ts'
import { glueAccount, glueProxy, glueTableBucket } from './catalogs/glue.ts'
import { dropNamespace } from './catalogs/namespaces.ts'
import { polarisClient, polarisProxy, polarisRealm, polarisWarehouse } from './catalogs/polaris.ts'
import { takesSegments } from './catalogs/takes-segments.ts'
import { s3tablesProxy, tableBucketArn } from './catalogs/s3tables.ts'
import { awsKeys, sharedLocation, startVendingWorld, type VendingWorld } from './catalogs/servers.ts'
import type { TokenRules } from './catalogs/tokens.ts'
import { unityClient, unityProxy, unityWarehouse } from './catalogs/unity.ts'
import { install, startNessie } from './servers.ts'

/** What the Iceberg project's server does not do, behind a proxy either. */
const javaLacks: CatalogLacks = {
  unknownFields: 'the server parses documents into classes of its own and drops the fields that those lack',
  strictNamespaces: 'the server creates tables in namespaces that do not exist',
}

/** Behind a proxy that asks for namespaces. */
const ownClasses: CatalogLacks = { unknownFields: javaLacks.unknownFields }

let world: VendingWorld
beforeAll(async () => {
  world = await startVendingWorld()
}, 30 * 60_000)
afterAll(() => world?.stop())

/** Two clients of one catalog, and what else is to be closed with them. */
function clients(given: Partial<RestCatalogOptions> & { endpoint: string }, also: () => Promise<void> = async () => undefined) {
  const options = { clock: systemClock, ...given }
  const [catalog, other] = [0, 1].map(() => restCatalog(options))
  return {
    catalog,
    other,
    dropNamespace: (namespace: readonly string[]) => dropNamespace(options, namespace),
    async close() {
      await catalog.close()
      await other.close()
      await also()
    },
  }
}

function conformance(name: string, product: RestProfileName, open: () => Promise<CatalogUnderTest>, lacks = javaLacks): void {
  catalogConformance(name, profileOf(product, undefined), open, lacks)
}

const oauth2 = ({ clientId, clientSecret }: TokenRules) => ({ kind: 'oauth2' as const, clientId, clientSecret: () => clientSecret })
const aws = () => ({ region: awsKeys.region, credentials: async () => awsKeys })

catalogConformance('SQLite', freeProfile, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'))
  const open = () =>
    openSqliteCatalog({
      path: join(directory, 'catalog.db'),
      warehouse: pathToFileURL(join(directory, 'warehouse')).href,
      files: directoryFiles,
      clock: systemClock,
      entropy: systemEntropy(systemClock),
    })
  const [catalog, other] = [await open(), await open()]
  return {
    catalog,
    other,
    async close() {
      await catalog.close()
      await other.close()
      await rm(directory, { recursive: true })
    },
  }
})

conformance("Iceberg's REST catalog", 'rest', async () => clients({ endpoint: inject('restCatalogUri') }))

conformance(
  'Nessie',
  'rest',
  async () => {
    await install('nessie')
    const nessie = await startNessie(inject('s3'), inject('bucket'))
    return clients({ endpoint: nessie.uri }, () => nessie.stop())
  },
  {
    unknownFields: 'Nessie parses documents into classes of its own and drops the fields that those lack',
    history: 'Nessie shows the current snapshot and main alone',
    newIds: 'Nessie takes the ids of specs as they come and finds none under ours',
    emptyAssertion: 'Nessie 0.99 does not check the assertion that there is no snapshot',
    sequenceNumbers: 'Nessie 0.99 does not check them',
    schemas: 'Nessie 0.99 refuses -1 for the schema that was just added',
    formatVersion3: 'Nessie 0.99 makes tables of version 2',
  },
)

conformance(
  'Polaris (policy proxy)',
  'polaris',
  async () => {
    const { vend } = await world.vendor({ lifeMs: 3_600_000 })
    const proxy = await polarisProxy(world.restCatalogUri, { vend })
    const { endpoint } = proxy
    const headers = () => ({ 'Polaris-Realm': polarisRealm })
    return clients({ endpoint, product: 'polaris', warehouse: polarisWarehouse, auth: oauth2(polarisClient), headers }, () => proxy.close())
  },
  ownClasses,
)

conformance(
  'Unity (policy proxy)',
  'unity',
  async () => {
    const { vend } = await world.vendor({ lifeMs: 3_600_000 })
    const proxy = await unityProxy(world.restCatalogUri, { vend })
    const { endpoint } = proxy
    return clients({ endpoint, product: 'unity', warehouse: unityWarehouse, auth: oauth2(unityClient) }, () => proxy.close())
  },
  ownClasses,
)

conformance('Glue (policy proxy)', 'glue', async () => {
  const proxy = await glueProxy(inject('restCatalogUri'), { keys: awsKeys })
  const { endpoint } = proxy
  return { ...clients({ endpoint, product: 'glue', warehouse: glueAccount, aws }, () => proxy.close()), location: sharedLocation() }
})

catalogConformance(
  'Glue (policy proxy) before S3 Tables',
  profileOf('glue', glueTableBucket),
  async () => {
    const proxy = await glueProxy(inject('restCatalogUri'), { keys: awsKeys, tableBucket: true })
    return clients({ endpoint: proxy.endpoint, product: 'glue', warehouse: glueTableBucket, aws }, () => proxy.close())
  },
  javaLacks,
)

conformance('S3 Tables (policy proxy)', 's3tables', async () => {
  const proxy = await s3tablesProxy(inject('restCatalogUri'), { keys: awsKeys })
  const { endpoint } = proxy
  return clients({ endpoint, product: 's3tables', warehouse: tableBucketArn, aws }, () => proxy.close())
})

// Real servers, where the environment names some.
for (const { name, product, variables } of [
  { name: 'Polaris (real)', product: 'polaris', variables: 'POLARIS' },
  { name: 'Unity (real)', product: 'unity', variables: 'UNITY' },
] as const) {
  const server = await givenServer(variables).catch((error: unknown) => error as Error)
  if (server === null) continue
  if (server instanceof Error) {
    // Each of its tests tells, and those of the others run.
    conformance(name, product, () => Promise.reject(server))
    continue
  }
  conformance(name, product, async () => clients(server.options), server.lacks)
  takesSegments(name, server)
}
