import { type CatalogProductName, catalogProducts } from '../../model/catalog-product.ts'
import type { CatalogProfile } from '../../seams/catalog.ts'
import { glueGrants, polarisGrants, s3TablesGrants, unityGrants } from './grants.ts'

/** A REST catalog's peculiarities: what the rest of the program may ask, and how the catalog is spoken to. */
export interface RestProfile extends CatalogProfile {
  readonly product: string
  /** Scope to ask for where the document names none. */
  readonly oauth2Scope: string
  /** Where tokens come from, from the catalog's endpoint, where the document does not say: `/v1/config` itself wants one. */
  readonly tokenEndpoint: (endpoint: string) => string
  /** Whether the catalog is asked for credentials for the data files where the document does not say. */
  readonly vends: boolean
  /** Other catalogs that are asked by this one, by the warehouse that a document names. */
  readonly within?: { readonly warehouse: RegExp; readonly profile: RestProfile }
  /** An endpoint that may only read, by the end of its path, and the end of the one that writes. */
  readonly readOnly?: { readonly ending: string; readonly writes: string }
}

const lowerCaseNames = { pattern: /^[a-z0-9_]{1,255}$/, words: 'lower-case letters, digits and _, at most 255 of them' }
/** Iceberg REST specification, `getToken`: deprecated there, and what catalogs of their own tokens still serve. */
const ownTokens = (endpoint: string): string => `${endpoint.replace(/\/+$/, '')}/v1/oauth/tokens`

/** Any catalog that keeps to the Iceberg REST specification. */
const rest: RestProfile = {
  product: 'the Iceberg REST catalog',
  written: { endpoint: 'what stands before /v1/config', warehouse: 'a name that the server knows, or left out where it has one alone' },
  propertiesInCommit: true,
  forbiddenProperties: [],
  oauth2Scope: 'catalog',
  tokenEndpoint: ownTokens,
  purges: true,
  ...catalogProducts.rest,
}

/** Apache Polaris, Snowflake Open Catalog. Locations come from the catalog, which checks that none overlap. */
const polaris: RestProfile = {
  ...rest,
  product: 'Polaris',
  written: {
    endpoint: 'https://<host>/api/catalog, of Snowflake https://<account>.snowflakecomputing.com/polaris/api/catalog',
    warehouse: "the catalog's name",
  },
  grants: polarisGrants,
  // Purging is off unless its administrator switches it on.
  purges: false,
  // Iceberg's metadata tables: Polaris 1.4 looks for a table `db` then, finds that it may not, and answers 500. One that was renamed to such a name works.
  reservedTables:
    /^(?:entries|files|data_files|delete_files|history|metadata_log_entries|snapshots|refs|manifests|partitions|all_(?:data_|delete_)?files|all_manifests|all_entries|position_deletes)$/i,
  oauth2Scope: 'PRINCIPAL_ROLE:ALL',
  ...catalogProducts.polaris,
}

/**
 * Unity Catalog, Databricks' and the open one. It manages compaction and expiry; properties set beside a snapshot conflict with other
 * writers; its names are lower case; it has neither of the refused types. Databricks reads main alone, and nothing says that others may be written.
 */
const unity: RestProfile = {
  product: 'Unity Catalog',
  written: {
    endpoint:
      'https://<workspace>/api/2.1/unity-catalog/iceberg-rest, of an open-source server http://<host>:8080/api/2.1/unity-catalog/iceberg',
    warehouse: "the catalog's name, never a path",
  },
  grants: unityGrants,
  propertiesInCommit: false,
  // Predictive optimization expires snapshots; a week is the shortest that its documentation gives.
  ownUpkeep: "Unity Catalog's predictive optimization",
  snapshotExpiryMs: 7 * 24 * 3_600_000,
  forbiddenProperties: [
    'write.metadata.path',
    'write.metadata.previous-versions-max',
    'write.metadata.delete-after-commit.enabled',
    'write.data.path',
    'history.expire.max-snapshot-age-ms',
    'history.expire.min-snapshots-to-keep',
  ],
  namespaceLevels: 1,
  names: { pattern: /^[a-z0-9_-]{1,255}$/, words: 'lower-case letters, digits, _ and -, at most 255 of them' },
  reservedNamespaces: /^information_schema$/,
  location: 'refused',
  branches: false,
  oauth2Scope: 'all-apis',
  tokenEndpoint: (endpoint) => `${new URL(endpoint).origin}/oidc/v1/token`,
  ...catalogProducts.unity,
  readOnly: { ending: '/unity-catalog/iceberg', writes: '/unity-catalog/iceberg-rest' },
}

/** Amazon S3 Tables. It owns locations, compacts, and expires snapshots after 120 hours. */
const s3tables: RestProfile = {
  ...rest,
  product: 'Amazon S3 Tables',
  written: {
    endpoint: 'https://s3tables.<region>.amazonaws.com/iceberg, as it is when left out',
    warehouse: "the table bucket's ARN, arn:aws:s3tables:<region>:<account>:bucket/<name>",
  },
  grants: s3TablesGrants,
  ownUpkeep: 'Amazon S3 Tables',
  snapshotExpiryMs: 120 * 3_600_000,
  forbiddenProperties: [
    'write.metadata.path',
    'write.data.path',
    'history.expire.max-snapshot-age-ms',
    'history.expire.min-snapshots-to-keep',
  ],
  namespaceLevels: 1,
  names: {
    pattern: /^(?=.{1,255}$)[a-z0-9](?:[a-z0-9_]*[a-z0-9])?$/,
    words: 'lower-case letters, digits and _, at most 255 of them, with a letter or digit at both ends',
  },
  reservedNamespaces: /^aws/,
  location: 'refused',
  ...catalogProducts.s3tables,
  sigv4Service: catalogProducts.s3tables.awsService,
}

const ofGlue = {
  endpoint: 'https://glue.<region>.amazonaws.com/iceberg, as it is when left out',
  warehouse: "the account's 12 digits, or <account>:s3tablescatalog/<bucket>",
}

/** AWS Glue. It keeps names and columns in lower case, wants to be told where a table lies, and partitions by no field of a struct. */
const glue: RestProfile = {
  ...rest,
  product: 'AWS Glue',
  written: ofGlue,
  grants: glueGrants,
  purges: false,
  namespaceLevels: 1,
  names: lowerCaseNames,
  location: 'required',
  locationSchemes: ['s3'],
  nestedPartitions: false,
  ...catalogProducts.glue,
  sigv4Service: catalogProducts.glue.awsService,
  within: {
    warehouse: /:s3tablescatalog\//,
    profile: {
      ...s3tables,
      product: 'Amazon S3 Tables by way of AWS Glue',
      written: ofGlue,
      grants: glueGrants,
      nestedPartitions: false,
      sigv4Service: catalogProducts.glue.awsService,
    },
  },
}

/** By the document's `catalog.type`. A new catalog is a profile here, its line in the model, and one in the conformance suite. */
export const restProfiles: Readonly<Record<CatalogProductName, RestProfile>> = { rest, polaris, unity, glue, s3tables }

export type RestProfileName = CatalogProductName

/** The profile of a product with this warehouse. */
export function profileOf(product: RestProfileName, warehouse: string | undefined): RestProfile {
  const { within, ...profile }: RestProfile = restProfiles[product]
  return within?.warehouse.test(warehouse ?? '') === true ? within.profile : profile
}
