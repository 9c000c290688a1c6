import { isPresent, type Vector } from '../../../../src/formats/arrow/vector.ts'
import type { MapShape, RecordShape, Shape, TimeShape } from '../../../../src/formats/json/shape.ts'
import { type Json, readJson } from './plain-json.ts'

/** A document as a row tells it: a JSON value, a text that is no object with members, bytes that are no text, or a record without a value. */
export type Rebuilt =
  | { readonly kind: 'json'; readonly value: Json }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly base64: string }
  | { readonly kind: 'tombstone' }

/** Puts the document together again from a row's columns and its rescue text. */
export function rebuild(shape: RecordShape, columns: readonly Vector[], rescue: string | null, row: number): Rebuilt {
  const rescued = rescue === null ? new Map<string, Json>() : (readJson(rescue) as Map<string, Json>)
  const whole = rescued.get('$')
  if (typeof whole === 'string') return { kind: 'text', text: whole }
  if (whole instanceof Map) return { kind: 'bytes', base64: whole.get('$base64') as string }
  const root = new Map<string, Json>()
  shape.columns.forEach((column, i) => {
    if (isPresent(columns[i], row)) place(root, column.path, slotOf(column.shape, columns[i], row))
  })
  for (const [path, text] of rescued) place(root, stepsOf(path), readJson(text as string))
  return root.size === 0 ? { kind: 'tombstone' } : { kind: 'json', value: root }
}

/** The names and indexes of a normalized path. */
export function stepsOf(path: string): (string | number)[] {
  const steps = [...path.slice(1).matchAll(/\['((?:[^'\\]|\\.)*)'\]|\[(\d+)\]/gsu)]
  if (path !== `$${steps.map(([step]) => step).join('')}`) throw new Error(`${path} is no normalized path`)
  return steps.map(([, name, index]) => (index === undefined ? unescaped(name) : Number(index)))
}

const escapes: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', "'": "'", '\\': '\\' }

function unescaped(name: string): string {
  return name.replaceAll(/\\(?:u([\da-f]{4})|([btnfr'\\]))/g, (_, unit: string | undefined, short: string) =>
    unit === undefined ? escapes[short] : String.fromCharCode(Number.parseInt(unit, 16)),
  )
}

/** Puts a value where the steps lead, and the objects on the way there that are missing. */
function place(root: Map<string, Json>, steps: readonly (string | number)[], value: Json): void {
  let at: Json = root
  steps.forEach((step, i) => {
    const isLast = i === steps.length - 1
    if (typeof step === 'number') {
      if (!Array.isArray(at) || step >= at.length) throw new Error(`there is no element ${step}`)
      if (isLast) at[step] = value
      else at = at[step]
    } else {
      if (!(at instanceof Map)) throw new Error(`${step} is no member of an object`)
      if (isLast) at.set(step, value)
      else {
        if (!at.has(step)) at.set(step, new Map<string, Json>())
        at = at.get(step)!
      }
    }
  })
}

/** What stands in a slot that is present. */
function slotOf(shape: Shape, vector: Vector, i: number): Json {
  const bytes = (): Buffer => Buffer.from(bytesOf(vector, i))
  switch (shape.kind) {
    case 'boolean':
      return vector.layout === 'boolean' && (vector.values[i >> 3] & (1 << (i & 7))) !== 0
    case 'int':
    case 'long':
      return { number: String(fixedOf(vector, i)) }
    case 'float':
    case 'double': {
      const value = fixedOf(vector, i)
      return { number: Object.is(value, -0) ? '-0.0' : String(value) }
    }
    case 'decimal':
      return { number: decimalText(vector, i, shape.scale) }
    case 'string':
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes())
    case 'binary':
      return bytes().toString('base64')
    case 'uuid':
      return bytes()
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return timeText(shape, BigInt(fixedOf(vector, i)))
    case 'struct': {
      if (vector.layout !== 'struct') throw new TypeError(vector.layout)
      const present = shape.fields.flatMap(({ key, shape: field }, j): [string, Json][] =>
        isPresent(vector.children[j], i) ? [[key, slotOf(field, vector.children[j], i)]] : [],
      )
      return new Map(present)
    }
    case 'list':
      if (vector.layout !== 'list') throw new TypeError(vector.layout)
      return slotsOf(shape.element, vector.element, vector.offsets[i], vector.offsets[i + 1])
    case 'map': {
      if (vector.layout !== 'map') throw new TypeError(vector.layout)
      const [from, to] = [vector.offsets[i], vector.offsets[i + 1]]
      const keys = slotsOf(shape.key, vector.keys, from, to).map((key) => keyText(shape.key, key))
      const values = slotsOf(shape.value, vector.values, from, to)
      return new Map(keys.map((key, j) => [key, values[j]]))
    }
  }
}

function slotsOf(shape: Shape, vector: Vector, from: number, to: number): Json[] {
  return Array.from({ length: to - from }, (_, j) => (isPresent(vector, from + j) ? slotOf(shape, vector, from + j) : null))
}

function bytesOf(vector: Vector, i: number): Uint8Array {
  if (vector.layout === 'bytes') return vector.data.subarray(vector.offsets[i], vector.offsets[i + 1])
  if (vector.layout === 'fixed-bytes') return vector.data.subarray(i * vector.width, (i + 1) * vector.width)
  throw new TypeError(vector.layout)
}

function fixedOf(vector: Vector, i: number): number | bigint {
  if (vector.layout !== 'fixed') throw new TypeError(vector.layout)
  return vector.values[i]
}

/** With as many digits after the point as the scale says. */
function decimalText(vector: Vector, i: number, scale: number): string {
  if (vector.layout !== 'decimal') throw new TypeError(vector.layout)
  const unscaled = (vector.values[2 * i + 1] << 64n) + BigInt.asUintN(64, vector.values[2 * i])
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}`
}

const powers = { s: 6, ms: 3, us: 0, ns: -3 }
const microsPerDay = 86_400_000_000n

/** As the column writes it: a text in its form, or a number of its units. */
function timeText({ kind, unit, form }: TimeShape, value: bigint): Json {
  const micros = kind === 'date' ? value * microsPerDay : value
  if (unit !== 'iso8601') return { number: `${micros}e${-powers[unit]}` }
  const zone = kind === 'timestamptz' ? (form?.zone ?? 'Z') : ''
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? ['', '+', '0', '0']
  const offset = BigInt(Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes))) * 60_000_000n
  const local = micros + offset
  const ofSecond = ((local % 1_000_000n) + 1_000_000n) % 1_000_000n
  const shown = new Date(Number((local - ofSecond) / 1000n)).toISOString().replace('.000Z', '')
  const [day, clock] = shown.split('T')
  if (kind === 'date') return day
  const six = String(ofSecond).padStart(6, '0')
  const digits = form === null ? six.replace(/^000000$|000$/, '') : `${six}000`.slice(0, form.fraction)
  const time = digits === '' ? clock : `${clock}.${digits}`
  return kind === 'time' ? time : `${day}${form?.separator ?? 'T'}${time}${zone}`
}

/** A key as the documents write it: a number of units without an exponent. */
function keyText(shape: MapShape['key'], key: Json): string {
  if (typeof key === 'string') return key
  if (typeof key === 'boolean') return String(key)
  const { number } = key as { number: string }
  const [, digits, power] = /^(-?\d+)e(-?\d+)$/.exec(number) ?? []
  if (digits === undefined || !('unit' in shape)) return number
  return power.startsWith('-')
    ? digits.slice(0, digits === '0' ? 1 : Number(power))
    : digits + (digits === '0' ? '' : '0'.repeat(Number(power)))
}
