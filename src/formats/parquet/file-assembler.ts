import { chunkFacts, movedRowGroups, type ParquetFooter, readFooter, rowGroupOffsets, writeTail } from './footer.ts'
import type { Schema } from '../iceberg/schema.ts'
import type { ThriftStruct } from './thrift-compact.ts'
import { uuidFieldIds, withUuids } from './uuid-columns.ts'

/** Totals of one leaf column over a whole file. */
export interface LeafTotals {
  readonly compressedBytes: bigint
  readonly valueCount: bigint
  readonly nullCount: bigint
}

export interface AssembledFile {
  /** Exact size, bytes. */
  readonly size: bigint
  readonly rowCount: bigint
  /** Position of each row group, ascending. */
  readonly splitOffsets: readonly bigint[]
  /** By field id. */
  readonly leaves: ReadonlyMap<number, LeafTotals>
}

/**
 * Joins row groups that were encoded one by one into one Parquet file: `start`, then `add` for each, then `finish`; the chunks
 * they return, in order, are the file. Holds footers only, so the size of the file costs no memory.
 */
export class ParquetFileAssembler {
  readonly #uuids: ReadonlySet<number>
  #template: ParquetFooter | undefined
  #groups: ThriftStruct[] = []
  #leaves = new Map<number, LeafTotals>()
  #rows = 0n
  #size = 0n

  /** `schema`: that of the row groups. */
  constructor(schema: Pick<Schema, 'fields'>) {
    this.#uuids = uuidFieldIds(schema)
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

  /** `encoded`: a complete Parquet file of the same schema. `rows`: how many rows it has. Returns its pages. */
  add(encoded: Uint8Array, rows: number): Uint8Array {
    const footer = withUuids(readFooter(encoded), this.#uuids)
    this.#template ??= footer
    this.#groups.push(...movedRowGroups(footer, this.#size - BigInt(footer.body.start), this.#groups.length))
    for (const { fieldId, ...facts } of chunkFacts(footer)) {
      const sum = this.#leaves.get(fieldId)
      this.#leaves.set(fieldId, {
        compressedBytes: facts.compressedBytes + (sum?.compressedBytes ?? 0n),
        valueCount: facts.valueCount + (sum?.valueCount ?? 0n),
        nullCount: facts.nullCount + (sum?.nullCount ?? 0n),
      })
    }
    const body = encoded.subarray(footer.body.start, footer.body.end)
    this.#rows += BigInt(rows)
    this.#size += BigInt(body.length)
    return body
  }

  /** The footer, with `keyValues` as the file's metadata. Throws where no row group was added. */
  finish(keyValues: ReadonlyMap<string, string>): { tail: Uint8Array; file: AssembledFile } {
    if (this.#template === undefined) throw new RangeError('parquet: a file without row groups has no schema')
    const tail = writeTail(this.#template, this.#groups, this.#rows, keyValues)
    this.#size += BigInt(tail.length)
    return { tail, file: { size: this.#size, rowCount: this.#rows, splitOffsets: rowGroupOffsets(this.#groups), leaves: this.#leaves } }
  }
}
