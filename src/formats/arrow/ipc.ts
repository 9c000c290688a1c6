import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeBinary,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  makeData,
  Map_,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema as ArrowSchema,
  Struct,
  TimeMicrosecond,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow'
import type { IcebergType, NestedField, Schema } from '../iceberg/schema.ts'
import type { ColumnBatch, Vector } from './vector.ts'

/** Where Arrow-based writers look for the field id of a Parquet schema element. */
const fieldIdKey = 'PARQUET:field_id'

/** The Arrow schema of an Iceberg struct, with the field id at every level and Parquet's canonical names inside lists and maps. */
export function arrowSchema(schema: Pick<Schema, 'fields'>): ArrowSchema {
  return new ArrowSchema(schema.fields.map(arrowField))
}

/**
 * Encodes columns as an Arrow IPC stream (Arrow format, "IPC Streaming Format").
 * The batch's columns stand in the order of the schema's fields. Copies once: the vectors may be reused afterwards.
 */
export function encodeIpcStream(schema: ArrowSchema, batch: ColumnBatch): Uint8Array {
  const children = schema.fields.map((field, i) => arrowData(field.type, batch.columns[i]))
  const data = makeData({ type: new Struct(schema.fields), length: batch.length, nullCount: 0, children })
  const writer = new RecordBatchStreamWriter()
  writer.write(new RecordBatch(schema, data))
  writer.close()
  return writer.toUint8Array(true)
}

function arrowField(field: NestedField): Field {
  return new Field(field.name, arrowType(field.type), !field.required, new Map([[fieldIdKey, String(field.id)]]))
}

function nested(id: number, name: string, required: boolean, type: IcebergType): Field {
  return arrowField({ id, name, required, type })
}

function mapType(key: Field, value: Field): Map_ {
  const entries = new Field('key_value', new Struct([key, value]), false)
  const map = new Map_(entries as never)
  // The constructor renames its entries to what Arrow calls them.
  return Object.assign(map, { children: [entries.clone({ name: 'key_value' })] })
}

function arrowType(type: IcebergType): DataType {
  if (typeof type !== 'string') {
    switch (type.type) {
      case 'struct':
        return new Struct(type.fields.map(arrowField))
      case 'list':
        return new List(nested(type['element-id'], 'element', type['element-required'], type.element))
      case 'map':
        return mapType(nested(type['key-id'], 'key', true, type.key), nested(type['value-id'], 'value', type['value-required'], type.value))
    }
  }
  switch (type) {
    case 'boolean':
      return new Bool()
    case 'int':
      return new Int32()
    case 'long':
      return new Int64()
    case 'float':
      return new Float32()
    case 'double':
      return new Float64()
    case 'date':
      return new DateDay()
    case 'time':
      return new TimeMicrosecond()
    case 'timestamp':
      return new TimestampMicrosecond()
    case 'timestamptz':
      return new TimestampMicrosecond('UTC')
    case 'string':
      return new Utf8()
    case 'binary':
      return new Binary()
    case 'uuid':
      return new FixedSizeBinary(16)
    default: {
      const decimal = /^decimal\((\d+), *(\d+)\)$/.exec(type)
      if (decimal !== null) return new Decimal(Number(decimal[2]), Number(decimal[1]))
      const fixed = /^fixed\[(\d+)\]$/.exec(type)
      if (fixed !== null) return new FixedSizeBinary(Number(fixed[1]))
      throw new RangeError(`Iceberg type ${type} has no Arrow type here`)
    }
  }
}

function arrowData(type: DataType, vector: Vector): ReturnType<typeof makeData> {
  const slots = { length: vector.length, nullCount: vector.nullCount, nullBitmap: vector.validity ?? undefined }
  switch (vector.layout) {
    case 'fixed':
      return makeData({ type: type as Int32, ...slots, data: vector.values as never })
    case 'boolean':
      return makeData({ type: type as Bool, ...slots, data: vector.values })
    case 'bytes':
      return makeData({ type: type as Utf8, ...slots, valueOffsets: vector.offsets, data: vector.data })
    case 'decimal':
      return makeData({
        type: type as Decimal,
        ...slots,
        data: new Uint32Array(vector.values.buffer, vector.values.byteOffset, vector.length * 4),
      })
    case 'fixed-bytes':
      return makeData({ type: type as FixedSizeBinary, ...slots, data: vector.data })
    case 'map': {
      const entries = (type as Map_).children[0].type
      const children = [arrowData(entries.children[0].type, vector.keys), arrowData(entries.children[1].type, vector.values)]
      const child = makeData({ type: entries, length: vector.keys.length, nullCount: 0, children: children as never })
      return makeData({ type: type as Map_, ...slots, valueOffsets: vector.offsets, child: child as never })
    }
    case 'list':
      return makeData({
        type: type as List,
        ...slots,
        valueOffsets: vector.offsets,
        child: arrowData((type as List).children[0].type, vector.element) as never,
      })
    case 'struct':
      return makeData({
        type: type as Struct,
        ...slots,
        children: vector.children.map((child, i) => arrowData((type as Struct).children[i].type, child)) as never,
      })
  }
}
