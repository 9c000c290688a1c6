import fc from 'fast-check'
import { assignFreshIds } from '../../../../src/formats/iceberg/field-ids.ts'
import { parsePrimitive } from '../../../../src/formats/iceberg/primitive-type.ts'
import type { IcebergType, NestedField, PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'

const microsPerDay = 86_400_000_000n

/** One of each primitive type of format version 2; decimals of each width that Parquet has. */
export const everyPrimitive: readonly PrimitiveType[] = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
  'fixed[5]',
  'decimal(9, 2)',
  'decimal(18, 0)',
  'decimal(19, 19)',
  'decimal(38, 10)',
]

/** Fields of any types, nested or not, required or not, with ids of their own. */
export function anyFields(): fc.Arbitrary<readonly NestedField[]> {
  const { type } = fc.letrec<{ type: IcebergType }>((tie) => ({
    type: fc.oneof({ maxDepth: 3, withCrossShrink: true }, fc.constantFrom(...everyPrimitive), nestedType(tie('type'))),
  }))
  return fieldsOf(type, 3).map((fields) => assignFreshIds({ type: 'struct', 'schema-id': 0, fields }).schema.fields)
}

function nestedType(type: fc.Arbitrary<IcebergType>): fc.Arbitrary<IcebergType> {
  return fc.oneof(
    fieldsOf(type, 3).map((fields): IcebergType => ({ type: 'struct', fields })),
    fc.record({
      type: fc.constant('list' as const),
      'element-id': fc.constant(0),
      'element-required': fc.boolean(),
      element: type,
    }),
    fc.record({
      type: fc.constant('map' as const),
      'key-id': fc.constant(0),
      key: fc.constantFrom(...everyPrimitive),
      'value-id': fc.constant(0),
      'value-required': fc.boolean(),
      value: type,
    }),
  )
}

function fieldsOf(type: fc.Arbitrary<IcebergType>, most: number): fc.Arbitrary<NestedField[]> {
  return fc
    .array(fc.record({ type, required: fc.boolean() }), { minLength: 1, maxLength: most })
    .map((fields) => fields.map((field, i) => ({ id: 0, name: `f${i}`, ...field })))
}

/** A value of a type as `Filling.append` takes it; null now and then wherever the type allows it. */
export function anyValue(type: IcebergType, required: boolean): fc.Arbitrary<unknown> {
  const value = typeof type === 'string' ? anyPrimitive(type) : anyNested(type)
  return required ? value : fc.option(value, { freq: 4 })
}

function anyNested(type: Exclude<IcebergType, PrimitiveType>): fc.Arbitrary<unknown> {
  switch (type.type) {
    case 'struct':
      return fc.tuple(...type.fields.map((field) => anyValue(field.type, field.required)))
    case 'list':
      return fc.array(anyValue(type.element, type['element-required']), { maxLength: 3 })
    case 'map':
      return fc.array(fc.tuple(anyValue(type.key, true), anyValue(type.value, type['value-required'])), { maxLength: 3 })
  }
}

/** The values at the ends of a primitive type, and those that readers and writers stumble over. */
export function edgesOf(type: PrimitiveType): readonly unknown[] {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'boolean':
      return [false, true]
    case 'int':
    case 'date':
      return [-(2 ** 31), -1, 0, 1, 2 ** 31 - 1]
    case 'time':
      return [0n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, microsPerDay - 1n]
    case 'long':
    case 'timestamp':
    case 'timestamptz':
      return [-(2n ** 63n), -(2n ** 32n) - 1n, -(2n ** 32n), -1n, 0n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n - 1n]
    case 'float':
      return [NaN, -Infinity, -0, 0, 1.401298464324817e-45, 3.4028234663852886e38, Infinity]
    case 'double':
      return [NaN, -Infinity, -0, 0, Number.MIN_VALUE, Number.MAX_VALUE, Infinity]
    case 'decimal': {
      const most = 10n ** BigInt(primitive.precision) - 1n
      return [-most, -1n, 0n, 1n, 127n, -128n, 128n, most]
    }
    case 'string':
      return ['', '\0', 'abc', 'abcd', 'abc\0', 'abcde', '\uffff', '\u{1f600}', 'z'.repeat(70)].map((text) => utf8(text))
    case 'binary':
      return [[], [0], [0, 0], [0x7f], [0x80], [0xff, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff, 0]].map((bytes) => Uint8Array.from(bytes))
    case 'uuid':
      return [uuid(0x01, 0x80), uuid(0x01, 0xbf), uuid(0x7f, 0x80)]
    case 'fixed':
      return [0, 0x7f, 0x80, 0xff].map((byte) => new Uint8Array(primitive.length).fill(byte))
  }
}

function anyPrimitive(type: PrimitiveType): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 3, arbitrary: usual(type) }, fc.constantFrom(...edgesOf(type)))
}

function usual(type: PrimitiveType): fc.Arbitrary<unknown> {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'boolean':
      return fc.boolean()
    case 'int':
    case 'date':
      return fc.integer()
    case 'time':
      return fc.bigInt({ min: 0n, max: microsPerDay - 1n })
    case 'long':
    case 'timestamp':
    case 'timestamptz':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'float':
      return fc.float()
    case 'double':
      return fc.double()
    case 'decimal':
      return fc.bigInt({ min: 1n - 10n ** BigInt(primitive.precision), max: 10n ** BigInt(primitive.precision) - 1n })
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 6 }).map(utf8)
    case 'binary':
      return fc.uint8Array({ maxLength: 6 })
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 })
    case 'fixed':
      return fc.uint8Array({ minLength: primitive.length, maxLength: primitive.length })
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function uuid(first: number, eighth: number): Uint8Array {
  return new Uint8Array(16).with(0, first).with(8, eighth)
}
