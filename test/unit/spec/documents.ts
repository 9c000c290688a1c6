import { readFileSync, readdirSync } from 'node:fs'
import { parse } from 'yaml'
import { DocumentError } from '../../../src/model/failure.ts'
import type { ProcessorDocument } from '../../../src/spec/document.ts'
import type { Environment } from '../../../src/spec/environment.ts'
import { loadDocuments } from '../../../src/spec/load.ts'

export type Plain = Record<string, any>

export const missionYaml = `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: events-to-iceberg}
spec:
  source: {topics: [events], s3: {bucket: kafscale-data, prefix: segments/}}
  sink:
    catalog: {type: unity, endpoint: https://workspace.cloud.databricks.com/api/2.1/unity-catalog/iceberg, warehouse: /Volumes/main/default/warehouse}
    database: analytics
  processing: {parallelism: 4, commitIntervalSeconds: 60}
`

/** The least that a document says, with what `change` does to it. */
export function smallest(change: (document: Plain) => void = () => {}): Plain {
  const document: Plain = {
    apiVersion: 'kafscale.io/v1',
    kind: 'IcebergProcessor',
    metadata: { name: 'p' },
    spec: { source: { topics: ['events'], directory: './segments' } },
  }
  change(document)
  return document
}

export function load(document: unknown, environment: Environment = {}): ProcessorDocument {
  return loadDocuments(JSON.stringify(document), 'p.json', environment)[0]
}

/** What is wrong: `path: message` of each problem. */
export function problemsOf(document: unknown, environment: Environment = {}): string[] {
  return errorOf(() => load(document, environment)).problems.map(({ path, message }) => `${path}: ${message}`)
}

export function errorOf(action: () => unknown): DocumentError {
  try {
    action()
  } catch (error) {
    if (error instanceof DocumentError) return error
    throw error
  }
  throw new Error('expected a DocumentError')
}

export const examplesDirectory = new URL('../../../schemas/examples/', import.meta.url)
export const exampleNames = readdirSync(examplesDirectory).filter((name) => name.endsWith('.yaml'))

export function exampleText(name: string): string {
  return readFileSync(new URL(name, examplesDirectory), 'utf8')
}

/** What the examples take from the environment. */
export const exampleEnvironment: Environment = {
  SOURCE_KEY: 'source key',
  SOURCE_SECRET: 'source secret',
  SINK_KEY: 'sink key',
  SINK_SECRET: 'sink secret',
  TOKEN: 'a token',
  TASKS: '7',
  PW: 'a password',
  CATALOG_URL: 'http://127.0.0.1:8181',
}

/** The document with every key, as plain data. */
export function everyKey(): Plain {
  return parse(exampleText('every-key.yaml')) as Plain
}
