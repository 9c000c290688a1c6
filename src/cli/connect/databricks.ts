import { type Block, type Engine, identifier, linesOf, literal, textColumns } from './engine.ts'
import { type ConnectTarget, placeholder } from './target.ts'

/** Databricks: a table in Unity Catalog is simply there, Glue is federated, and there is no way to other catalogs. */
export const databricks: Engine = {
  title: 'Databricks',
  connect(target) {
    const refusal =
      'Databricks reads Iceberg tables of Unity Catalog, and those of Glue by federation; write to one of them, or query with Spark'
    return ways[target.type]?.(target) ?? refusal
  },
}

/** How it reaches what a catalog has. */
const ways: Readonly<Partial<Record<ConnectTarget['type'], (target: ConnectTarget) => Block[]>>> = {
  unity: (target) => [{ where: 'SQL', text: queries(target, target.warehouse ?? placeholder('catalog')) }],
  glue: (target) => [
    { where: 'SQL: the catalog, once, by an administrator', text: federated(target) },
    { where: 'SQL', text: queries(target, 'kafscale') },
  ],
}

function federated({ auth }: ConnectTarget): string {
  const region = auth.kind === 'sigv4' ? auth.region : placeholder('region')
  return linesOf(
    `CREATE CONNECTION IF NOT EXISTS kafscale_glue TYPE glue OPTIONS (aws_region ${literal(region)}, aws_account_id ${literal(placeholder('account'))}, credential ${literal(placeholder('service credential'))});`,
    `CREATE FOREIGN CATALOG IF NOT EXISTS kafscale USING CONNECTION kafscale_glue OPTIONS (authorized_paths ${literal(placeholder('s3 location of the tables'))});`,
  )
}

function queries({ database, tables }: ConnectTarget, catalog: string): string {
  return linesOf(
    "SET TIME ZONE 'UTC';",
    ...tables.map(({ name, bytes }) => {
      const from = [catalog, database, name].map((part) => identifier(part, '`')).join('.')
      return `SELECT *${textColumns(bytes, (column) => `decode(${column}, 'UTF-8')`, '`')} FROM ${from} LIMIT 10;`
    }),
  )
}
