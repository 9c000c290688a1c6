import { athena } from './athena.ts'
import { databricks } from './databricks.ts'
import { duckdb } from './duckdb.ts'
import type { Engine } from './engine.ts'
import { pyiceberg } from './pyiceberg.ts'
import { snowflake } from './snowflake.ts'
import { spark } from './spark.ts'
import { trino } from './trino.ts'

/** By the word that names them. A new engine is a file and a line here. */
export const engines: Readonly<Record<string, Engine>> = { snowflake, databricks, trino, spark, duckdb, pyiceberg, athena }
