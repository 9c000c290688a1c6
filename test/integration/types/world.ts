import { join } from 'node:path'
import type { ProcessorDocument } from '../../../src/spec/document.ts'
import { textOf } from '../canonical.ts'
import { addSegment, documentOf, restOnS3, runOnce } from '../program.ts'
import { tables, type TypedTable } from './columns.ts'
import { filesOf } from './rows.ts'

export const tableNames = Object.keys(tables) as readonly TypedTable[]

/**
 * Writes the tables about types the way that users do: segments of JSON documents in `directory`, a document that declares the columns,
 * one run for each file. Throws where a run fails.
 */
export async function writeTypedTables(
  directory: string,
  database: string,
  properties: Readonly<Record<string, string>> = {},
): Promise<ProcessorDocument> {
  const bucket = join(directory, database)
  const document = documentOf({
    place: restOnS3(),
    source: { directory: bucket },
    database,
    tables: { properties },
    mappings: tableNames.map((topic) => ({
      topic,
      value: { format: 'json', columns: tables[topic].map(({ name, type, kind: { unit } }) => ({ name, type, ...(unit && { unit }) })) },
    })),
  })
  for (let file = 0; file < filesOf('plain').length; file++) {
    for (const topic of tableNames) {
      const rows = filesOf(topic)[file]
      const records = rows.map((row) => ({ value: row.document === null ? null : Buffer.from(row.document) }))
      await addSegment(bucket, { topic, partition: 0 }, BigInt(textOf(rows[0].row.kafka_offset)), records)
    }
    const { ok, errors } = await runOnce(document)
    if (!ok || errors !== '') throw new Error(`the run for file ${file} failed: ${errors}`)
  }
  return document
}
