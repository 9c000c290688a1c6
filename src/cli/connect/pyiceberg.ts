import { type Engine, linesOf, pythonString } from './engine.ts'
import { type ConnectTarget, placeholder } from './target.ts'

/** PyIceberg; keys for files come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) where the catalog gives none. */
export const pyiceberg: Engine = {
  title: 'PyIceberg',
  connect(target) {
    const entries = Object.entries(propertiesOf(target)).map(([key, value]) => `    ${pythonString(key)}: ${value},`)
    const tables = target.tables.flatMap(({ name, bytes }) => {
      const variable = name.replaceAll(/\W/g, '_').replace(/^(?=\d)/, 't_')
      return [
        '',
        `${variable} = catalog.load_table(${pythonString(`${target.database}.${name}`)}).scan(limit=10).to_arrow()`,
        ...bytes.map((column) => {
          const text = `${variable}[${pythonString(column)}].cast("string")`
          return `${variable} = ${variable}.append_column(${pythonString(`${column}_text`)}, ${text})  # where it is UTF-8`
        }),
        `print(${variable})`,
      ]
    })
    const text = linesOf(
      `# pip install ${pythonString(`pyiceberg[${['pyarrow', ...extrasFor(target)].join(',')}]`)}`,
      entries.some((entry) => entry.includes('os.environ')) && 'import os',
      'from pyiceberg.catalog import load_catalog',
      '',
      // Tables in the SQLite file belong to a catalog of this name.
      `catalog = load_catalog("${target.type === 'sql' ? 'default' : 'kafscale'}", **{`,
      ...entries,
      '})',
      ...tables,
    )
    return [{ where: 'Python; times are in UTC', text }]
  },
}

/** What PyIceberg needs beside itself for such a catalog. */
function extrasFor({ type, auth }: ConnectTarget): string[] {
  if (type === 'sql') return ['sql-sqlite']
  return auth.kind === 'sigv4' ? ['rest-sigv4'] : []
}

/** Values are Python expressions. */
function propertiesOf({ type, endpoint, warehouse, auth, headers, declinesKeys, storage }: ConnectTarget): Record<string, string> {
  const isFile = type === 'sql'
  return {
    type: pythonString(isFile ? 'sql' : 'rest'),
    uri: pythonString(isFile ? `sqlite:///${endpoint}` : endpoint),
    ...(warehouse !== undefined && { warehouse: pythonString(warehouse) }),
    ...(auth.kind === 'token' && { token: 'os.environ["CATALOG_TOKEN"]' }),
    ...(auth.kind === 'oauth2' && {
      credential: `${pythonString(`${auth.clientId}:`)} + os.environ["CATALOG_CLIENT_SECRET"]`,
      'oauth2-server-uri': pythonString(auth.tokenEndpoint),
      scope: pythonString(auth.scope),
    }),
    ...(auth.kind === 'sigv4' && {
      'rest.sigv4-enabled': '"true"',
      'rest.signing-name': pythonString(auth.service),
      'rest.signing-region': pythonString(auth.region),
    }),
    ...Object.fromEntries(headers.map((name) => [`header.${name}`, pythonString(placeholder(`value of ${name}`))])),
    // Unless told otherwise it asks for keys, which a catalog that has none refuses.
    ...(declinesKeys && { 'header.X-Iceberg-Access-Delegation': pythonString('') }),
    ...(storage.endpoint !== undefined && { 's3.endpoint': pythonString(storage.endpoint) }),
    ...(storage.region !== undefined && { 's3.region': pythonString(storage.region) }),
  }
}
