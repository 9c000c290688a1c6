import type { IcebergType, NestedField } from '../formats/iceberg/schema.ts'
import { icebergType } from './iceberg-type.ts'
import type { DecidedValue } from './value-column.ts'

/** Which column is called what, and what the values become; null where only records will tell. */
export interface TableColumns {
  readonly columns: Readonly<
    Partial<Record<'topic' | 'partition' | 'offset' | 'timestamp' | 'key' | 'headers' | 'value' | 'rescue' | 'recordId', string>>
  >
  readonly keyFormat: 'binary' | 'string'
  readonly value: DecidedValue | null
}

/**
 * The columns of a table that is created, as far as they are known, with ids of their own. With a record's id, they are those of KafScale's
 * Go processor, in its order.
 */
export function tableFields({ columns, keyFormat, value }: TableColumns): NestedField[] {
  let lastId = 0
  const nextId = () => ++lastId
  const fields: NestedField[] = []
  const add = (name: string | undefined, required: boolean, type: () => IcebergType, doc?: string) => {
    if (name !== undefined) fields.push({ id: nextId(), name, required, type: type(), ...(doc !== undefined && { doc }) })
  }
  if (columns.recordId !== undefined) {
    add(columns.recordId, true, () => 'string')
    add(columns.topic, true, () => 'string')
    add(columns.partition, true, () => 'int')
    add(columns.offset, true, () => 'long')
    add(columns.timestamp, true, () => 'long')
    for (const name of [columns.key, columns.value]) add(name, false, () => 'binary')
    add(columns.headers, false, () => 'string')
    if (value?.format === 'json') for (const { name, required, type } of value.columns) add(name, required, () => icebergType(type, nextId))
    return fields
  }
  add(columns.topic, true, () => 'string', 'Kafka topic')
  add(columns.partition, true, () => 'int', 'Kafka partition')
  add(columns.offset, true, () => 'long', 'Kafka offset')
  add(columns.timestamp, false, () => 'timestamptz', 'Kafka timestamp; null when the record has none')
  add(columns.key, false, () => keyFormat, 'Kafka record key')
  add(columns.headers, false, () => headersType(nextId), 'Kafka record headers, in order')
  if (value === null) return fields
  if (value.format === 'json') {
    for (const { name, required, type } of value.columns) add(name, required, () => icebergType(type, nextId))
    add(columns.rescue, false, () => 'string', 'What the columns of the value can not hold: JSON object from path to JSON text')
  } else {
    const { format } = value
    add(columns.value, false, () => format, 'Kafka record value; null: a tombstone')
  }
  return fields
}

function headersType(id: () => number): IcebergType {
  return {
    type: 'list',
    'element-id': id(),
    'element-required': true,
    element: {
      type: 'struct',
      fields: [
        { id: id(), name: 'key', required: true, type: 'string' },
        { id: id(), name: 'value', required: false, type: 'binary' },
      ],
    },
  }
}
