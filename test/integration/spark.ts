import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Row, sorted } from './canonical.ts'
import { install, installDirectory, type S3Endpoint } from './servers.ts'

/** A Spark session over the REST catalog, which SQL calls `ice`. */
export interface Spark {
  /** Of the process whose descendants are all of Spark. */
  readonly pid: number
  /** Runs a statement; its answer in canonical form, in order of the rows' text. Throws what Spark says. */
  sql(statement: string): Promise<Row[]>
  /** Commits equality deletes of a table (`db.table`) by Iceberg's Java API: of the rows whose column, a long, has one of these values. */
  deleteEqual(table: string, column: string, values: readonly number[]): Promise<void>
  stop(): Promise<void>
}

/** Installs Spark where it is missing and starts it, which takes half a minute. */
export async function startSpark(s3: S3Endpoint, restCatalogUri: string): Promise<Spark> {
  await install('spark')
  const home = installDirectory()
  const jars = readdirSync(join(home, 'spark-jars')).filter((name) => name.endsWith('.jar'))
  const child = spawn(join(home, 'spark', 'bin', 'python'), [join(import.meta.dirname, 'readers', 'spark.py')], {
    env: { ...process.env, SPARK_LOCAL_IP: '127.0.0.1', PYTHONWARNINGS: 'ignore', PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]()

  async function ask(request: object): Promise<Row[]> {
    child.stdin.write(`${JSON.stringify(request)}\n`)
    const { value, done } = await answers.next()
    if (done === true) throw new Error(`Spark ended: ${errors}`)
    const { rows, error } = JSON.parse(value) as { rows?: Row[]; error?: string }
    if (rows === undefined) throw new Error(`Spark: ${error}`)
    return sorted(rows)
  }

  await ask({ uri: restCatalogUri, s3, jars: jars.map((name) => join(home, 'spark-jars', name)) })
  return {
    pid: child.pid!,
    sql: (statement) => ask({ sql: statement }),
    async deleteEqual(table, column, values) {
      await ask({ deleteEqual: { table, column, values } })
    },
    async stop() {
      child.stdin.end()
      await ended
    },
  }
}
