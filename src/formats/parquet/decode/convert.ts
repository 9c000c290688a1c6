import { parsePrimitive } from '../../iceberg/primitive-type.ts'
import type { PrimitiveType } from '../../iceberg/schema.ts'
import { physicalType } from '../encode/physical-type.ts'
import type { StoredVector } from '../encode/value-store.ts'
import { toBigEndian, toWords } from './decimals.ts'
import type { FileLeaf } from './file-schema.ts'
import { physical } from './values.ts'

/** Turns what a file holds into what a column of a type is written from. */
export type Convert = (values: StoredVector) => StoredVector

const same: Convert = (values) => values
/** parquet.thrift: `LogicalType` members and `ConvertedType` numbers. */
const logical = { decimal: 5, time: 7, timestamp: 8, integer: 10 } as const
const converted = { decimal: 5, date: 6, timeMillis: 7, timestampMillis: 9, unsignedFrom: 11, unsignedTo: 14 } as const
const microsPerDay = 86_400_000_000n

/**
 * How the values of a file's column become those of a table's column: as they are, or widened as the table specification allows
 * ("Schema Evolution"), or from the forms that other writers use (INT96, milliseconds, decimals as bytes).
 * @throws Error where the column can not be read as the type.
 */
export function conversionOf(leaf: FileLeaf, type: PrimitiveType): Convert {
  const primitive = parsePrimitive(type)
  const is = (wanted: number) => leaf.physical === wanted
  if (primitive.kind !== 'decimal' && isDecimal(leaf)) throw mismatch(leaf, type)
  switch (primitive.kind) {
    case 'boolean':
      if (is(physical.boolean)) return same
      break
    case 'int':
      if (is(physical.int32)) return same
      break
    case 'date':
      if (is(physical.int32)) return same
      break
    case 'long':
      if (is(physical.int64)) return same
      if (is(physical.int32)) return isUnsigned(leaf) ? longs((value) => BigInt.asUintN(32, value)) : longs((value) => value)
      break
    case 'float':
      if (is(physical.float)) return same
      break
    case 'double':
      if (is(physical.double)) return same
      if (is(physical.float)) return doubles
      break
    case 'time':
      if (is(physical.int32)) return longs((value) => value * 1000n)
      if (is(physical.int64) && unitOf(leaf) === 'micros') return same
      break
    case 'timestamp':
    case 'timestamptz':
      if (is(physical.int96)) return int96
      if (is(physical.int32) && (leaf.converted === converted.date || leaf.logical?.type === 6))
        return longs((value) => value * microsPerDay)
      if (is(physical.int64) && unitOf(leaf) === 'micros') return same
      if (is(physical.int64) && unitOf(leaf) === 'millis') return longs((value) => value * 1000n)
      break
    case 'string':
    case 'binary':
      if (is(physical.bytes)) return same
      break
    case 'uuid':
      if (is(physical.fixed) && leaf.length === 16) return same
      break
    case 'fixed':
      if (is(physical.fixed) && leaf.length === primitive.length) return same
      break
    case 'decimal': {
      if (!isDecimal(leaf) || leaf.scale !== primitive.scale) break
      const wanted = physicalType(type)
      if (wanted.physical === 'int32' || wanted.physical === 'int64') {
        const words = wanted.physical === 'int32' ? 1 : 2
        if (is(words === 1 ? physical.int32 : physical.int64)) return plainDecimals
        return (values) => toWords(leaf, values, words)
      }
      if (is(physical.fixed) && leaf.length === wanted.length) return same
      return (values) => toBigEndian(leaf, values, wanted.length)
    }
  }
  throw mismatch(leaf, type)
}

function mismatch({ path, physical: type }: FileLeaf, wanted: PrimitiveType): Error {
  const name = Object.entries(physical).find(([, code]) => code === type)?.[0] ?? `type ${type}`
  return new Error(`column ${path} of the file is ${name}, and can not be read as ${wanted}`)
}

function isDecimal({ logical: annotation, converted: older }: FileLeaf): boolean {
  return annotation?.type === logical.decimal || older === converted.decimal
}

function isUnsigned({ logical: annotation, converted: older }: FileLeaf): boolean {
  if (annotation?.type === logical.integer) {
    const signed = annotation.parameters.fields.get(2)
    return signed?.type === 'bool' && !signed.value
  }
  return older !== null && older >= converted.unsignedFrom && older <= converted.unsignedTo
}

/** The unit of a time or timestamp of 64 bits; without an annotation micros, as Iceberg's are. */
function unitOf({ logical: annotation, converted: older }: FileLeaf): 'millis' | 'micros' | 'nanos' {
  if (annotation?.type === logical.time || annotation?.type === logical.timestamp) {
    const unit = annotation.parameters.fields.get(2)
    if (unit?.type === 'struct') return unit.fields.has(1) ? 'millis' : unit.fields.has(3) ? 'nanos' : 'micros'
  }
  return older === converted.timestampMillis || older === converted.timeMillis ? 'millis' : 'micros'
}

function longs(of: (value: bigint) => bigint): Convert {
  return (values) => {
    if (values.layout !== 'fixed') throw new TypeError(`expected numbers, found ${values.layout}`)
    const out = new BigInt64Array(values.length)
    for (let i = 0; i < values.length; i++) out[i] = of(BigInt(values.values[i]))
    return { ...values, values: out }
  }
}

function plainDecimals(values: StoredVector): StoredVector {
  if (values.layout !== 'fixed') throw new TypeError(`expected numbers, found ${values.layout}`)
  return { ...values, layout: 'plain-decimals', nullCount: 0, validity: null, values: values.values as Int32Array | BigInt64Array }
}

function doubles(values: StoredVector): StoredVector {
  if (values.layout !== 'fixed') throw new TypeError(`expected numbers, found ${values.layout}`)
  return { ...values, values: Float64Array.from(values.values as Float32Array) }
}

/** INT96: nanoseconds of the day in eight bytes, the Julian day in four. */
function int96(values: StoredVector): StoredVector {
  if (values.layout !== 'fixed-bytes') throw new TypeError(`expected bytes, found ${values.layout}`)
  const view = new DataView(values.data.buffer, values.data.byteOffset)
  const out = new BigInt64Array(values.length)
  for (let i = 0; i < values.length; i++) {
    const day = BigInt(view.getInt32(i * 12 + 8, true)) - 2_440_588n
    out[i] = day * microsPerDay + view.getBigInt64(i * 12, true) / 1000n
  }
  return { layout: 'fixed', length: values.length, nullCount: 0, validity: null, values: out }
}
