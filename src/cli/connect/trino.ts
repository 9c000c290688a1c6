import { type Engine, identifier, linesOf, textColumns } from './engine.ts'
import { type ConnectTarget, placeholder } from './target.ts'

/** Trino, by a catalog file and SQL. */
export const trino: Engine = {
  title: 'Trino',
  connect(target) {
    if (target.type === 'sql') return 'Trino has no driver for SQLite; write to a REST catalog, or query with PyIceberg, Spark or DuckDB'
    const queries = target.tables.map(
      ({ name, bytes }) =>
        `SELECT *${textColumns(bytes, (column) => `from_utf8(${column})`)} FROM kafscale.${identifier(target.database)}.${identifier(name)} LIMIT 10;`,
    )
    return [
      { where: 'etc/catalog/kafscale.properties', text: propertiesOf(target) },
      { where: 'SQL', text: linesOf("SET TIME ZONE 'UTC';", ...queries) },
    ]
  },
}

function propertiesOf({ database, endpoint, warehouse, auth, headers, vends, storage }: ConnectTarget): string {
  const region = storage.region ?? (auth.kind === 'sigv4' ? auth.region : undefined)
  return linesOf(
    'connector.name=iceberg',
    'iceberg.catalog.type=rest',
    `iceberg.rest-catalog.uri=${endpoint}`,
    warehouse !== undefined && `iceberg.rest-catalog.warehouse=${warehouse}`,
    auth.kind === 'token' && 'iceberg.rest-catalog.security=OAUTH2\niceberg.rest-catalog.oauth2.token=${ENV:CATALOG_TOKEN}',
    auth.kind === 'oauth2' &&
      linesOf(
        'iceberg.rest-catalog.security=OAUTH2',
        `iceberg.rest-catalog.oauth2.credential=${auth.clientId}:\${ENV:CATALOG_CLIENT_SECRET}`,
        `iceberg.rest-catalog.oauth2.server-uri=${auth.tokenEndpoint}`,
        `iceberg.rest-catalog.oauth2.scope=${auth.scope}`,
      ),
    auth.kind === 'sigv4' &&
      linesOf(
        '# Trino 476 or older: iceberg.rest-catalog.sigv4-enabled=true in place of the next line',
        'iceberg.rest-catalog.security=SIGV4',
        `iceberg.rest-catalog.signing-name=${auth.service}`,
        'iceberg.rest-catalog.view-endpoints-enabled=false',
      ),
    headers.length > 0 &&
      linesOf(
        '# headers: Trino 481 or later',
        `iceberg.rest-catalog.http-headers=${headers.map((name) => `${name}: ${placeholder(`value of ${name}`)}`).join(', ')}`,
      ),
    database.includes('.') && 'iceberg.rest-catalog.nested-namespace-enabled=true',
    vends && 'iceberg.rest-catalog.vended-credentials-enabled=true',
    '# from Trino 481 on: fs.s3.enabled=true',
    'fs.native-s3.enabled=true',
    `s3.region=${region ?? placeholder('region')}`,
    storage.endpoint !== undefined && `s3.endpoint=${storage.endpoint}`,
    storage.pathStyle && 's3.path-style-access=true',
    // Trino 476 takes keys from the catalog, and neither region nor address.
    vends &&
      storage.endpoint === undefined &&
      '# a store that is not AWS: s3.endpoint and s3.path-style-access, which Trino may not take from the catalog',
    !vends && '# keys: s3.aws-access-key and s3.aws-secret-key, or what the AWS credential chain finds',
  )
}
