import type { PrimitiveType } from './schema.ts'
import { type ParsedPrimitive, parsePrimitive } from './primitive-type.ts'
import type { PresentValue } from './single-value.ts'

const dayMs = 86_400_000
const forms = {
  date: /^(-?\d{4,6}-\d{2}-\d{2})$/,
  time: /^(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?$/,
  timestamp: /^(-?\d{4,6}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)(\+00:00|Z)?$/,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  hex: /^(?:[0-9a-f]{2})*$/i,
  decimal: /^-?\d+(?:\.\d+)?$/,
}

/**
 * Reads a default value of a schema (table specification, appendix D, "JSON single-value serialization").
 * @throws Error for one that is none of the type.
 */
export function parseJsonSingleValue(type: PrimitiveType, json: unknown): PresentValue {
  const primitive = parsePrimitive(type)
  const refused = () => new Error(`iceberg: a default value is no ${type}`)
  const { kind } = primitive
  if (kind === 'boolean' && typeof json === 'boolean') return json
  if ((kind === 'int' || kind === 'float' || kind === 'double') && typeof json === 'number') return json
  if (kind === 'long' && (typeof json === 'bigint' || Number.isSafeInteger(json))) return BigInt(json as number)
  if (typeof json === 'string') return fromText(primitive, json, refused)
  throw refused()
}

function fromText(primitive: ParsedPrimitive, json: string, refused: () => Error): PresentValue {
  switch (primitive.kind) {
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      break
    case 'string':
      return json
    case 'date':
      if (forms.date.test(json)) return daysOf(json)
      break
    case 'time':
      if (forms.time.test(json)) return microsOf(json)
      break
    case 'timestamp':
    case 'timestamptz': {
      const parts = forms.timestamp.exec(json)
      if (parts !== null && (parts[3] !== undefined) === (primitive.kind === 'timestamptz')) {
        return BigInt(daysOf(parts[1])) * BigInt(dayMs) * 1000n + microsOf(parts[2])
      }
      break
    }
    case 'uuid':
      if (forms.uuid.test(json)) return Uint8Array.from(Buffer.from(json.replaceAll('-', ''), 'hex'))
      break
    case 'fixed':
    case 'binary':
      if (forms.hex.test(json)) return Uint8Array.from(Buffer.from(json, 'hex'))
      break
    case 'decimal': {
      if (!forms.decimal.test(json)) break
      const [whole, fraction = ''] = json.split('.')
      if (fraction.length === primitive.scale) return BigInt(whole + fraction)
    }
  }
  throw refused()
}

function daysOf(date: string): number {
  const days = Date.parse(`${date}T00:00:00Z`) / dayMs
  if (!Number.isInteger(days)) throw new Error('iceberg: a default value is no date')
  return days
}

function microsOf(time: string): bigint {
  const [, hours, minutes, seconds, fraction = ''] = forms.time.exec(time)!
  return BigInt((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
}
