import {
  columnChunk,
  columnMetaData,
  fileMetaData,
  integer,
  rowGroup,
  schemaElement,
  statistics,
  struct,
  structs,
} from './footer-fields.ts'
import { readThriftStruct, thrift, type ThriftStruct, type ThriftValue, writeThriftStruct } from './thrift-compact.ts'

/**
 * The footer of a Parquet file (parquet.thrift, `FileMetaData`), edited as a tree so that everything the encoder wrote and we
 * do not touch stays as it was.
 */
export interface ParquetFooter {
  readonly tree: ThriftStruct
  /** Bytes between the leading magic and the end of the last column chunk. */
  readonly body: { readonly start: number; readonly end: number }
}

/** What one column chunk tells a manifest. */
export interface ChunkFacts {
  /** From the schema element; −1 where it has none. */
  readonly fieldId: number
  readonly compressedBytes: bigint
  /** Values at this leaf, nulls (and empty lists) included, as Parquet counts them. */
  readonly valueCount: bigint
  readonly nullCount: bigint
}

/** Reads the footer of a whole Parquet file. Throws a RangeError where the bytes are none. */
export function readFooter(file: Uint8Array): ParquetFooter {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const footerEnd = file.length - 8
  if (footerEnd < 4 || view.getUint32(footerEnd + 4) !== 0x50415231) throw new RangeError('parquet: the file does not end in PAR1')
  const footerStart = footerEnd - view.getUint32(footerEnd, true)
  if (footerStart < 4) throw new RangeError('parquet: the footer is longer than the file')
  const tree = readThriftStruct(file.subarray(footerStart, footerEnd))
  const end = structs(tree, fileMetaData.rowGroups)
    .flatMap((group) => structs(group, rowGroup.columns))
    .reduce((max, chunk) => {
      const meta = struct(chunk, columnChunk.metaData)
      return Math.max(max, Number(firstPage(meta) + integer(meta, columnMetaData.compressedBytes)))
    }, 4)
  return { tree, body: { start: 4, end } }
}

/** The row groups of a footer, moved by `shift` bytes and numbered from `ordinal`; page indexes, which hold absolute positions too, are left out. */
export function movedRowGroups(footer: ParquetFooter, shift: bigint, ordinal: number): ThriftStruct[] {
  return structs(footer.tree, fileMetaData.rowGroups).map((group, i) => {
    const columns = structs(group, rowGroup.columns).map((chunk) => {
      const fields = new Map(chunk.fields)
      for (const id of columnChunk.pageIndexes) fields.delete(id)
      const meta = new Map(struct(chunk, columnChunk.metaData).fields)
      for (const id of [columnMetaData.dataPage, columnMetaData.indexPage, columnMetaData.dictionaryPage]) {
        const at = meta.get(id)
        if (at?.type === 'i64') meta.set(id, thrift.i64(at.value + shift))
      }
      return thrift.struct(fields.set(columnChunk.metaData, thrift.struct(meta)))
    })
    if (columns.length === 0) throw new RangeError(`parquet: row group ${i} has no columns`)
    const fields = new Map(group.fields)
      .set(rowGroup.columns, thrift.structs(columns))
      .set(rowGroup.fileOffset, thrift.i64(firstPage(struct(columns[0], columnChunk.metaData))))
      .set(rowGroup.ordinal, { type: 'i16', value: BigInt(ordinal + i) })
    return thrift.struct(fields)
  })
}

/** Where each row group begins: the data file's split offsets. */
export function rowGroupOffsets(groups: readonly ThriftStruct[]): bigint[] {
  return groups.map((group) => integer(group, rowGroup.fileOffset))
}

/** Facts of every column chunk of a footer, in order of its leaves within each row group. Throws a RangeError where there is no null count. */
export function chunkFacts(footer: ParquetFooter): ChunkFacts[] {
  const ids = leafFieldIds(footer)
  return structs(footer.tree, fileMetaData.rowGroups).flatMap((group) =>
    structs(group, rowGroup.columns).map((chunk, leaf) => {
      const meta = struct(chunk, columnChunk.metaData)
      return {
        fieldId: ids[leaf],
        compressedBytes: integer(meta, columnMetaData.compressedBytes),
        valueCount: integer(meta, columnMetaData.valueCount),
        nullCount: nullCountOf(meta),
      }
    }),
  )
}

/**
 * The tail of a Parquet file: footer, its length, magic. The schema is taken from `template`, whose own key-value metadata
 * (`ARROW:schema`, which would speak over the Parquet types to some readers) is replaced by `keyValues`.
 */
export function writeTail(
  template: ParquetFooter,
  rowGroups: readonly ThriftStruct[],
  rowCount: bigint,
  keyValues: ReadonlyMap<string, string>,
): Uint8Array {
  const pairs = [...keyValues].map(([key, value]) =>
    thrift.struct([
      [1, thrift.text(key)],
      [2, thrift.text(value)],
    ]),
  )
  const fields = new Map(template.tree.fields)
    .set(fileMetaData.rowCount, thrift.i64(rowCount))
    .set(fileMetaData.rowGroups, thrift.structs(rowGroups))
  if (pairs.length > 0) fields.set(fileMetaData.keyValues, thrift.structs(pairs))
  else fields.delete(fileMetaData.keyValues)
  const footer = writeThriftStruct(thrift.struct(fields))
  const tail = new Uint8Array(footer.length + 8)
  tail.set(footer)
  const view = new DataView(tail.buffer)
  view.setUint32(footer.length, footer.length, true)
  view.setUint32(footer.length + 4, 0x50415231)
  return tail
}

/** The field id of each leaf in order, as column chunks stand in a row group; −1 where it has none. */
export function leafFieldIds(footer: ParquetFooter): number[] {
  return structs(footer.tree, fileMetaData.schema)
    .filter(({ fields }) => fields.get(schemaElement.childCount) === undefined)
    .map(({ fields }) => {
      const id = fields.get(schemaElement.fieldId)
      return id?.type === 'i32' ? Number(id.value) : -1
    })
}

/** The key-value metadata of a footer. */
export function keyValuesOf(footer: ParquetFooter): Map<string, string> {
  const text = (value: ThriftValue | undefined) => (value?.type === 'binary' ? new TextDecoder().decode(value.value) : '')
  return new Map(structs(footer.tree, fileMetaData.keyValues).map(({ fields }) => [text(fields.get(1)), text(fields.get(2))]))
}

/** A count that is not there must not become a 0: readers believe it. */
function nullCountOf(meta: ThriftStruct): bigint {
  const counted = meta.fields.get(columnMetaData.statistics)
  if (counted?.type !== 'struct' || !counted.fields.has(statistics.nullCount)) {
    throw new RangeError('parquet: a column chunk does not say how many nulls it has')
  }
  return integer(counted, statistics.nullCount)
}

function firstPage(meta: ThriftStruct): bigint {
  const data = integer(meta, columnMetaData.dataPage)
  const dictionary = meta.fields.get(columnMetaData.dictionaryPage)
  return dictionary?.type === 'i64' && dictionary.value > 0n && dictionary.value < data ? dictionary.value : data
}
