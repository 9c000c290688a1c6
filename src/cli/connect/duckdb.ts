import { type Engine, identifier, linesOf, literal, textColumns } from './engine.ts'
import { type ConnectTable, type ConnectTarget, placeholder } from './target.ts'

/** DuckDB attaches REST catalogs; a table of a SQLite catalog it reads by its newest metadata file. */
export const duckdb: Engine = {
  title: 'DuckDB',
  connect(target) {
    const isFile = target.type === 'sql'
    const own = isFile ? fileTables(target) : attached(target)
    const text = linesOf(
      `INSTALL iceberg; LOAD iceberg; INSTALL httpfs; LOAD httpfs;${isFile ? ' INSTALL sqlite; LOAD sqlite;' : ''}`,
      "SET TimeZone = 'UTC';",
      needsKeys(target) && filesSecret(target),
      own,
    )
    return [{ where: 'SQL', text }]
  },
}

function needsKeys({ vends, warehouse, type }: ConnectTarget): boolean {
  return !vends && !(type === 'sql' && warehouse?.startsWith('file:') === true)
}

function filesSecret({ storage, auth }: ConnectTarget): string {
  const region = storage.region ?? (auth.kind === 'sigv4' ? auth.region : undefined)
  const url = storage.endpoint === undefined ? undefined : new URL(storage.endpoint)
  const options = [
    'TYPE s3',
    `KEY_ID ${literal(placeholder('access key id'))}`,
    `SECRET ${literal(placeholder('secret access key'))}`,
    ...(region === undefined ? [] : [`REGION ${literal(region)}`]),
    ...(url === undefined ? [] : [`ENDPOINT ${literal(url.host)}`, `USE_SSL ${url.protocol === 'https:'}`]),
    ...(storage.pathStyle ? ["URL_STYLE 'path'"] : []),
  ]
  return `CREATE OR REPLACE SECRET kafscale_files (${options.join(', ')});`
}

function attached(target: ConnectTarget): string {
  const { type, endpoint, warehouse = '', vends, headers } = target
  const managed = { glue: 'glue', s3tables: 's3_tables' }[type as string]
  const isSecret = headers.length > 0 && managed === undefined
  const options = [
    'TYPE iceberg',
    ...(managed === undefined ? [`ENDPOINT ${literal(endpoint)}`] : [`ENDPOINT_TYPE ${managed}`]),
    ...(isSecret ? ['SECRET kafscale_catalog'] : managed === undefined ? authorization(target) : []),
    ...(vends ? [] : ["ACCESS_DELEGATION_MODE 'none'"]),
  ]
  const views = target.tables.map((table) => view(table, `kafscale.${identifier(target.database)}.${identifier(table.name)}`))
  return linesOf(isSecret && catalogSecret(target), `ATTACH ${literal(warehouse)} AS kafscale (${options.join(', ')});`, ...views)
}

/** Headers are said in a secret, and nowhere else. */
function catalogSecret(target: ConnectTarget): string {
  const headers = target.headers.map((name) => `${literal(name)}: ${literal(placeholder(`value of ${name}`))}`)
  const options = ['TYPE iceberg', ...authorization(target), `EXTRA_HTTP_HEADERS MAP {${headers.join(', ')}}`]
  return linesOf('-- headers: DuckDB 1.5 or later', `CREATE OR REPLACE SECRET kafscale_catalog (${options.join(', ')});`)
}

function authorization({ auth }: ConnectTarget): string[] {
  if (auth.kind === 'token') return [`TOKEN ${literal(placeholder('token'))}`]
  if (auth.kind === 'sigv4') return ["AUTHORIZATION_TYPE 'sigv4'"]
  if (auth.kind !== 'oauth2') return ["AUTHORIZATION_TYPE 'none'"]
  return [
    `CLIENT_ID ${literal(auth.clientId)}`,
    `CLIENT_SECRET ${literal(placeholder('client secret'))}`,
    `OAUTH2_SERVER_URI ${literal(auth.tokenEndpoint)}`,
    `OAUTH2_SCOPE ${literal(auth.scope)}`,
  ]
}

/** The file that is newest when this is run; later commits are seen when it is run again. */
function fileTables({ endpoint, database, tables }: ConnectTarget): string {
  return linesOf(
    ...tables.flatMap((table) => {
      const variable = identifier(`${table.name}_metadata`)
      const where = `catalog_name = 'default' AND table_namespace = ${literal(database)} AND table_name = ${literal(table.name)}`
      return [
        `SET VARIABLE ${variable} = (SELECT metadata_location FROM sqlite_scan(${literal(endpoint)}, 'iceberg_tables') WHERE ${where});`,
        `SELECT *${decoded(table)} FROM iceberg_scan(getvariable(${literal(`${table.name}_metadata`)})) LIMIT 10;`,
      ]
    }),
  )
}

function view(table: ConnectTable, from: string): string {
  if (table.bytes.length === 0) return `SELECT * FROM ${from} LIMIT 10;`
  return linesOf(
    '-- bytes that are UTF-8, as text beside them',
    `CREATE OR REPLACE TEMP VIEW ${identifier(`${table.name}_text`)} AS SELECT *${decoded(table)} FROM ${from};`,
    `SELECT * FROM ${identifier(`${table.name}_text`)} LIMIT 10;`,
  )
}

function decoded({ bytes }: ConnectTable): string {
  return textColumns(bytes, (column) => `decode(${column})`)
}
