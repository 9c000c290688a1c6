import { inject } from 'vitest'
import type { Column } from './canonical.ts'
import { sparkDialect, trinoDialect } from './dialects.ts'
import { restOnS3 } from './program.ts'
import { type TableName, tryQueries } from './readers.ts'
import { type Spark, startSpark } from './spark.ts'
import { sqlAnswers } from './sql.ts'
import { startTrino, type Trino } from './trino.ts'
import type { Ask } from './types/findings.ts'

/** The engines that tables of the REST catalog are asked of. */
export const askedEngines = ['pyiceberg', 'duckdb', 'spark', 'trino'] as const
export type AskedEngine = (typeof askedEngines)[number]

/** Those that take their time to start. */
export interface SqlEngines {
  readonly spark: Spark
  readonly trino: Trino
  stop(): Promise<void>
}

/** Starts Spark and Trino over the shared REST catalog, one after the other. */
export async function startSqlEngines(): Promise<SqlEngines> {
  const spark = await startSpark(inject('s3'), inject('restCatalogUri'))
  const trino = await startTrino(inject('s3'), inject('restCatalogUri')).catch(async (error: unknown) => {
    await spark.stop()
    throw error
  })
  return {
    spark,
    trino,
    async stop() {
      await Promise.all([spark.stop(), trino.stop()])
    },
  }
}

/** Asks an engine about a table, of which predicates know these columns; it knows no copy of it. */
export function asking(engine: AskedEngine, { spark, trino }: SqlEngines, table: TableName, columns: readonly Column[]): Ask {
  const sqlTable = { columns, from: `ice.${table.join('.')}`, unpruned: '' }
  switch (engine) {
    case 'pyiceberg':
    case 'duckdb':
      return (queries) => tryQueries(engine, restOnS3().reader, table, queries)
    case 'spark':
      return (queries) => sqlAnswers(spark.sql, sparkDialect, sqlTable, queries)
    case 'trino':
      return (queries) => sqlAnswers(trino.sql, trinoDialect, sqlTable, queries)
  }
}
