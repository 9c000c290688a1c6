import type { Grants } from '../../seams/catalog.ts'

/** Databricks' SQL; the open server has the same privileges, by its `uc permission create`. */
export const unityGrants: Grants = {
  list: onCatalog('USE CATALOG', 'USE SCHEMA'),
  createNamespace: onCatalog('CREATE SCHEMA'),
  createTable: onSchema('CREATE TABLE'),
  load: onSchema('SELECT'),
  files: onSchema('EXTERNAL USE SCHEMA'),
  commit: onSchema('MODIFY'),
  drop: onSchema('MANAGE'),
}

function onCatalog(first: string, onTheSchema?: string): string[] {
  const statement = `GRANT ${first} ON CATALOG \`{catalog}\` TO \`{PRINCIPAL}\`;`
  return onTheSchema === undefined ? [statement] : [statement, ...onSchema(onTheSchema)]
}

function onSchema(privilege: string): string[] {
  return [`GRANT ${privilege} ON SCHEMA \`{catalog}\`.\`{namespace}\` TO \`{PRINCIPAL}\`;`]
}

/** Polaris' own command line; Snowflake Open Catalog has the same privileges, under the catalog's roles. */
export const polarisGrants: Grants = {
  list: polaris('NAMESPACE_LIST', 'NAMESPACE_READ_PROPERTIES', 'TABLE_LIST'),
  createNamespace: polaris('NAMESPACE_CREATE'),
  createTable: polaris('TABLE_CREATE', 'TABLE_WRITE_DATA'),
  load: polaris('TABLE_READ_PROPERTIES'),
  files: polaris('TABLE_READ_DATA', 'TABLE_WRITE_DATA'),
  commit: polaris('TABLE_WRITE_PROPERTIES'),
  drop: polaris('TABLE_DROP'),
}

function polaris(...privileges: string[]): string[] {
  return privileges.map((privilege) => `polaris privileges catalog grant --catalog {catalog} --catalog-role {ROLE} ${privilege}`)
}

const database = 'arn:aws:glue:{region}:{ACCOUNT}:database/{namespace}'
const glueTables = 'arn:aws:glue:{region}:{ACCOUNT}:table/{namespace}/*'
const glueCatalog = 'arn:aws:glue:{region}:{ACCOUNT}:catalog'

/** IAM actions. A table's resource needs its database and its catalog beside it. */
export const glueGrants: Grants = {
  list: iam(['glue:GetCatalog', 'glue:GetDatabase', 'glue:GetTables'], [glueCatalog, database, glueTables]),
  createNamespace: iam(['glue:CreateDatabase'], [glueCatalog, database]),
  createTable: iam(['glue:CreateTable'], [glueCatalog, database, glueTables]),
  load: iam(['glue:GetTable'], [glueCatalog, database, glueTables]),
  files: ['grant data location access to the role in Lake Formation, or leave accessDelegation at none and allow the role s3 actions'],
  commit: iam(['glue:UpdateTable'], [glueCatalog, database, glueTables]),
  drop: iam(['glue:DeleteTable'], [glueCatalog, database, glueTables]),
}

const tables = ['{catalog}', '{catalog}/table/*']

/** IAM actions on the table bucket, whose ARN is the warehouse, and on its tables. */
export const s3TablesGrants: Grants = {
  list: iam(['s3tables:GetTableBucket', 's3tables:ListNamespaces', 's3tables:GetNamespace', 's3tables:ListTables'], ['{catalog}']),
  createNamespace: iam(['s3tables:CreateNamespace'], ['{catalog}']),
  createTable: iam(['s3tables:CreateTable', 's3tables:PutTableData'], tables),
  load: iam(['s3tables:GetTable', 's3tables:GetTableMetadataLocation', 's3tables:GetTableData'], tables),
  files: iam(['s3tables:GetTableData', 's3tables:PutTableData'], tables),
  commit: iam(['s3tables:UpdateTableMetadataLocation', 's3tables:PutTableData'], tables),
  drop: iam(['s3tables:DeleteTable'], tables),
}

function iam(actions: readonly string[], resources: readonly string[]): string[] {
  return [`allow ${actions.join(', ')} on ${resources.join(', ')}`]
}
