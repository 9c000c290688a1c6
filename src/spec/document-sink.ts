import { catalogProductNames } from '../model/catalog-product.ts'
import { s3Access } from './document-source.ts'
import { databaseName, httpUrl } from './forms.ts'
import { choice, mapOf, numberChoice, object, parsed, scalarText, secret, text } from './schema-parts.ts'

const oauth2 = object({
  clientId: text().meta({ description: "The client's id." }),
  clientSecret: secret().meta({ description: "The client's secret." }),
  tokenEndpoint: parsed('an http or https URL', httpUrl).optional().meta({
    description:
      'Where tokens come from. Default: /v1/oauth/tokens below the endpoint of the catalog, with type unity /oidc/v1/token of its host.',
  }),
  scope: text().optional().meta({ description: 'Scope to ask for.' }),
})

const sigv4 = object({
  region: text("a region's name").optional().meta({ description: 'Region to sign for.' }),
  service: text("a service's name").optional().meta({ description: 'Service to sign for, such as glue or s3tables.' }),
  roleArn: text("a role's ARN").optional().meta({ description: 'Role to assume for requests to the catalog.' }),
  externalId: text().optional().meta({ description: 'External id to show when the role is assumed.' }),
})

const catalog = object({
  type: choice([...catalogProductNames, 'sql'])
    .prefault('sql')
    .meta({ description: 'Kind of catalog.', restart: true }),
  endpoint: text('a URL').optional().meta({
    description:
      "The catalog's URL; for sql, sqlite: and a file's path (default: sqlite:./catalog.db). For glue and s3tables it comes from the region when it is not given; all others need it.",
    restart: true,
  }),
  warehouse: text()
    .optional()
    .meta({ description: 'As the catalog wants it; for sql, a directory or an s3:// location (default: ./warehouse).', restart: true }),
  token: secret().optional().meta({ description: 'Bearer token.' }),
  oauth2: oauth2.optional().meta({ description: 'OAuth2 client credentials.' }),
  sigv4: sigv4
    .optional()
    .meta({ description: 'AWS request signing, with the AWS credential chain. Default: as glue and s3tables need it.' }),
  headers: mapOf(secret(), 'a mapping from header names to strings')
    .prefault({})
    .meta({ description: 'Headers to send with every request to the catalog. Their values are treated as secrets.' }),
  accessDelegation: choice(['vended-credentials', 'none']).optional().meta({
    description:
      'Whether the catalog is asked for credentials for the data files. Default: none where storage has keys, else what suits the catalog.',
  }),
})

const tables = object({
  properties: mapOf(scalarText(), 'a mapping from property names to strings')
    .prefault({})
    .meta({ description: 'Properties of tables that are created.' }),
  location: text('a location')
    .optional()
    .meta({ description: 'Where tables are created, each in a directory of its own name. Default: the catalog chooses.' }),
  formatVersion: numberChoice([2, 3]).prefault(2).meta({ description: 'Iceberg format version of tables that are created.' }),
  branch: text("a branch's name")
    .prefault('main')
    .meta({ description: 'Branch to commit to; where it is not there, it begins with what main has then.' }),
})

/** Where the tables are: the catalog, how data files are written, and what tables are created with. */
export const sink = object({
  catalog: catalog.prefault({}).meta({ description: 'The Iceberg catalog. Default: a SQLite file in the working directory.' }),
  storage: object(s3Access).optional().meta({
    description:
      'How data files are written when the catalog gives no credentials. Default: as source.s3; with unity and polaris, as the catalog says.',
  }),
  database: parsed("a database's name", databaseName)
    .prefault('default')
    .meta({ description: 'Namespace of the tables; dots make levels where the catalog has them.', restart: true }),
  tables: tables.prefault({}).meta({ description: 'Settings of tables that are created.' }),
})
