import type { CatalogRight, Grants } from '../../seams/catalog.ts'

/** Databricks' SQL; the open server has the same privileges, by its `uc permission create`. */
export const unityGrants: Grants = {
  byRight: {
    list: [unity('USE CATALOG', 'CATALOG'), unity('USE SCHEMA', 'SCHEMA')],
    createNamespace: [unity('CREATE SCHEMA', 'CATALOG')],
    createTable: [unity('CREATE TABLE', 'SCHEMA'), unity('EXTERNAL USE SCHEMA', 'SCHEMA')],
    load: [unity('SELECT', 'SCHEMA'), unity('EXTERNAL USE SCHEMA', 'SCHEMA')],
    readFiles: [unity('SELECT', 'SCHEMA'), unity('EXTERNAL USE SCHEMA', 'SCHEMA')],
    writeFiles: [unity('MODIFY', 'SCHEMA'), unity('EXTERNAL USE SCHEMA', 'SCHEMA')],
    commit: [unity('MODIFY', 'SCHEMA')],
    drop: [unity('MANAGE', 'SCHEMA')],
  },
  named(words) {
    // "User does not have USE SCHEMA on Schema 'main.shop'.": a table's privileges are granted for all tables of its schema.
    const [, privilege, kind] = /does not have ([A-Z_ ]+) on (catalog|schema|table)\b/i.exec(words) ?? []
    if (privilege !== undefined) return [unity(privilege.toUpperCase().replaceAll('_', ' '), /catalog/i.test(kind) ? 'CATALOG' : 'SCHEMA')]
    if (/external (data )?access/i.test(words))
      return ['switch on external data access for the metastore (Catalog Explorer, metastore details)']
    return undefined
  },
}

function unity(privilege: string, kind: 'CATALOG' | 'SCHEMA'): string {
  return `GRANT ${privilege} ON ${kind} \`{catalog}\`${kind === 'SCHEMA' ? '.`{namespace}`' : ''} TO \`{PRINCIPAL}\`;`
}

/** Polaris' own command line; Snowflake Open Catalog has the same privileges, under the catalog's roles. */
export const polarisGrants: Grants = {
  byRight: {
    list: polaris('NAMESPACE_READ_PROPERTIES', 'TABLE_LIST'),
    createNamespace: polaris('NAMESPACE_READ_PROPERTIES', 'NAMESPACE_CREATE'),
    createTable: polaris('TABLE_CREATE', 'TABLE_WRITE_DATA'),
    load: polaris('TABLE_READ_PROPERTIES'),
    readFiles: polaris('TABLE_READ_DATA'),
    writeFiles: polaris('TABLE_WRITE_DATA'),
    commit: polaris('TABLE_WRITE_PROPERTIES'),
    drop: polaris('TABLE_DROP'),
  },
  named(words) {
    // "Invalid locations '[…]' for identifier '…': … is not in the list of allowed locations": no privilege is lacking.
    if (/Invalid locations /.test(words))
      return ["leave out spec.sink.tables.location, or add it to the allowedLocations of the catalog's storage configuration"]
    // "Principal 'p' is not authorized for op LOAD_TABLE because it must rotate credentials first": no privilege is lacking either.
    if (/must rotate credentials/.test(words)) return ['polaris principals rotate-credentials {PRINCIPAL}']
    // "Principal 'p' with activated PrincipalRoles '[…]' and activated grants via '[…]' is not authorized for op LOAD_TABLE".
    const [, operation] = /not authorized for op ([A-Z_]+)/.exec(words) ?? []
    const privileges = operation === undefined ? undefined : polarisOperations[operation]
    return privileges === undefined ? undefined : polaris(...privileges)
  },
}

/** What each operation needs (Polaris, `PolarisAuthorizableOperation`). */
const polarisOperations: Readonly<Record<string, readonly string[]>> = {
  LIST_NAMESPACES: ['NAMESPACE_LIST'],
  NAMESPACE_EXISTS: ['NAMESPACE_LIST'],
  LOAD_NAMESPACE_METADATA: ['NAMESPACE_READ_PROPERTIES'],
  CREATE_NAMESPACE: ['NAMESPACE_CREATE'],
  LIST_TABLES: ['TABLE_LIST'],
  TABLE_EXISTS: ['TABLE_LIST'],
  CREATE_TABLE_DIRECT: ['TABLE_CREATE'],
  CREATE_TABLE_DIRECT_WITH_WRITE_DELEGATION: ['TABLE_CREATE', 'TABLE_WRITE_DATA'],
  LOAD_TABLE: ['TABLE_READ_PROPERTIES'],
  LOAD_TABLE_WITH_READ_DELEGATION: ['TABLE_READ_DATA'],
  LOAD_TABLE_WITH_WRITE_DELEGATION: ['TABLE_WRITE_DATA'],
  UPDATE_TABLE: ['TABLE_WRITE_PROPERTIES'],
  DROP_TABLE_WITHOUT_PURGE: ['TABLE_DROP'],
  DROP_TABLE_WITH_PURGE: ['TABLE_DROP', 'TABLE_WRITE_DATA'],
}

function polaris(...privileges: readonly string[]): string[] {
  return privileges.map((privilege) => `polaris privileges catalog grant --catalog {catalog} --catalog-role {ROLE} ${privilege}`)
}

const glueCatalog = 'arn:aws:glue:{region}:{ACCOUNT}:catalog'
const glueDatabase = 'arn:aws:glue:{region}:{ACCOUNT}:database/{namespace}'
const glueTables = 'arn:aws:glue:{region}:{ACCOUNT}:table/{namespace}/*'

