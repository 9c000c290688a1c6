import { expect, test } from 'vitest'
import { avroSchemaToJson, parseAvroSchema } from '../../../../src/formats/avro/schema-json.ts'
import type { AvroRecord } from '../../../../src/formats/avro/schema.ts'

test('ids and logical types stand where the table specification wants them', () => {
  const schema: AvroRecord = {
    type: 'record',
    name: 'r2',
    fields: [
      {
        name: 'a',
        type: { type: 'union', branches: [{ type: 'null' }, { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true }] },
        default: null,
        'field-id': 5,
      },
      { name: 'b', type: { type: 'array', items: { type: 'int' }, 'element-id': 6 }, 'field-id': 7 },
      { name: 'c', type: { type: 'map', values: { type: 'string' }, 'key-id': 8, 'value-id': 9 }, 'field-id': 10 },
    ],
  }
  expect(avroSchemaToJson(schema)).toEqual({
    type: 'record',
    name: 'r2',
    fields: [
      { name: 'a', type: ['null', { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true }], default: null, 'field-id': 5 },
      { name: 'b', type: { type: 'array', items: 'int', 'element-id': 6 }, 'field-id': 7 },
      { name: 'c', type: { type: 'map', values: 'string', 'key-id': 8, 'value-id': 9 }, 'field-id': 10 },
    ],
  })
})

test('a named type is defined once and referred to from then on, and read back as its definition', () => {
  const four = { type: 'fixed', name: 'four', size: 4 } as const
  const schema: AvroRecord = { type: 'record', name: 'r', fields: ['a', 'b'].map((name) => ({ name, type: four })) }
  const json = avroSchemaToJson(schema)
  expect(json).toEqual({
    type: 'record',
    name: 'r',
    fields: [
      { name: 'a', type: four },
      { name: 'b', type: 'four' },
    ],
  })
  expect(parseAvroSchema(json)).toEqual(schema)
})

test('two types of one name are refused', () => {
  const fields = [4, 5].map((size) => ({ name: `f${size}`, type: { type: 'fixed', name: 'same', size } as const }))
  expect(() => avroSchemaToJson({ type: 'record', name: 'r', fields })).toThrow(/two different types are named same/)
})

test('names are found in the namespace of the record around them', () => {
  const json = {
    type: 'record',
    name: 'r',
    namespace: 'org.example',
    fields: [
      { name: 'a', type: { type: 'fixed', name: 'four', size: 4 } },
      { name: 'b', type: 'four' },
      { name: 'c', type: 'org.example.four' },
    ],
  }
  const parsed = parseAvroSchema(json) as AvroRecord
  expect(parsed.fields.map((field) => field.type)).toEqual(Array.from({ length: 3 }, () => ({ type: 'fixed', name: 'four', size: 4 })))
})

test.each<[unknown, RegExp]>([
  ['strin', /avro schema: expected a primitive type or the name of a type defined before, found "strin"/],
  [null, /avro schema: expected a schema, found null/],
  [{ type: 'record', name: 'r', fields: [{ name: 'a', type: 'nope' }] }, /avro schema.fields\[0\].type: expected a primitive/],
  [{ type: 'record', name: 'r', fields: {} }, /expected fields, an array/],
  [{ type: 'record', fields: [] }, /expected name, a string/],
  [{ type: 'fixed', name: 'f', size: -1 }, /expected size, a size in bytes/],
  [{ type: 'enum', name: 'e', symbols: [1] }, /expected symbols/],
  [['null', { type: 'array' }], /avro schema\[1\].items: expected a schema/],
  [{ type: 'record', name: 'r', fields: [{ name: 'a', type: { type: 'fixed', name: 'r', size: 1 } }] }, /r is defined twice/],
])('a malformed schema is refused with its place: %j', (json, message) => {
  expect(() => parseAvroSchema(json)).toThrow(message)
})

test('a schema nested without end is refused', () => {
  let json: unknown = 'long'
  for (let i = 0; i < 100; i++) json = { type: 'array', items: json }
  expect(() => parseAvroSchema(json)).toThrow(/nested deeper than 64/)
})
