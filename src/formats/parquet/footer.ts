import { readThriftStruct, thrift, type ThriftStruct, type ThriftValue, writeThriftStruct } from './thrift-compact.ts'

/**
 * The footer of a Parquet file (parquet.thrift, `FileMetaData`), edited as a tree so that everything the encoder wrote and we
 * do not touch stays as it was. Ids below are the field ids of parquet.thrift.
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

const fileMetaData = { schema: 2, rowCount: 3, rowGroups: 4, keyValues: 5 } as const
const schemaElement = { name: 4, childCount: 5, fieldId: 9 } as const
const rowGroup = { columns: 1, rowCount: 3, fileOffset: 5, ordinal: 7 } as const
const columnChunk = { metaData: 3, pageIndexes: [4, 5, 6, 7] } as const
const columnMetaData = { valueCount: 5, compressedBytes: 7, dataPage: 9, indexPage: 10, dictionaryPage: 11, statistics: 12 } as const
const statistics = { nullCount: 3 } as const

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

/** Facts of every column chunk of a footer, in order of its leaves within each row group. */
export function chunkFacts(footer: ParquetFooter): ChunkFacts[] {
  const ids = leafFieldIds(structs(footer.tree, fileMetaData.schema))
  return structs(footer.tree, fileMetaData.rowGroups).flatMap((group) =>
    structs(group, rowGroup.columns).map((chunk, leaf) => {
      const meta = struct(chunk, columnChunk.metaData)
      const counted = meta.fields.get(columnMetaData.statistics)
      return {
        fieldId: ids[leaf],
        compressedBytes: integer(meta, columnMetaData.compressedBytes),
        valueCount: integer(meta, columnMetaData.valueCount),
        nullCount: counted?.type === 'struct' ? integer(counted, statistics.nullCount) : 0n,
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

/** The key-value metadata of a footer. */
export function keyValuesOf(footer: ParquetFooter): Map<string, string> {
  const text = (value: ThriftValue | undefined) => (value?.type === 'binary' ? new TextDecoder().decode(value.value) : '')
  return new Map(structs(footer.tree, fileMetaData.keyValues).map(({ fields }) => [text(fields.get(1)), text(fields.get(2))]))
}

function leafFieldIds(elements: readonly ThriftStruct[]): number[] {
  return elements
    .filter(({ fields }) => fields.get(schemaElement.childCount) === undefined)
    .map(({ fields }) => {
      const id = fields.get(schemaElement.fieldId)
      return id?.type === 'i32' ? Number(id.value) : -1
    })
}

function firstPage(meta: ThriftStruct): bigint {
  const data = integer(meta, columnMetaData.dataPage)
  const dictionary = meta.fields.get(columnMetaData.dictionaryPage)
  return dictionary?.type === 'i64' && dictionary.value > 0n && dictionary.value < data ? dictionary.value : data
}

function structs(parent: ThriftStruct, id: number): readonly ThriftStruct[] {
  const value = parent.fields.get(id)
  if (value === undefined) return []
  if (value.type !== 'list') throw new RangeError(`parquet: footer field ${id} is a ${value.type}, not a list`)
  return value.value.map((element) => {
    if (element.type !== 'struct') throw new RangeError(`parquet: footer field ${id} lists a ${element.type}, not structs`)
    return element
  })
}

function struct(parent: ThriftStruct, id: number): ThriftStruct {
  const value = parent.fields.get(id)
  if (value?.type !== 'struct') throw new RangeError(`parquet: footer field ${id} is ${value?.type ?? 'missing'}, not a struct`)
  return value
}

function integer(parent: ThriftStruct, id: number): bigint {
  const value = parent.fields.get(id)
  if (value === undefined) return 0n
  if (value.type !== 'i64' && value.type !== 'i32') throw new RangeError(`parquet: footer field ${id} is a ${value.type}, not an integer`)
  return value.value
}
