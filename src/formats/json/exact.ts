/**
 * JSON (RFC 8259) whose integers keep every digit: Iceberg's snapshot ids and sequence numbers are int64, and a double holds 53 bits.
 */

/** The third argument of a reviver, and the raw number (ECMA-262, JSON.parse source text access). */
interface SourceTextAccess {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
  rawJSON(text: string): unknown
}
const json = JSON as unknown as SourceTextAccess

const integerText = /^-?\d+$/

/**
 * The value of a document. Integers outside ±(2^53 − 1) become bigint, all other numbers stay numbers.
 *
 * Throws an Error that names the document by `what` and never quotes its text, which may hold credentials.
 */
export function parseJson(text: string, what: string): unknown {
  let failure: unknown
  try {
    return json.parse(text, (_key, value, context) => {
      if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
      return context.source !== undefined && integerText.test(context.source) ? BigInt(context.source) : value
    })
  } catch (error) {
    failure = error
  }
  // Without a cause: the engine's message quotes the text.
  throw new Error(`${what} is not JSON: ${defect(text, failure)}`)
}

/** The document of a value: bigint becomes a number with all its digits, a key whose value is undefined is left out. */
export function stringifyJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? json.rawJSON(item.toString()) : item), indent)
}

function defect(text: string, error: unknown): string {
  if (text.trim() === '') return 'it is empty'
  const message = error instanceof Error ? error.message : ''
  const position = /position (\d+)/.exec(message)?.[1]
  if (position !== undefined && Number(position) < text.length) return `unexpected text at character ${position} of ${text.length}`
  if (position !== undefined || message.includes('end of JSON input')) return `it ends too early, after ${text.length} characters`
  return `unexpected text somewhere in its ${text.length} characters`
}
