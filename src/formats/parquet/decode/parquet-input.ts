import { columnChunk, columnMetaData, fileMetaData, integer, rowGroup, struct, structs } from '../footer-fields.ts'
import { keyValuesOf } from '../footer.ts'
import { readThriftStruct, type ThriftStruct } from '../thrift-compact.ts'
import { ChunkBytes, type RandomAccess } from './chunk-bytes.ts'
import type { Convert } from './convert.ts'
import { type FileGroup, type FileLeaf, fileSchema } from './file-schema.ts'
import { LeafReader } from './leaf-reader.ts'

/** What is read at the end of a file at first, in the hope that the whole footer is in it, bytes. */
const footerGuessBytes = 64 * 1024

/** A row group of a file. */
export interface InputRowGroup {
  readonly rows: number
  /** Of its first row, in the file. */
  readonly firstRow: number
  /** Before compression; as far as the footer tells. */
  readonly plainBytes: number
  /** A reader of one of its columns; `windowBytes` are read at a time. */
  open(leaf: FileLeaf, convert: Convert, windowBytes: number): LeafReader
}

/** A Parquet file to read by columns. */
export class ParquetInput {
  readonly root: FileGroup
  readonly leaves: readonly FileLeaf[]
  readonly keyValues: ReadonlyMap<string, string>
  readonly rowCount: number
  readonly rowGroups: readonly InputRowGroup[]

  private constructor(file: RandomAccess, footer: ThriftStruct) {
    const { root, leaves } = fileSchema(footer)
    this.root = root
    this.leaves = leaves
    this.keyValues = keyValuesOf({ tree: footer, body: { start: 4, end: 4 } })
    let firstRow = 0
    this.rowGroups = structs(footer, fileMetaData.rowGroups).flatMap((group) => {
      const rows = Number(integer(group, rowGroup.rowCount))
      const opened = inputRowGroup(file, group, rows, firstRow)
      firstRow += rows
      // Writers of no rows leave row groups whose pages lie nowhere.
      return rows === 0 ? [] : [opened]
    })
    this.rowCount = firstRow
  }

  /** Reads the footer, in one request or two. Throws what `slice` throws, and an Error where the bytes are no Parquet file. */
  static async open(file: RandomAccess): Promise<ParquetInput> {
    const end = file.byteLength
    if (end < 12) throw new RangeError(`parquet: a file of ${end} bytes is too short`)
    let tail = await file.slice(Math.max(0, end - footerGuessBytes), end)
    const magic = tail.subarray(-4)
    if (String.fromCharCode(...magic) === 'PARE') throw new Error('parquet: its footer is encrypted, which is not read here')
    if (String.fromCharCode(...magic) !== 'PAR1') throw new RangeError('parquet: the file does not end in PAR1')
    const length = new DataView(tail.buffer, tail.byteOffset + tail.length - 8).getUint32(0, true)
    if (length + 12 > end) throw new RangeError('parquet: the footer is longer than the file')
    if (length + 8 > tail.length) tail = await file.slice(end - length - 8, end)
    return new ParquetInput(file, readThriftStruct(tail.subarray(tail.length - length - 8, tail.length - 8)))
  }
}

function inputRowGroup(file: RandomAccess, group: ThriftStruct, rows: number, firstRow: number): InputRowGroup {
  const chunks = structs(group, rowGroup.columns)
  return {
    rows,
    firstRow,
    plainBytes: Number(integer(group, 2)),
    open(leaf, convert, windowBytes) {
      const chunk = chunks[leaf.index]
      if (chunk === undefined) throw new RangeError(`column ${leaf.path}: a row group lacks it`)
      if (chunk.fields.has(1)) throw new Error(`column ${leaf.path}: it is kept in another file, which is not read here`)
      if (!chunk.fields.has(columnChunk.metaData)) throw new Error(`column ${leaf.path}: it is encrypted, which is not read here`)
      const meta = struct(chunk, columnChunk.metaData)
      const data = Number(integer(meta, columnMetaData.dataPage))
      const dictionary = Number(integer(meta, columnMetaData.dictionaryPage))
      const start = dictionary > 0 && dictionary < data ? dictionary : data
      const end = start + Number(integer(meta, columnMetaData.compressedBytes))
      if (start < 4 || end > file.byteLength) throw new RangeError(`column ${leaf.path}: its pages lie outside the file`)
      const codec = Number(integer(meta, 4))
      // Values of pages that are not compressed lie where they were read.
      return new LeafReader(leaf, new ChunkBytes(file, start, end, windowBytes, codec !== 0), codec, convert)
    },
  }
}
