import type { MapShape } from '../shape.ts'
import type { Fit, Scalar } from './fit.ts'
import { doubleOf, floatOf } from './numbers.ts'
import { scalarOfNumber, scalarOfText } from './scalars.ts'

const integerText = /^(?:0|-?[1-9]\d*)$/

/**
 * The value of a map's key for a column of this shape; null where the column can not hold it, or where it would write the key in
 * another way: two keys never become one value. Numbers are written as integers without an exponent, float and double as
 * ECMAScript's Number::toString writes them, decimals with as many digits after the point as their scale says.
 */
export function keyOf(shape: MapShape['key'], text: string): Scalar | null {
  switch (shape.kind) {
    case 'string':
    case 'binary':
    case 'uuid':
      return exact(scalarOfText(shape, text))
    case 'boolean':
      return text === 'true' || text === 'false' ? text === 'true' : null
    case 'int':
    case 'long':
      return integerText.test(text) ? exact(scalarOfNumber(shape, text)) : null
    case 'float':
      return shownAs(text, floatOf(text))
    case 'double':
      return shownAs(text, doubleOf(text))
    case 'decimal':
      return isDecimalText(text, shape.scale) ? exact(scalarOfNumber(shape, text)) : null
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      if (shape.unit === 'iso8601') return exact(scalarOfText(shape, text))
      return integerText.test(text) ? exact(scalarOfNumber(shape, text)) : null
  }
}

function exact(fit: Fit<Scalar> | null): Scalar | null {
  return fit !== null && fit.isExact ? fit.value : null
}

/** `text` need not be a number: what is none is never what a finite number is shown as. */
function shownAs(text: string, fit: Fit<number> | null): number | null {
  return fit !== null && String(fit.value) === text ? fit.value : null
}

/** Whether a text is a number with exactly `scale` digits after its point, without zeros before it, and not the negative zero. */
function isDecimalText(text: string, scale: number): boolean {
  const point = text.indexOf('.')
  const whole = point < 0 ? text : text.slice(0, point)
  const fraction = point < 0 ? '' : text.slice(point + 1)
  if (fraction.length !== scale || (point >= 0 && scale === 0)) return false
  return /^-?(?:0|[1-9]\d*)$/.test(whole) && /^\d*$/.test(fraction) && !/^-[0.]*$/.test(text)
}
