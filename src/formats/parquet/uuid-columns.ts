import type { IcebergType, Schema } from '../iceberg/schema.ts'
import { type ParquetFooter, leafFieldIds } from './footer.ts'
import {
  columnChunk,
  columnMetaData,
  fileMetaData,
  logicalType,
  rowGroup,
  schemaElement,
  statistics,
  struct,
  structs,
} from './footer-fields.ts'
import { thrift, type ThriftStruct, type ThriftValue } from './thrift-compact.ts'

const uuidType = thrift.struct([[logicalType.uuid, thrift.struct([])]])
const extremes = [statistics.max, statistics.min, statistics.maxValue, statistics.minValue, statistics.isMaxExact, statistics.isMinExact]

/** Ids of all that is a uuid in a schema, elements, keys and values included. */
export function uuidFieldIds(schema: Pick<Schema, 'fields'>): Set<number> {
  const ids = new Set<number>()
  const look = (id: number, type: IcebergType): void => {
    if (type === 'uuid') ids.add(id)
    if (typeof type === 'string') return
    if (type.type === 'struct') for (const field of type.fields) look(field.id, field.type)
    else if (type.type === 'list') look(type['element-id'], type.element)
    else {
      look(type['key-id'], type.key)
      look(type['value-id'], type.value)
    }
  }
  for (const { id, type } of schema.fields) look(id, type)
  return ids
}

/**
 * A footer whose columns of these field ids are UUIDs (parquet.thrift, `UUIDType`), and not just 16 bytes as Arrow knows them. The
 * smallest and largest value in their statistics are left out: they are ordered by unsigned bytes, and readers that compare
 * UUIDs as two signed numbers would skip row groups that hold what they look for (apache/iceberg#14216).
 */
export function withUuids(footer: ParquetFooter, ids: ReadonlySet<number>): ParquetFooter {
  if (ids.size === 0) return footer
  const schema = structs(footer.tree, fileMetaData.schema).map((element) =>
    isOneOf(ids, element.fields.get(schemaElement.fieldId)) ? changed(element, [[schemaElement.logicalType, uuidType]]) : element,
  )
  const leaves = leafFieldIds(footer)
  const groups = structs(footer.tree, fileMetaData.rowGroups).map((group) => {
    const chunks = structs(group, rowGroup.columns).map((chunk, leaf) => (ids.has(leaves[leaf]) ? withoutExtremes(chunk) : chunk))
    return changed(group, [[rowGroup.columns, thrift.structs(chunks)]])
  })
  const tree = changed(footer.tree, [
    [fileMetaData.schema, thrift.structs(schema)],
    [fileMetaData.rowGroups, thrift.structs(groups)],
  ])
  return { ...footer, tree }
}

function withoutExtremes(chunk: ThriftStruct): ThriftStruct {
  const meta = struct(chunk, columnChunk.metaData)
  const known = meta.fields.get(columnMetaData.statistics)
  if (known?.type !== 'struct') return chunk
  const kept = new Map(known.fields)
  for (const id of extremes) kept.delete(id)
  return changed(chunk, [[columnChunk.metaData, changed(meta, [[columnMetaData.statistics, thrift.struct(kept)]])]])
}

function isOneOf(ids: ReadonlySet<number>, id: ThriftValue | undefined): boolean {
  return id?.type === 'i32' && ids.has(Number(id.value))
}

function changed(parent: ThriftStruct, fields: readonly (readonly [number, ThriftValue])[]): ThriftStruct {
  return thrift.struct([...parent.fields, ...fields])
}
