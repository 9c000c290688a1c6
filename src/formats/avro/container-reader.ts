import { inflateRawSync, zstdDecompressSync } from 'node:zlib'
import { ByteSource } from './byte-source.ts'
import { parseAvroSchema } from './schema-json.ts'
import { AvroError } from './schema.ts'
import type { AvroSchema, AvroValue } from './schema.ts'
import { ValueReader } from './value-reader.ts'

export interface Container {
  /** The schema that the file was written with. */
  readonly schema: AvroSchema
  /** The file's metadata, `avro.schema` and `avro.codec` included. */
  readonly metadata: ReadonlyMap<string, Uint8Array>
  /** Decoded as they are taken, once: a block is inflated at a time. Throws an AvroError that names the block and byte position. */
  readonly records: Generator<AvroValue, void, undefined>
}

type Decompress = (bytes: Uint8Array, maxBytes: number) => Uint8Array

const codecs: ReadonlyMap<string, Decompress> = new Map<string, Decompress>([
  ['null', (bytes) => bytes],
  ['deflate', (bytes, maxOutputLength) => inflateRawSync(bytes, { maxOutputLength })],
  ['zstandard', (bytes, maxOutputLength) => zstdDecompressSync(bytes, { maxOutputLength })],
])

/**
 * Opens an object container file (grammar: `container-writer.ts`) to be read by the schema in it; codecs null, deflate and zstandard.
 * A record takes at least one byte: files of records that take none are refused, as their count would be unbounded.
 * @param maxInflatedBytes bound on the sum of all decompressed blocks
 * @throws AvroError that names the byte position, for whatever bytes it is given.
 */
export function openContainer(bytes: Uint8Array, maxInflatedBytes = 512 * 1024 * 1024): Container {
  const file = new ByteSource(bytes, '')
  if (file.remaining < 4 || !file.raw(4).every((byte, i) => byte === magic[i])) {
    throw new AvroError('avro: byte 0: expected an object container file (magic "Obj" 0x01), found other bytes')
  }
  const metadata = new Map<string, Uint8Array>()
  for (let count = file.blockCount(); count > 0; count = file.blockCount())
    for (let i = 0; i < count; i++) metadata.set(file.string(), file.bytes())
  const schema = readSchema(metadata.get('avro.schema'))
  const codec = new TextDecoder().decode(metadata.get('avro.codec') ?? new Uint8Array()) || 'null'
  const decompress = codecs.get(codec) ?? file.fail(`codec "${codec.slice(0, 32)}" is not one of ${[...codecs.keys()].join(', ')}`)
  const syncMarker = file.raw(16)

  function* records(): Generator<AvroValue, void, undefined> {
    let left = maxInflatedBytes
    for (let number = 0; file.remaining > 0; number++) {
      const start = file.position
      const count = file.long()
      const stored = file.bytes()
      const data = inflate(stored, `block ${number} (at byte ${start})`, decompress, left)
      left -= data.length
      const block = new ByteSource(data, `block ${number} (at byte ${start})`)
      if (count < 0n || count > BigInt(data.length)) block.fail(`expected at most ${data.length} records in as many bytes, found ${count}`)
      const reader = new ValueReader(block)
      for (let i = 0n; i < count; i++) yield reader.read(schema)
      if (block.remaining > 0) block.fail(`${block.remaining} bytes are left after the last record`)
      if (!file.raw(16).every((byte, i) => byte === syncMarker[i])) file.fail(`block ${number} does not end in the file's sync marker`)
    }
  }
  return { schema, metadata, records: records() }
}

/** All of an object container file, as `openContainer` reads it. */
export function readContainer(
  bytes: Uint8Array,
  maxInflatedBytes?: number,
): Omit<Container, 'records'> & { readonly records: readonly AvroValue[] } {
  const container = openContainer(bytes, maxInflatedBytes)
  return { ...container, records: [...container.records] }
}

const magic = [0x4f, 0x62, 0x6a, 0x01]

function readSchema(json: Uint8Array | undefined): AvroSchema {
  if (json === undefined) throw new AvroError('avro: the metadata lacks avro.schema')
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder().decode(json))
  } catch {
    throw new AvroError('avro: avro.schema in the metadata is no JSON')
  }
  return parseAvroSchema(parsed)
}

function inflate(stored: Uint8Array, name: string, decompress: Decompress, left: number): Uint8Array {
  if (left <= 0) throw new AvroError(`avro: ${name}: the file's blocks are larger than the bound`)
  try {
    const data = decompress(stored, left)
    // zlib answers with Buffers, whose slices would be Buffers too.
    return new Uint8Array(data.buffer, data.byteOffset, data.length)
  } catch (cause) {
    throw new AvroError(`avro: ${name}: can not be decompressed within ${left} bytes`, { cause })
  }
}
