import { BooleanBuilder } from '../../../../src/formats/arrow/builders/bits.ts'
import type { Builder } from '../../../../src/formats/arrow/builders/builder.ts'
import { BytesBuilder, FixedBytesBuilder } from '../../../../src/formats/arrow/builders/bytes.ts'
import { ListBuilder, MapBuilder, StructBuilder } from '../../../../src/formats/arrow/builders/nested.ts'
import {
  DecimalBuilder,
  Float32Builder,
  Float64Builder,
  Int32Builder,
  Int64Builder,
} from '../../../../src/formats/arrow/builders/numbers.ts'
import type { Vector } from '../../../../src/formats/arrow/vector.ts'
import { parsePrimitive } from '../../../../src/formats/iceberg/primitive-type.ts'
import type { IcebergType, PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'

/** A builder and how plain values are appended to it. */
export interface Filling {
  readonly builder: Builder
  /**
   * boolean; int, date, float, double: number; long, time, timestamps and decimal (unscaled): bigint; string, binary, uuid, fixed: bytes;
   * struct: its members; list: its elements; map: pairs of key and value. Null at any level but a map's keys.
   */
  readonly append: (value: unknown) => void
}

/** An empty column of a type. */
export function fillingOf(type: IcebergType): Filling {
  if (typeof type === 'string') return plainFilling(type)
  switch (type.type) {
    case 'struct': {
      const members = type.fields.map((field) => fillingOf(field.type))
      const builder = new StructBuilder(members.map((member) => member.builder))
      return filling(builder, (value: readonly unknown[]) => {
        for (const [i, member] of members.entries()) member.append(value[i])
        builder.close()
      })
    }
    case 'list': {
      const element = fillingOf(type.element)
      const builder = new ListBuilder(element.builder)
      return filling(builder, (value: readonly unknown[]) => {
        for (const one of value) element.append(one)
        builder.close()
      })
    }
    case 'map': {
      const [keys, values] = [fillingOf(type.key), fillingOf(type.value)]
      const builder = new MapBuilder(keys.builder, values.builder)
      return filling(builder, (entries: readonly (readonly [unknown, unknown])[]) => {
        for (const [key, value] of entries) {
          keys.append(key)
          values.append(value)
        }
        builder.close()
      })
    }
  }
}

/** A column of a type with these values; see `Filling.append`. */
export function vectorOf(type: IcebergType, values: readonly unknown[]): Vector {
  const { builder, append } = fillingOf(type)
  for (const value of values) append(value)
  return builder.snapshot()
}

function plainFilling(type: PrimitiveType): Filling {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'boolean':
      return appending(new BooleanBuilder())
    case 'int':
    case 'date':
      return appending(new Int32Builder())
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return appending(new Int64Builder())
    case 'float':
      return appending(new Float32Builder())
    case 'double':
      return appending(new Float64Builder())
    case 'decimal':
      return appending(new DecimalBuilder())
    case 'uuid':
      return appending(new FixedBytesBuilder(16))
    case 'fixed':
      return appending(new FixedBytesBuilder(primitive.length))
    case 'string':
    case 'binary': {
      const builder = new BytesBuilder()
      return filling(builder, (value: Uint8Array) => builder.append(value, 0, value.length))
    }
  }
}

function appending(builder: Builder & { append(value: never): void }): Filling {
  return filling(builder, (value: never) => builder.append(value))
}

function filling(builder: Builder, append: (value: never) => void): Filling {
  return { builder, append: (value) => (value === null ? builder.appendNull() : append(value as never)) }
}