/** IAM actions, and what Lake Formation grants where it guards the database. */
export const glueGrants: Grants = {
  byRight: {
    list: [glue('glue:GetCatalog', 'glue:GetDatabase', 'glue:GetTables')],
    createNamespace: [glue('glue:GetDatabase', 'glue:CreateDatabase')],
    createTable: [glue('glue:CreateTable')],
    load: [glue('glue:GetTable')],
    readFiles: lakeFormationFiles(),
    writeFiles: lakeFormationFiles(),
    commit: [glue('glue:UpdateTable')],
    drop: [glue('glue:DeleteTable')],
  },
  named(words, [right]) {
    const action = deniedAction(words)
    if (action !== undefined) return [action.name.startsWith('glue:') ? glue(action.name) : allow([action.name], [action.resource])]
    return lakeFormationGrant(words, right)
  },
}

/** A table's resource needs its database and its catalog beside it. */
function glue(...actions: readonly string[]): string {
  const ofTables = actions.some((action) => action.includes('Table'))
  const ofDatabases = ofTables || actions.some((action) => action.includes('Database'))
  return allow(actions, [glueCatalog, ...(ofDatabases ? [glueDatabase] : []), ...(ofTables ? [glueTables] : [])])
}

function lakeFormationFiles(): string[] {
  return ['grant data location access to the role in Lake Formation, or leave accessDelegation at none and allow the role s3 actions']
}

/** What Lake Formation asks for where its words do not say (AWS Glue, Iceberg REST APIs: "Lake Formation permissions"). */
const lakeFormationPermissions: Readonly<Record<CatalogRight, string>> = {
  list: 'DESCRIBE',
  createNamespace: 'CREATE_DATABASE',
  createTable: 'CREATE_TABLE',
  load: 'DESCRIBE SELECT',
  readFiles: 'SELECT',
  writeFiles: 'INSERT',
  commit: 'ALTER INSERT',
  drop: 'DROP',
}

/** "Insufficient Lake Formation permission(s): Required Create Table on shop", or "… on s3://lake/tables" for a place. */
function lakeFormationGrant(words: string, right: CatalogRight): string[] | undefined {
  const [, said] = /Insufficient Lake Formation permission\(s\)(.*)/.exec(words) ?? []
  if (said === undefined) return undefined
  const required = /Required ([A-Za-z ]+?) on /.exec(said)?.[1]
  const place = / on (?:s3:\/\/|arn:aws:s3:::)([^\s)]+)/.exec(said)?.[1]
  if (place !== undefined)
    return [lakeFormation('DATA_LOCATION_ACCESS', { DataLocation: { ResourceArn: `arn:aws:s3:::${withoutProbe(place)}` } })]
  const permissions = required === undefined ? lakeFormationPermissions[right] : required.toUpperCase().replaceAll(' ', '_')
  if (permissions === 'CREATE_DATABASE') return [lakeFormation(permissions, { Catalog: {} })]
  const isOfDatabase = permissions === 'CREATE_TABLE' || right === 'list' || right === 'createNamespace'
  const resource = isOfDatabase ? { Database: { Name: '{namespace}' } } : { Table: { DatabaseName: '{namespace}', TableWildcard: {} } }
  return [lakeFormation(permissions, resource)]
}

function lakeFormation(permissions: string, resource: object): string {
  return `aws lakeformation grant-permissions --principal DataLakePrincipalIdentifier={PRINCIPAL} --permissions ${permissions} --resource '${JSON.stringify(resource)}'`
}

/** IAM actions on the table bucket, whose ARN is the warehouse, and on its tables. */
export const s3TablesGrants: Grants = {
  byRight: {
    list: [s3tables('s3tables:GetTableBucket', 's3tables:ListTables')],
    createNamespace: [s3tables('s3tables:GetNamespace', 's3tables:CreateNamespace')],
    createTable: [s3tables('s3tables:CreateTable', 's3tables:PutTableData')],
    load: [s3tables('s3tables:GetTableMetadataLocation', 's3tables:GetTableData')],
    readFiles: [s3tables('s3tables:GetTableData')],
    writeFiles: [s3tables('s3tables:PutTableData')],
    commit: [s3tables('s3tables:UpdateTableMetadataLocation', 's3tables:PutTableData', 's3tables:GetTableData')],
    drop: [s3tables('s3tables:DeleteTable')],
  },
  named(words) {
    const action = deniedAction(words)
    if (action === undefined) return undefined
    return [action.name.startsWith('s3tables:') ? s3tables(action.name) : allow([action.name], [action.resource])]
  },
  ownsFiles: true,
}

/** Actions of buckets and namespaces are on the bucket, those of tables on its tables; a table is made in both. */
function s3tables(...actions: readonly string[]): string {
  const ofBucket = actions.some((action) => /Bucket|Namespace|ListTables|CreateTable/.test(action))
  const ofTables = actions.some((action) => !/Bucket|Namespace|ListTables/.test(action))
  return allow(actions, [...(ofBucket ? ['{catalog}'] : []), ...(ofTables ? ['{catalog}/table/*'] : [])])
}

/** "User: arn:… is not authorized to perform: glue:GetTable on resource: arn:… because no identity-based policy allows …". */
function deniedAction(words: string): { name: string; resource: string } | undefined {
  const [, name, resource] = /not authorized to perform: ([\w-]+:\w+) on resource: "?(arn:[^\s")]+)/.exec(words) ?? []
  return name === undefined ? undefined : { name, resource }
}

/** The place of a probe table stands for that of all. */
function withoutProbe(place: string): string {
  return place.replace(/\/[^/]*kafscale_doctor_.*$/, '')
}

function allow(actions: readonly string[], resources: readonly string[]): string {
  return `allow ${actions.join(', ')} on ${resources.join(', ')}`
}
