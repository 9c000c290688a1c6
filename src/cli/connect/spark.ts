import { type Engine, identifier, linesOf, textColumns } from './engine.ts'
import { type ConnectTarget, placeholder } from './target.ts'

/** Spark, by settings of a session and SQL. */
export const spark: Engine = {
  title: 'Spark',
  connect(target) {
    const settings = Object.entries(settingsOf(target)).map(([key, value]) => `spark.${key} ${value}`)
    const level = target.database.split('.').map((name) => identifier(name, '`'))
    const queries = target.tables.flatMap(({ name, bytes }) => {
      const from = [identifier(catalogName(target.type), '`'), ...level, identifier(name, '`')].join('.')
      if (bytes.length === 0) return [`SELECT * FROM ${from} LIMIT 10;`]
      const text = textColumns(bytes, (column) => `decode(${column}, 'UTF-8')`, '`')
      const view = identifier(`${name}_text`, '`')
      return [`CREATE OR REPLACE TEMPORARY VIEW ${view} AS SELECT *${text} FROM ${from};`, `SELECT * FROM ${view} LIMIT 10;`]
    })
    return [
      { where: 'spark-defaults.conf, or --conf for each line', text: linesOf(...settings, needsKeys(target) && chain) },
      { where: 'SQL', text: linesOf(...queries) },
    ]
  },
}

const chain = '# keys for the files: what the AWS credential chain finds'

function needsKeys({ type, vends, warehouse }: ConnectTarget): boolean {
  return !vends && !(type === 'sql' && warehouse?.startsWith('file:') === true)
}

/** Tables in the SQLite file belong to a catalog of the name default, as PyIceberg calls it too. */
function catalogName(type: ConnectTarget['type']): string {
  return type === 'sql' ? 'default' : 'kafscale'
}

function settingsOf({ type, endpoint, warehouse, auth, headers, vends, storage }: ConnectTarget): Record<string, string> {
  const isFile = type === 'sql'
  const driver = isFile ? ',org.xerial:sqlite-jdbc:3.49.1.0' : ''
  const region = storage.region ?? (auth.kind === 'sigv4' ? auth.region : undefined)
  const onFiles = isFile && warehouse?.startsWith('file:') === true
  const of: Record<string, string | undefined | false> = {
    type: isFile ? 'jdbc' : 'rest',
    uri: isFile ? `jdbc:sqlite:${endpoint}` : endpoint,
    warehouse,
    ...(auth.kind === 'token' && { token: placeholder('token') }),
    ...(auth.kind === 'oauth2' && {
      credential: `${auth.clientId}:${placeholder('client secret')}`,
      'oauth2-server-uri': auth.tokenEndpoint,
      scope: auth.scope,
    }),
    ...(auth.kind === 'sigv4' && { 'rest.sigv4-enabled': 'true', 'rest.signing-name': auth.service, 'rest.signing-region': auth.region }),
    ...Object.fromEntries(headers.map((name) => [`header.${name}`, placeholder(`value of ${name}`)])),
    'header.X-Iceberg-Access-Delegation': vends && 'vended-credentials',
    'io-impl': !onFiles && 'org.apache.iceberg.aws.s3.S3FileIO',
    's3.endpoint': storage.endpoint,
    's3.path-style-access': storage.pathStyle && 'true',
    'client.region': region,
  }
  const catalog = `sql.catalog.${catalogName(type)}`
  return {
    'jars.packages': `org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.11.0,org.apache.iceberg:iceberg-aws-bundle:1.11.0${driver}`,
    'sql.extensions': 'org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions',
    'sql.session.timeZone': 'UTC',
    [catalog]: 'org.apache.iceberg.spark.SparkCatalog',
    ...Object.fromEntries(
      Object.entries(of)
        .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
        .map(([key, value]) => [`${catalog}.${key}`, value]),
    ),
  }
}
