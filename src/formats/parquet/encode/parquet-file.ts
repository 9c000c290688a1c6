import type { NestedField } from '../../iceberg/schema.ts'
import type { AssembledFile } from '../file-assembler.ts'
import { thrift, type ThriftStruct, writeThriftStruct } from '../thrift-compact.ts'
import { type LeafFacts, withChunk } from './leaf-facts.ts'
import { rowGroupMetadata } from './row-group-metadata.ts'
import type { EncodedRowGroup } from './row-group-writer.ts'
import { leavesOf, schemaElements } from './schema-elements.ts'

/** What there is to say of a file. */
export interface EncodedFile extends AssembledFile {
  readonly leaves: ReadonlyMap<number, LeafFacts>
}

/**
 * One Parquet file made of encoded row groups: `start`, then `add` for each, then `finish`; the chunks that they return, in order,
 * are the file. Holds metadata only. A file without rows has no row groups, and is whole all the same.
 */
export class ParquetFile {
  readonly #fields: readonly NestedField[]
  readonly #groups: ThriftStruct[] = []
  readonly #splitOffsets: bigint[] = []
  readonly #leaves = new Map<number, LeafFacts>()
  #rows = 0n
  #size = 0n

  constructor(fields: readonly NestedField[]) {
    this.#fields = fields
  }

  /** Bytes handed out so far. */
  get size(): number {
    return Number(this.#size)
  }

  /** The leading magic. */
  start(): Uint8Array {
    this.#size = 4n
    return Uint8Array.of(0x50, 0x41, 0x52, 0x31)
  }

  /** The bytes of a row group of the file's schema; none where it has no rows. */
  add(group: EncodedRowGroup): readonly Uint8Array[] {
    if (group.rowCount === 0) return []
    this.#groups.push(rowGroupMetadata(group, this.#size, this.#groups.length))
    this.#splitOffsets.push(this.#size)
    for (const chunk of group.columns) {
      this.#leaves.set(chunk.leaf.fieldId, withChunk(this.#leaves.get(chunk.leaf.fieldId), chunk))
      this.#size += BigInt(chunk.compressedBytes)
    }
    this.#rows += BigInt(group.rowCount)
    return group.columns.flatMap(({ parts }) => parts)
  }

  /** The footer (parquet.thrift, `FileMetaData`), its length and the magic, with `keyValues` as the file's metadata. */
  finish(keyValues: ReadonlyMap<string, string>): { tail: Uint8Array; file: EncodedFile } {
    const footer = writeThriftStruct(this.#metadata(keyValues))
    const tail = new Uint8Array(footer.length + 8)
    tail.set(footer)
    const view = new DataView(tail.buffer)
    view.setUint32(footer.length, footer.length, true)
    view.setUint32(footer.length + 4, 0x50415231)
    this.#size += BigInt(tail.length)
    return { tail, file: { size: this.#size, rowCount: this.#rows, splitOffsets: this.#splitOffsets, leaves: this.#leaves } }
  }

  #metadata(keyValues: ReadonlyMap<string, string>): ThriftStruct {
    const pairs = [...keyValues].map(([key, value]) =>
      thrift.struct([
        [1, thrift.text(key)],
        [2, thrift.text(value)],
      ]),
    )
    // TypeDefinedOrder for every leaf: without it, readers do not trust the bounds of strings.
    const order = thrift.struct([[1, thrift.struct([])]])
    const metadata = new Map([
      [1, thrift.i32(1)],
      [2, thrift.structs(schemaElements(this.#fields))],
      [3, thrift.i64(this.#rows)],
      [4, thrift.structs(this.#groups)],
      [6, thrift.text('iceberg-processor')],
      [7, thrift.structs(leavesOf(this.#fields).map(() => order))],
    ])
    if (pairs.length > 0) metadata.set(5, thrift.structs(pairs))
    return thrift.struct(metadata)
  }
}
