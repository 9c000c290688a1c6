import { awsKeys, type VendingWorld } from './servers.ts'
import { glueAccount } from './glue.ts'
import { polarisClient, polarisRealm, polarisWarehouse } from './polaris.ts'
import { tableBucketArn } from './s3tables.ts'
import { unityClient, unityWarehouse } from './unity.ts'
import type { Place } from '../program.ts'
import { s3Settings } from '../program.ts'

/** The catalog and the store behind a proxy. */
type Behind = Pick<VendingWorld, 's3' | 'restCatalogUri'>

/** How a document names each product's proxy; PyIceberg reads from the catalog behind it. */
export function polarisPlace(world: Behind, endpoint: string): Place {
  const { clientId, clientSecret } = polarisClient
  const catalog = { type: 'polaris', endpoint, warehouse: polarisWarehouse, oauth2: { clientId, clientSecret } }
  return { sink: { catalog: { ...catalog, headers: { 'Polaris-Realm': polarisRealm } } }, reader: behind(world) }
}

export function unityPlace(world: Behind, endpoint: string): Place {
  const { clientId, clientSecret } = unityClient
  return {
    sink: { catalog: { type: 'unity', endpoint, warehouse: unityWarehouse, oauth2: { clientId, clientSecret } } },
    reader: behind(world),
  }
}

/** Glue and S3 Tables give no keys: the document has them. Requests are signed with what the AWS chain finds. */
export function awsPlace(world: Behind, type: 'glue' | 's3tables', endpoint: string): Place {
  const warehouse = type === 'glue' ? glueAccount : tableBucketArn
  const catalog = { type, endpoint, warehouse, sigv4: { region: awsKeys.region } }
  return { sink: { catalog, storage: s3Settings(world.s3) }, reader: behind(world) }
}

function behind({ s3, restCatalogUri }: Behind): Place['reader'] {
  return { type: 'rest', uri: restCatalogUri, s3 }
}
