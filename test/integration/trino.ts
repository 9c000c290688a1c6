import { setTimeout } from 'node:timers/promises'
import { parseJson } from '../../src/formats/json/exact.ts'
import { type CanonicalRow, type Row, toRows } from './canonical.ts'
import { install, type S3Endpoint, startTrinoServer } from './servers.ts'
import { canonicalTrino, type TrinoType } from './trino-values.ts'

/** Trino over the REST catalog, which SQL calls `ice`; `memory` is a catalog without statistics. */
export interface Trino {
  /** Runs a statement; its answer in canonical form, in order of the rows' text. Throws what Trino says. */
  sql(statement: string): Promise<Row[]>
  stop(): Promise<void>
}

/** One answer of the statement protocol: to a POST to `/v1/statement`, then to GETs of each `nextUri`. */
interface Answer {
  readonly nextUri?: string
  readonly columns?: readonly { readonly name: string; readonly typeSignature: TrinoType }[]
  readonly data?: readonly (readonly unknown[])[]
  readonly error?: { readonly message: string }
}

/** Without the capability, times come cut to milliseconds. */
const headers = {
  'X-Trino-User': 'test',
  'X-Trino-Time-Zone': 'UTC',
  'X-Trino-Client-Capabilities': 'PARAMETRIC_DATETIME',
  'X-Trino-Session': 'ice.expire_snapshots_min_retention=0s',
}

/** Installs Trino where it is missing, which fetches 800 MB, and starts it, which takes a quarter of a minute. */
export async function startTrino(s3: S3Endpoint, restCatalogUri: string): Promise<Trino> {
  await install('trino')
  const server = await startTrinoServer(s3, restCatalogUri)
  return { sql: (statement) => run(`http://127.0.0.1:${server.port}/v1/statement`, statement), stop: () => server.stop() }
}

async function run(uri: string, statement: string): Promise<Row[]> {
  const rows: CanonicalRow[] = []
  let answer = await ask(uri, { method: 'POST', headers, body: statement })
  for (;;) {
    if (answer.error !== undefined) throw new Error(`Trino: ${answer.error.message}`)
    const { columns = [], data = [], nextUri } = answer
    for (const values of data) {
      rows.push(Object.fromEntries(columns.map(({ name, typeSignature }, i) => [name, canonicalTrino(typeSignature, values[i])])))
    }
    if (nextUri === undefined) return toRows(rows)
    answer = await ask(nextUri, { headers })
  }
}

async function ask(uri: string, init: RequestInit): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(uri, init)
    const text = await response.text()
    if (response.ok) return parseJson(text, "Trino's answer") as Answer
    if (response.status < 502 || attempt === 20) throw new Error(`Trino: ${response.status} ${text.slice(0, 500)}`)
    await setTimeout(50)
  }
}
