import { deflateRawSync } from 'node:zlib'
import { ByteSink } from './byte-sink.ts'
import { avroSchemaToJson } from './schema-json.ts'
import { AvroError } from './schema.ts'
import type { AvroSchema, AvroValue } from './schema.ts'
import { writeAvroValue } from './value-writer.ts'

/** Uncompressed bytes after which a block is closed. */
const blockBytes = 64 * 1024

export interface ContainerContents {
  readonly schema: AvroSchema
  /** Keys and text for the file's metadata, beside `avro.schema` and `avro.codec`, which the writer sets. */
  readonly metadata: Readonly<Record<string, string>>
  readonly records: Iterable<AvroValue>
  /** 16 random bytes. */
  readonly syncMarker: Uint8Array
}

/**
 * An object container file (Avro specification 1.12, "Object Container Files"), blocks compressed with `deflate`:
 *
 *     file   := "Obj" 0x01, metadata (a map of bytes), sync marker, block*
 *     block  := long count of records, long size in bytes, raw deflate of the records, sync marker
 *
 * @throws AvroError where a record does not fit the schema, naming its number and field.
 */
export function writeContainer(contents: ContainerContents): Uint8Array {
  const { schema, metadata, records, syncMarker } = contents
  if (syncMarker.length !== 16) throw new AvroError(`avro: a sync marker has 16 bytes, found ${syncMarker.length}`)
  const out = new ByteSink()
  out.raw(Uint8Array.of(0x4f, 0x62, 0x6a, 0x01))
  const entries = Object.entries({ 'avro.schema': JSON.stringify(avroSchemaToJson(schema)), 'avro.codec': 'deflate', ...metadata })
  out.int(entries.length)
  for (const [key, value] of entries) {
    out.string(key)
    out.string(value)
  }
  out.int(0)
  out.raw(syncMarker)

  const block = new ByteSink()
  let inBlock = 0
  const closeBlock = (): void => {
    if (inBlock === 0) return
    out.int(inBlock)
    out.bytes(deflateRawSync(block.written()))
    out.raw(syncMarker)
    block.clear()
    inBlock = 0
  }
  let number = 0
  for (const record of records) {
    try {
      writeAvroValue(block, schema, record)
    } catch (error) {
      if (error instanceof AvroError) throw new AvroError(`avro record ${number}: ${error.message}`)
      throw error
    }
    number++
    inBlock++
    if (block.length >= blockBytes) closeBlock()
  }
  closeBlock()
  return out.written().slice()
}
