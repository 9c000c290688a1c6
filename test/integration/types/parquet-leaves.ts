import type { IcebergType, NestedField } from '../../../src/formats/iceberg/schema.ts'

/** A primitive column of a Parquet file. `ids`: the field ids on the way to it. */
export interface ParquetLeaf {
  readonly path: string
  readonly ids: readonly number[]
  readonly physical: string
  /** As pyarrow prints it. */
  readonly logical: string
}

/** The columns that a data file of these fields has (table specification, appendix A, "Parquet"). */
export function parquetLeaves(fields: readonly NestedField[]): ParquetLeaf[] {
  return fields.flatMap(({ id, name, type }) => leavesOf(type, name, [id]))
}

function leavesOf(type: IcebergType, path: string, ids: readonly number[]): ParquetLeaf[] {
  if (typeof type === 'string') return [{ path, ids, ...parquetType(type) }]
  switch (type.type) {
    case 'struct':
      return type.fields.flatMap((field) => leavesOf(field.type, `${path}.${field.name}`, [...ids, field.id]))
    case 'list':
      return leavesOf(type.element, `${path}.list.element`, [...ids, type['element-id']])
    case 'map':
      return [
        ...leavesOf(type.key, `${path}.key_value.key`, [...ids, type['key-id']]),
        ...leavesOf(type.value, `${path}.key_value.value`, [...ids, type['value-id']]),
      ]
    default:
      return type satisfies never
  }
}

function parquetType(type: string): { physical: string; logical: string } {
  const micros = (name: string, isAdjustedToUTC: boolean) =>
    `${name}(isAdjustedToUTC=${isAdjustedToUTC}, timeUnit=microseconds${name === 'Timestamp' ? ', is_from_converted_type=false, force_set_converted_type=false' : ''})`
  switch (type) {
    case 'boolean':
      return { physical: 'BOOLEAN', logical: 'None' }
    case 'int':
      return { physical: 'INT32', logical: 'None' }
    case 'long':
      return { physical: 'INT64', logical: 'None' }
    case 'float':
      return { physical: 'FLOAT', logical: 'None' }
    case 'double':
      return { physical: 'DOUBLE', logical: 'None' }
    case 'string':
      return { physical: 'BYTE_ARRAY', logical: 'String' }
    case 'binary':
      return { physical: 'BYTE_ARRAY', logical: 'None' }
    case 'uuid':
      return { physical: 'FIXED_LEN_BYTE_ARRAY', logical: 'UUID' }
    case 'date':
      return { physical: 'INT32', logical: 'Date' }
    case 'time':
      return { physical: 'INT64', logical: micros('Time', false) }
    case 'timestamp':
      return { physical: 'INT64', logical: micros('Timestamp', false) }
    case 'timestamptz':
      return { physical: 'INT64', logical: micros('Timestamp', true) }
    default: {
      const [, precision, scale] = /^decimal\((\d+), ?(\d+)\)$/.exec(type) ?? []
      if (precision === undefined) throw new TypeError(`no Parquet type is expected for ${type}`)
      const physical = Number(precision) <= 9 ? 'INT32' : Number(precision) <= 18 ? 'INT64' : 'FIXED_LEN_BYTE_ARRAY'
      return { physical, logical: `Decimal(precision=${precision}, scale=${scale})` }
    }
  }
}
