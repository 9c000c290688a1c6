import { type Engine, identifier, linesOf, textColumns } from './engine.ts'
import { type ConnectTarget, placeholder } from './target.ts'

/** Athena reads what is in Glue, and S3 Tables where they are integrated with Glue. */
export const athena: Engine = {
  title: 'Athena',
  connect(target) {
    const catalog = catalogs[target.type]?.(target)
    if (catalog === undefined)
      return 'Athena reads tables of Glue, and of S3 Tables through Glue; write to one of them, or query with another engine'
    const queries = target.tables.map(({ name, bytes }) => {
      const text = textColumns(bytes, (column) => `from_utf8(${column})`)
      return `SELECT *${text} FROM ${[catalog, target.database, name].map((part) => identifier(part)).join('.')} LIMIT 10;`
    })
    return [{ where: 'SQL; times are in UTC, and say so', text: linesOf(...queries) }]
  },
}

/** What Athena calls them. */
const catalogs: Partial<Record<ConnectTarget['type'], (target: ConnectTarget) => string>> = {
  glue: ({ warehouse }) => (warehouse === undefined || /^\d+$/.test(warehouse) ? 'AwsDataCatalog' : warehouse.replace(/^\d+:/, '')),
  s3tables: ({ warehouse }) => `s3tablescatalog/${warehouse?.replace(/^.*:bucket\//, '') ?? placeholder('table bucket')}`,
}
