import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadDocuments } from '../../../src/spec/load.ts'
import type { ProcessorDocument } from '../../../src/spec/document.ts'
import type { S3Endpoint } from '../servers.ts'

/** One document with its own tables. */
export interface World {
  /** The document's file. */
  readonly file: string
  readonly document: ProcessorDocument
}

/** What the worlds of a test share or do not. */
export interface WorldOptions {
  readonly topics: readonly string[]
  /** `spec.source` without topics. */
  readonly source: object
  /** `spec.sink`. */
  readonly sink: object
  readonly parallelism?: number
  readonly commitIntervalSeconds?: number
  /** `spec.queue`. */
  readonly queue?: object
  /** `spec.maintenance`. */
  readonly maintenance?: object
}

/** Writes the document of a world into `directory`, which is made. */
export async function makeWorld(directory: string, options: WorldOptions): Promise<World> {
  await mkdir(directory, { recursive: true })
  const { topics, source, sink, queue, maintenance, parallelism = 1, commitIntervalSeconds = 60 } = options
  const text = JSON.stringify({
    apiVersion: 'kafscale.io/v1',
    kind: 'IcebergProcessor',
    metadata: { name: 'kill' },
    spec: {
      source: { topics, graceSeconds: 0, ...source },
      sink: { database: 'kill', ...sink },
      processing: { parallelism, commitIntervalSeconds, targetFileSizeBytes: 1_048_576, memoryLimitBytes: 436_207_616 },
      ...(queue !== undefined && { queue }),
      ...(maintenance !== undefined && { maintenance }),
    },
  })
  const file = join(directory, 'document.json')
  await writeFile(file, text)
  return { file, document: loadDocuments(text, file, {})[0] }
}

/** A SQLite catalog and a warehouse in a directory. */
export function sqliteSink(directory: string): object {
  return { catalog: { type: 'sql', endpoint: `sqlite:${join(directory, 'catalog.db')}`, warehouse: join(directory, 'warehouse') } }
}

/** A REST catalog; `database` keeps worlds apart. */
export function restSink(uri: string, s3: S3Endpoint, database: string): object {
  return { database, catalog: { type: 'rest', endpoint: uri }, storage: s3Settings(s3) }
}

export function s3Settings({ endpoint, region, accessKeyId, secretAccessKey }: S3Endpoint): object {
  return { endpoint, region, pathStyle: true, accessKeyId, secretAccessKey }
}
