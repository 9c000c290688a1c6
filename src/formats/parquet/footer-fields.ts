import type { ThriftStruct } from './thrift-compact.ts'

/** The field ids of parquet.thrift, by the name of the struct that they belong to. */
export const fileMetaData = { schema: 2, rowCount: 3, rowGroups: 4, keyValues: 5 } as const
export const schemaElement = { childCount: 5, fieldId: 9, logicalType: 10 } as const
export const rowGroup = { columns: 1, rowCount: 3, fileOffset: 5, ordinal: 7 } as const
export const columnChunk = { metaData: 3, pageIndexes: [4, 5, 6, 7] } as const
export const columnMetaData = { valueCount: 5, compressedBytes: 7, dataPage: 9, indexPage: 10, dictionaryPage: 11, statistics: 12 } as const
export const statistics = { max: 1, min: 2, nullCount: 3, maxValue: 5, minValue: 6, isMaxExact: 7, isMinExact: 8 } as const
export const logicalType = { uuid: 14 } as const

/** A list of structs; empty where there is none. These three throw a RangeError for a field of another type. */
export function structs(parent: ThriftStruct, id: number): readonly ThriftStruct[] {
  const value = parent.fields.get(id)
  if (value === undefined) return []
  if (value.type !== 'list') throw new RangeError(`parquet: footer field ${id} is a ${value.type}, not a list`)
  return value.value.map((element) => {
    if (element.type !== 'struct') throw new RangeError(`parquet: footer field ${id} lists a ${element.type}, not structs`)
    return element
  })
}

/** A struct that must be there. */
export function struct(parent: ThriftStruct, id: number): ThriftStruct {
  const value = parent.fields.get(id)
  if (value?.type !== 'struct') throw new RangeError(`parquet: footer field ${id} is ${value?.type ?? 'missing'}, not a struct`)
  return value
}

/** An i32 or i64; 0 where there is none. */
export function integer(parent: ThriftStruct, id: number): bigint {
  const value = parent.fields.get(id)
  if (value === undefined) return 0n
  if (value.type !== 'i64' && value.type !== 'i32') throw new RangeError(`parquet: footer field ${id} is a ${value.type}, not an integer`)
  return value.value
}
