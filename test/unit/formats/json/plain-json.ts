/** JSON values whose numbers keep their text, read by the engine's own parser: what tests compare with. */

/** A number as it is written. */
export interface NumberText {
  readonly number: string
}

export type Json = null | boolean | string | NumberText | Json[] | Map<string, Json>

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** The value of a document that JSON.parse accepts. Of members with one name the last counts. */
export function readJson(text: string): Json {
  const parse = JSON.parse as (text: string, reviver: Reviver) => unknown
  return parse(text, (_key, value, { source }) => {
    if (typeof value === 'number') return { number: source! }
    return value === null || typeof value !== 'object' || Array.isArray(value) ? value : new Map(Object.entries(value))
  }) as Json
}

/**
 * Whether `actual` is the value that was `written`: the same kinds, names, elements, texts, and numbers of the same decimal value. The
 * order of members counts for nothing. Zeros have a sign where a fraction or an exponent says so; the integer `-0` has none or has.
 */
export function isSameJson(written: Json, actual: Json): boolean {
  if (Array.isArray(written)) {
    return Array.isArray(actual) && written.length === actual.length && written.every((element, i) => isSameJson(element, actual[i]))
  }
  if (written instanceof Map) {
    if (!(actual instanceof Map) || written.size !== actual.size) return false
    return [...written].every(([name, value]) => actual.has(name) && isSameJson(value, actual.get(name)!))
  }
  if (written === null || typeof written !== 'object') return written === actual
  if (actual === null || typeof actual !== 'object' || !('number' in actual)) return false
  const found = canonicalNumber(actual.number)
  return found === canonicalNumber(written.number) || (written.number === '-0' && found === '0')
}

/** The decimal value of a JSON number as a text that no other value has: `-12e-3`; `0` and `-0` for zeros. */
export function canonicalNumber(text: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]\+?(-?\d+))?$/.exec(text)!
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/(?<!0)0+$/, '')
  if (significant === '') return `${sign}0`
  return `${sign}${significant}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length)}`
}
