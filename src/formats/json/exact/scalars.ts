import type { Shape } from '../shape.ts'
import type { Fit, Scalar } from './fit.ts'
import { mark } from './marks.ts'
import { doubleOf, floatOf, intOf, longOf, unscaledOf } from './numbers.ts'
import { binaryOf, uuidOf } from './plain.ts'
import { bytesOfString, textOfString, utf8Text } from './strings.ts'
import { timeOfNumber } from './time-numbers.ts'
import { timeOfText } from './times.ts'

/** A shape without shapes beneath it. */
export type ScalarShape = Exclude<Shape, { kind: 'struct' | 'list' | 'map' }>

/**
 * The value of the JSON value `bytes[start, end)` for a column of this shape; null where the column can not hold it. It is a valid
 * one (RFC 8259), without white space around it, and UTF-8. Bytes may share the memory of `bytes`.
 */
export function scalarOf(shape: ScalarShape, bytes: Uint8Array, start: number, end: number): Fit<Scalar> | null {
  switch (bytes[start]) {
    case mark.quote:
      if (shape.kind === 'string') return exactly(bytesOfString(bytes, start, end))
      return scalarOfText(shape, textOfString(bytes, start, end))
    case mark.t:
    case mark.f:
      return shape.kind === 'boolean' ? exactly(bytes[start] === mark.t) : null
    case mark.n:
    case mark.openBrace:
    case mark.openBracket:
      return null
    default:
      return scalarOfNumber(shape, utf8Text(bytes, start, end))
  }
}

/** As `scalarOf`, for what a JSON string says. */
export function scalarOfText(shape: ScalarShape, text: string): Fit<Scalar> | null {
  switch (shape.kind) {
    case 'string':
      return exactly(text.isWellFormed() ? Buffer.from(text) : null)
    case 'binary':
      return binaryOf(text)
    case 'uuid':
      return uuidOf(text)
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return shape.unit === 'iso8601' ? timeOfText(shape, text) : null
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'decimal':
      return null
  }
}

/** As `scalarOf`, for the text of a JSON number. */
export function scalarOfNumber(shape: ScalarShape, text: string): Fit<Scalar> | null {
  switch (shape.kind) {
    case 'int':
      return intOf(text)
    case 'long':
      return longOf(text)
    case 'float':
      return floatOf(text)
    case 'double':
      return doubleOf(text)
    case 'decimal':
      return unscaledOf(text, shape.precision, shape.scale)
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return timeOfNumber(shape, text)
    case 'boolean':
    case 'string':
    case 'binary':
    case 'uuid':
      return null
  }
}

function exactly<V>(value: V | null): Fit<V> | null {
  return value === null ? null : { value, isExact: true }
}
