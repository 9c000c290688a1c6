import { type Engine, identifier, linesOf, literal, textColumns } from './engine.ts'
import { type ConnectTarget, placeholder } from './target.ts'

/** Snowflake, by a catalog integration; then a table each, or a database that follows the catalog. */
export const snowflake: Engine = {
  title: 'Snowflake',
  connect(target) {
    if (target.type === 'sql') return 'Snowflake can not reach a SQLite file; write to a REST catalog, such as Polaris, Unity or Glue'
    if (target.auth.kind === 'none')
      return 'Snowflake asks a catalog with OAuth, a bearer token or SigV4, and the document names none of them in spec.sink.catalog'
    return [
      { where: 'SQL: the catalog, once', text: integration(target) },
      { where: 'SQL: a table each, refreshed by itself', text: tables(target) },
      { where: 'SQL: or all tables of the namespace, as a database', text: linkedDatabase(target) },
    ]
  },
}

/** What Snowflake calls a catalog that it knows better than any other of the REST protocol. */
const catalogKinds: Readonly<Partial<Record<ConnectTarget['type'], { readonly source?: string; readonly apiType?: string }>>> = {
  polaris: { source: 'POLARIS' },
  glue: { apiType: 'AWS_GLUE' },
}

function integration(target: ConnectTarget): string {
  const { type, endpoint, warehouse, database, vends } = target
  const { source = 'ICEBERG_REST', apiType } = catalogKinds[type] ?? {}
  return linesOf(
    'CREATE CATALOG INTEGRATION IF NOT EXISTS kafscale',
    `  CATALOG_SOURCE = ${source}`,
    '  TABLE_FORMAT = ICEBERG',
    `  CATALOG_NAMESPACE = ${literal(database)}`,
    '  REST_CONFIG = (',
    `    CATALOG_URI = ${literal(endpoint)}`,
    apiType !== undefined && `    CATALOG_API_TYPE = ${apiType}`,
    warehouse !== undefined && `    CATALOG_NAME = ${literal(warehouse)}`,
    vends && '    ACCESS_DELEGATION_MODE = VENDED_CREDENTIALS',
    '  )',
    '  REST_AUTHENTICATION = (',
    ...authentication(target).map((line) => `    ${line}`),
    '  )',
    '  REFRESH_INTERVAL_SECONDS = 30',
    '  ENABLED = TRUE;',
  )
}

function authentication({ auth }: ConnectTarget): string[] {
  if (auth.kind === 'sigv4') {
    return ['TYPE = SIGV4', `SIGV4_IAM_ROLE = ${literal(placeholder('role ARN'))}`, `SIGV4_SIGNING_REGION = ${literal(auth.region)}`]
  }
  if (auth.kind !== 'oauth2') return ['TYPE = BEARER', `BEARER_TOKEN = ${literal(placeholder('token'))}`]
  return [
    'TYPE = OAUTH',
    `OAUTH_TOKEN_URI = ${literal(auth.tokenEndpoint)}`,
    `OAUTH_CLIENT_ID = ${literal(auth.clientId)}`,
    `OAUTH_CLIENT_SECRET = ${literal(placeholder('client secret'))}`,
    `OAUTH_ALLOWED_SCOPES = (${literal(auth.scope)})`,
  ]
}

function tables({ tables: all, vends }: ConnectTarget): string {
  return linesOf(
    "ALTER SESSION SET TIMEZONE = 'UTC';",
    ...all.flatMap(({ name, bytes }) => {
      const own = identifier(name)
      const volume = vends ? '' : ` EXTERNAL_VOLUME = ${literal(placeholder('external volume'))}`
      const text = textColumns(bytes, (column) => `TO_VARCHAR(${column}, 'UTF-8')`)
      return [
        `CREATE ICEBERG TABLE IF NOT EXISTS ${own}${volume} CATALOG = 'kafscale' CATALOG_TABLE_NAME = ${literal(name)} AUTO_REFRESH = TRUE;`,
        bytes.length > 0 && `CREATE OR REPLACE VIEW ${identifier(`${name}_text`)} AS SELECT *${text} FROM ${own};`,
        `SELECT * FROM ${bytes.length > 0 ? identifier(`${name}_text`) : own} LIMIT 10;`,
      ]
    }),
  )
}

function linkedDatabase({ database, tables: all, vends }: ConnectTarget): string {
  const volume = vends ? '' : ` EXTERNAL_VOLUME = ${literal(placeholder('external volume'))}`
  return linesOf(
    `CREATE DATABASE IF NOT EXISTS kafscale_linked LINKED_CATALOG = (CATALOG = 'kafscale', ALLOWED_NAMESPACES = (${literal(database)}))${volume};`,
    "ALTER SESSION SET TIMEZONE = 'UTC';",
    ...all.map(({ name }) => `SELECT * FROM kafscale_linked.${identifier(database)}.${identifier(name)} LIMIT 10;`),
  )
}
